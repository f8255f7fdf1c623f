/*
 * handlers.c - what a process does with its signals. A table of actions may belong to several processes
 * (CLONE_SIGHAND): its own lock, taken inside a process's signal_lock, covers it. A single word of it
 * (the handler) may be read without. Most tables say nothing of most signals: a word of bits tells which entries
 * are there, and fork and exec look at those only.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/signal.h"

static struct slab_cache handlers_slab;

void signal_handlers_init(void)
{
	slab_cache_init(&handlers_slab, "signal handlers", sizeof(struct signal_handlers), 8);
}

struct signal_handlers *signal_handlers_create(void)
{
	struct signal_handlers *h = slab_alloc(&handlers_slab);

	if (!h)
		return NULL;
	h->refs = 1;
	h->set = 0;
	spin_init(&h->lock, "signal handlers", RANK_HANDLERS);
	return h;
}

struct signal_handlers *signal_handlers_copy(struct process *from)
{
	struct signal_handlers *h = signal_handlers_create();

	if (!h)
		return NULL;
	u64 flag = spin_lock_irq(&from->signal_lock);

	spin_lock(&from->handlers->lock);
	h->set = from->handlers->set;
	for (u64 left = h->set; left; left &= left - 1)
		h->action[__builtin_ctzl(left)] = from->handlers->action[__builtin_ctzl(left)];
	spin_unlock(&from->handlers->lock);
	spin_unlock_irq(&from->signal_lock, flag);
	return h;
}

struct signal_handlers *signal_handlers_share(struct process *p)
{
	atomic_add(&p->handlers->refs, 1);
	return p->handlers;
}

void signal_handlers_put(struct signal_handlers *h)
{
	if (atomic_sub_return(&h->refs, 1) == 0)
		slab_free(&handlers_slab, h);
}

// h->lock held.
static struct kernel_sigaction action_of(const struct signal_handlers *h, int number)
{
	return h->set & signal_bit(number) ? h->action[number - 1] : (struct kernel_sigaction){ 0 };
}

struct kernel_sigaction signal_action_get(struct process *p, int number)
{
	spin_lock(&p->handlers->lock);
	struct kernel_sigaction a = action_of(p->handlers, number);

	spin_unlock(&p->handlers->lock);
	return a;
}

void signal_action_set(struct process *p, int number, const struct kernel_sigaction *a)
{
	spin_lock(&p->handlers->lock);
	p->handlers->action[number - 1] = *a;
	atomic_or(&p->handlers->set, signal_bit(number));       // last: who reads without the lock finds what it says
	spin_unlock(&p->handlers->lock);
}

struct kernel_sigaction signal_action_take(struct process *p, int number)
{
	u64 flag = spin_lock_irq(&p->signal_lock);

	spin_lock(&p->handlers->lock);
	struct kernel_sigaction a = action_of(p->handlers, number);

	if (a.flags & SA_RESETHAND && a.handler != SIG_DFL && a.handler != SIG_IGN)
		p->handlers->action[number - 1].handler = SIG_DFL;
	spin_unlock(&p->handlers->lock);
	spin_unlock_irq(&p->signal_lock, flag);
	return a;
}

int signal_handlers_reset_for_exec(struct process *p)
{
	struct signal_handlers *own = p->handlers, *shared = NULL;

	if (atomic_load(&own->refs) > 1) {
		own = signal_handlers_copy(p);
		if (!own)
			return -ENOMEM;
		shared = p->handlers;
	}
	u64 flag = spin_lock_irq(&p->signal_lock);

	for (u64 left = own->set; left; left &= left - 1) {
		if (own->action[__builtin_ctzl(left)].handler != SIG_IGN)
			own->set &= ~(left & -left);
	}
	p->handlers = own;
	spin_unlock_irq(&p->signal_lock, flag);
	if (shared)
		signal_handlers_put(shared);
	return 0;
}
