/*
 * terminal_job.c - whose terminal it is: sessions, the foreground group, and who is stopped because
 * it is not in it (POSIX 11.1.3 and 11.1.4). terminal.session and .group, and every process's
 * terminal, group and session are covered by process_table_lock, so that each decision sees one
 * moment.
 */
#include "dev/terminal.h"
#include "kernel.h"
#include "proc/process.h"
#include <abi/errno.h>

struct terminal *terminal_of_current(void)
{
	struct terminal *t;

	spin_lock(&process_table_lock);
	t = current_process()->terminal;
	spin_unlock(&process_table_lock);
	return t;
}

// Calls f for every process, with process_table_lock held, until it returns false.
static void for_each_process(bool (*f)(struct process *p, void *argument), void *argument)
{
	struct process *p = process_next(0);

	while (p) {
		int pid = p->pid;
		bool goes_on;

		spin_lock(&process_table_lock);
		goes_on = f(p, argument);
		spin_unlock(&process_table_lock);
		process_put(p);
		p = goes_on ? process_next(pid) : NULL;
	}
}

struct group_question {
	int group, session;
	bool exists, is_in_session;
};

static bool ask_group(struct process *p, void *argument)
{
	struct group_question *q = argument;

	if (p->group != q->group || p->state != PROCESS_ALIVE)
		return true;
	q->exists = true;
	if (p->session == q->session)
		q->is_in_session = true;
	return true;
}

// Would the current process not notice the signal?
static bool is_deaf_to(int signal)
{
	struct process *p = current_process();
	u64 flag = spin_lock_irq(&p->signal_lock);
	bool is_deaf = current->signal_mask & signal_bit(signal) || signal_handler_of(p->handlers, signal) == SIG_IGN;

	spin_unlock_irq(&p->signal_lock, flag);
	return is_deaf;
}

int terminal_check_job(struct terminal *t, int signal)
{
	struct process *p = current_process();

	spin_lock(&process_table_lock);
	int group = p->group;
	bool is_background = p->terminal == t && t->group && group != t->group;
	bool is_orphaned = is_background && group_is_orphaned_locked(group, p->session, NULL);

	spin_unlock(&process_table_lock);
	if (!is_background)
		return 0;
	if (is_deaf_to(signal))
		return signal == SIGTTIN ? -EIO : 0;
	if (is_orphaned)
		return -EIO;
	signal_send_group(group, signal, NULL);
	return -ERESTARTSYS;
}

void terminal_signal(struct terminal *t, int signal)
{
	spin_lock(&process_table_lock);
	int group = t->group;

	spin_unlock(&process_table_lock);
	if (group)
		signal_send_group(group, signal, NULL);
}

static int get(struct terminal *t, const int *what)
{
	int result;

	spin_lock(&process_table_lock);
	result = current_process()->terminal == t ? *what : -ENOTTY;
	spin_unlock(&process_table_lock);
	return result;
}

int terminal_get_group(struct terminal *t)
{
	return get(t, &t->group);
}

int terminal_get_session(struct terminal *t)
{
	return get(t, &t->session);
}

int terminal_set_group(struct terminal *t, int group)
{
	struct group_question q = { .group = group, .session = get(t, &t->session) };
	int error = q.session < 0 ? q.session : terminal_check_job(t, SIGTTOU);

	if (error)
		return error;
	if (group < 0)
		return -EINVAL;
	for_each_process(ask_group, &q);
	if (!q.is_in_session)
		return q.exists ? -EPERM : -ESRCH;
	spin_lock(&process_table_lock);
	if (t->session == q.session)
		t->group = group;
	spin_unlock(&process_table_lock);
	return 0;
}

struct leaving {
	struct terminal *terminal;
	int session;
};

static bool leave_one(struct process *p, void *argument)
{
	struct leaving *l = argument;

	if (p->session == l->session && p->terminal == l->terminal)
		p->terminal = NULL;
	return true;
}

// Nobody of the session has the terminal any more.
static void session_leaves(struct terminal *t, int session)
{
	struct leaving l = { .terminal = t, .session = session };

	for_each_process(leave_one, &l);
}

// process_table_lock held. 0; 1 when the session that has it must leave first; -EPERM.
static int try_acquire(struct terminal *t, struct process *p, bool steal)
{
	if (p->terminal == t && t->session == p->session)
		return 0;
	if (p->session != p->pid || p->terminal)
		return -EPERM;
	if (t->session && t->session != p->session)
		return steal ? 1 : -EPERM;
	p->terminal = t;
	t->session = p->session;
	t->group = p->group;
	return 0;
}

// Has the session that holds the terminal lost its leader? Then nobody will give it back.
static bool is_abandoned(int session)
{
	struct process *leader = session ? process_find(session) : NULL;
	bool is_gone = session && (!leader || READ_ONCE(leader->state) != PROCESS_ALIVE);

	if (leader)
		process_put(leader);
	return is_gone;
}

int terminal_acquire(struct terminal *t, bool steal)
{
	int holder = READ_ONCE(t->session);
	int result;

	steal |= is_abandoned(holder);
	spin_lock(&process_table_lock);
	result = try_acquire(t, current_process(), steal);
	holder = t->session;
	if (result == 1)
		t->session = t->group = 0;
	spin_unlock(&process_table_lock);
	if (result != 1)
		return result;
	session_leaves(t, holder);
	spin_lock(&process_table_lock);
	result = try_acquire(t, current_process(), false);
	spin_unlock(&process_table_lock);
	return result;
}

void terminal_leader_exits(struct process *leader)
{
	struct terminal *t;
	int session, group = 0;

	spin_lock(&process_table_lock);
	t = leader->terminal;
	session = leader->session;
	if (!t || session != leader->pid || t->session != session)
		t = NULL;
	if (t) {
		group = t->group;
		t->session = t->group = 0;
	}
	spin_unlock(&process_table_lock);
	if (!t)
		return;
	if (group) {
		signal_send_group(group, SIGHUP, NULL);
		signal_send_group(group, SIGCONT, NULL);
	}
	session_leaves(t, session);
}

int terminal_give_up(struct terminal *t)
{
	struct process *p = current_process();

	spin_lock(&process_table_lock);
	bool has_it = p->terminal == t, is_leader = p->session == p->pid;

	if (has_it && !is_leader)
		p->terminal = NULL;
	spin_unlock(&process_table_lock);
	if (!has_it)
		return -ENOTTY;
	if (is_leader)
		terminal_leader_exits(p);
	return 0;
}
