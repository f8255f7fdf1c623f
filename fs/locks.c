/*
 * locks.c - locks of files. An inode has a list of them, in no order but that of their making; a file has few.
 *
 * The ranges that one owner has locked never overlap, and two that touch and are of one type are one (L1).
 * So a request first looks for others' locks in the way, then cuts its range out of the owner's own,
 * taking in those that it only makes longer. One cut can leave two pieces, so memory for two records is taken
 * before the lock (spin) that covers every list here.
 *
 * Who must wait enters the list of waiters and tries again whenever any lock anywhere has gone. Before it sleeps
 * it follows the chain: the owner of the lock in its way, the lock that this owner waits for, and so on; when
 * the chain comes back, the request is refused (EDEADLK). As on Linux that is done for the locks of processes only.
 */
#include "fs/locks.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include <abi/errno.h>

struct file_lock {
	struct list link;               // GUARDED_BY(locks_lock) inode.file_locks
	struct lock_request is;
};

struct lock_waiter {
	struct list link;               // GUARDED_BY(locks_lock)
	struct inode *inode;
	const struct lock_request *wants;
};

static struct spinlock locks_lock = SPINLOCK_INIT("file locks", RANK_FILE_LOCKS);
static struct list waiters = LIST_INIT(waiters);        // GUARDED_BY(locks_lock)
static struct wait_queue released = { .waiters = LIST_INIT(released.waiters) };
static u64 nr_releases;                         // GUARDED_BY(locks_lock); read without it

static bool is_own(const struct lock_request *a, const struct lock_request *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

static bool overlap(const struct lock_request *a, const struct lock_request *b)
{
	return a->start <= b->last && b->start <= a->last;
}

// Locks of flock and of fcntl do not see each other.
static bool conflict(const struct lock_request *a, const struct lock_request *b)
{
	return (a->kind == LOCK_OF_FILE) == (b->kind == LOCK_OF_FILE) && !is_own(a, b) && overlap(a, b) &&
	       (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct inode *ip, const struct lock_request *request)
{
	struct file_lock *l;

	if (request->type == F_UNLCK)
		return NULL;
	list_for_each(l, &ip->file_locks, link) {
		if (conflict(&l->is, request))
			return l;
	}
	return NULL;
}

static struct lock_waiter *find_waiter(const void *owner)
{
	struct lock_waiter *w;

	list_for_each(w, &waiters, link) {
		if (w->wants->kind == LOCK_OF_PROCESS && w->wants->owner == owner)
			return w;
	}
	return NULL;
}

static bool would_deadlock(const struct lock_request *request, const struct file_lock *in_the_way)
{
	for (int steps = 0; steps < 100 && in_the_way && request->kind == LOCK_OF_PROCESS; steps++) {
		struct lock_waiter *w;

		if (in_the_way->is.kind != LOCK_OF_PROCESS)
			return false;
		if (in_the_way->is.owner == request->owner)
			return true;
		w = find_waiter(in_the_way->is.owner);
		in_the_way = w ? find_conflict(w->inode, w->wants) : NULL;
	}
	return false;
}

static void drop(struct file_lock *l)
{
	list_remove(&l->link);
	kfree(l);
}

static void add(struct inode *ip, struct file_lock **spare, const struct lock_request *is)
{
	struct file_lock *l = *spare ? *spare : spare[1];

	if (l == *spare)
		spare[0] = NULL;
	else
		spare[1] = NULL;
	l->is = *is;
	list_push_back(&ip->file_locks, &l->link);
}

// Takes [wanted->start, wanted->last] out of one of the owner's locks, of another type.
static void cut(struct inode *ip, struct file_lock *l, const struct lock_request *wanted, struct file_lock **spare)
{
	struct lock_request behind = l->is;

	if (l->is.start < wanted->start && l->is.last > wanted->last) {
		behind.start = wanted->last + 1;
		add(ip, spare, &behind);
	}
	if (l->is.start < wanted->start)
		l->is.last = wanted->start - 1;
	else if (l->is.last > wanted->last)
		l->is.start = wanted->last + 1;
	else
		drop(l);
}

// locks_lock held, nothing in the way. L1.
static void apply(struct inode *ip, const struct lock_request *request, struct file_lock **spare)
{
	struct lock_request wanted = *request;
	struct file_lock *l, *next;

	list_for_each_safe(l, next, &ip->file_locks, link) {
		if (!is_own(&l->is, &wanted))
			continue;
		if (l->is.type == wanted.type && l->is.start <= wanted.last + 1 && wanted.start <= l->is.last + 1) {
			wanted.start = min(wanted.start, l->is.start);
			wanted.last = max(wanted.last, l->is.last);
			drop(l);
		} else if (overlap(&l->is, &wanted)) {
			cut(ip, l, &wanted, spare);
		}
	}
	if (wanted.type != F_UNLCK)
		add(ip, spare, &wanted);
	nr_releases++;                          // a write lock may have become a read lock
}

// One try. -EAGAIN: *seen tells which release to wait for.
static int try_once(struct inode *ip, struct lock_waiter *w, bool waits, struct file_lock **spare, u64 *seen)
{
	const struct lock_request *request = w->wants;
	struct file_lock *in_the_way;
	int error = 0;

	spin_lock(&locks_lock);
	list_remove(&w->link);
	list_init(&w->link);
	in_the_way = find_conflict(ip, request);
	*seen = nr_releases;
	if (!in_the_way) {
		apply(ip, request, spare);
	} else {
		error = waits && would_deadlock(request, in_the_way) ? -EDEADLK : -EAGAIN;
		if (waits && error == -EAGAIN)
			list_push_back(&waiters, &w->link);
	}
	spin_unlock(&locks_lock);
	if (!error)
		wake_all(&released);
	return error;
}

static void stop_waiting(struct lock_waiter *w)
{
	spin_lock(&locks_lock);
	list_remove(&w->link);
	spin_unlock(&locks_lock);
}

// flock changes a lock by giving it up first: others may be faster, and a refusal leaves none.
static void give_up_other_type(struct inode *ip, const struct lock_request *request)
{
	bool is_released = false;
	struct file_lock *l;

	spin_lock(&locks_lock);
	list_for_each(l, &ip->file_locks, link) {
		if (is_own(&l->is, request) && l->is.type != request->type) {
			drop(l);
			nr_releases++;
			is_released = true;
			break;
		}
	}
	spin_unlock(&locks_lock);
	if (is_released)
		wake_all(&released);
}

int lock_set(struct inode *ip, const struct lock_request *request, bool waits)
{
	struct file_lock *spare[2] = { kmalloc(sizeof(*spare[0])), kmalloc(sizeof(*spare[0])) };
	struct lock_waiter w = { .inode = ip, .wants = request };
	int error = spare[0] && spare[1] ? 0 : -ENOLCK;
	u64 seen;

	list_init(&w.link);
	if (!error && request->kind == LOCK_OF_FILE)
		give_up_other_type(ip, request);
	while (!error) {
		error = try_once(ip, &w, waits, spare, &seen);
		if (error != -EAGAIN || !waits)
			break;
		error = wait_event_interruptible(&released, READ_ONCE(nr_releases) != seen) ? -ERESTARTSYS : 0;
	}
	stop_waiting(&w);
	kfree(spare[0]);
	kfree(spare[1]);
	return error;
}

bool lock_test(struct inode *ip, const struct lock_request *request, struct lock_request *found)
{
	struct file_lock *l;

	spin_lock(&locks_lock);
	l = find_conflict(ip, request);
	if (l)
		*found = l->is;
	spin_unlock(&locks_lock);
	return l;
}

void locks_release(struct inode *ip, const void *owner)
{
	struct file_lock *l, *next;
	bool is_released = false;

	// What this owner has locked it locked before, so it sees that without the lock.
	if (list_is_empty(&ip->file_locks))
		return;
	spin_lock(&locks_lock);
	list_for_each_safe(l, next, &ip->file_locks, link) {
		if (l->is.owner == owner) {
			drop(l);
			is_released = true;
		}
	}
	nr_releases += is_released;
	spin_unlock(&locks_lock);
	if (is_released)
		wake_all(&released);
}
