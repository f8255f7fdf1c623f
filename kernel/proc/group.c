/*
 * group.c - process groups as jobs: who is stopped, and whether anybody is left who would continue it.
 * A group of which no member has its parent in another group of the same session is orphaned: it does not stop
 * from the terminal, and when it becomes so with somebody stopped in it, all of it is told by SIGHUP and continued
 * (POSIX, exit: consequences). All of this under process_table_lock.
 */
#include "kernel.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/signal.h"

static u32 nr_stopped;                  // GUARDED_BY(process_table_lock) processes: none, and no end of a process looks

void process_set_stopped_locked(struct process *p, bool is_stopped)
{
	if (p->is_stopped != is_stopped)
		nr_stopped += is_stopped ? 1u : U32_MAX;
	p->is_stopped = is_stopped;
}

struct group_look {
	int group, session;
	const struct process *leaving;
	bool has_guardian, has_stopped;
};

static bool look_at_member(struct process *p, void *argument)
{
	struct group_look *l = argument;
	const struct process *parent = p->parent;

	if (p->group != l->group || p->session != l->session || p == l->leaving || p->state != PROCESS_ALIVE)
		return true;
	l->has_stopped |= p->is_stopped;
	if (parent && parent != l->leaving && parent->pid != 1 && parent->group != p->group &&
	    parent->session == p->session)
		l->has_guardian = true;
	return true;
}

bool group_is_orphaned_locked(int group, int session, const struct process *leaving)
{
	struct group_look l = { .group = group, .session = session, .leaving = leaving };

	processes_for_each_locked(look_at_member, &l);
	return !l.has_guardian;
}

// Does the relation of this child and parent, which ends now, leave the child's group orphaned, with somebody stopped?
static bool is_lost(const struct process *child, const struct process *parent, const struct process *leaving)
{
	struct group_look l = { .group = child->group, .session = child->session, .leaving = leaving };

	if (!parent || parent->group == child->group || parent->session != child->session)
		return false;
	processes_for_each_locked(look_at_member, &l);
	return !l.has_guardian && l.has_stopped;
}

// The next group that the end of p leaves so; 0: none.
static int next_lost(struct process *p)
{
	const struct process *child;
	int group = 0;

	spin_lock(&process_table_lock);
	if (is_lost(p, p->parent, p))
		group = p->group;
	list_for_each(child, &p->children, sibling_link) {
		if (!group && is_lost(child, p, p))
			group = child->group;
	}
	spin_unlock(&process_table_lock);
	return group;
}

void groups_lose(struct process *p)
{
	int group;

	// Each round continues a group, so the next one finds another.
	while (READ_ONCE(nr_stopped) && (group = next_lost(p))) {
		(void)signal_send_group(group, SIGHUP, NULL);
		(void)signal_send_group(group, SIGCONT, NULL);
	}
}
