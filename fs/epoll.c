/*
 * epoll.c - a file that watches other files. An item stands in its file's wait queues as a watcher:
 * whoever wakes them puts the item on the list of its epoll's ready ones. That says only that something has changed;
 * what is ready is asked of the file when somebody collects. An item that is ready and told by level goes back
 * to the end of the list, so that the next collection asks again; one told by edge waits for the next wake-up.
 *
 * links_lock (one for all) covers which item hangs on which file, and keeps epolls from going while a file
 * that they watch is closed. epoll.lock covers an epoll's items and is held while the files are asked;
 * an epoll that watches another is locked before it (there are no circles). ready_lock covers the list;
 * those who wake take it, also in interrupts.
 */
#include "fs/epoll.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/rbtree.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/timer.h"
#include <abi/errno.h>
#include <abi/poll.h>

#define NESTS_MAX 5                     // how many epolls in a row may watch each other
#define QUEUES_MAX 2                    // of one file: for reading and for writing
#define ALWAYS (EPOLLERR | EPOLLHUP)    // told, asked for or not
#define HOW (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)     // bits that are no events

struct epoll {
	struct file *file;              // constant; this
	struct mutex lock;              // RANK_EPOLL
	struct rb_tree items;           // changed with links_lock and lock, read with either. By file and descriptor
	struct spinlock ready_lock;     // RANK_EPOLL_READY
	struct list ready;              // GUARDED_BY(ready_lock) epoll_item.ready_link
	u32 nr_ready;                   // GUARDED_BY(ready_lock); read without
	struct wait_queue changed;      // something came to the list
};

struct epoll_queue {
	struct watcher watcher;
	struct wait_queue *queue;       // constant; the file has it
	struct epoll_item *item;        // constant
};

struct epoll_item {
	struct epoll *epoll;            // constant
	struct file *file;              // constant, not referenced; epoll_forget comes before it goes
	int fd;                         // constant
	struct rb_node node;            // in epoll.items
	struct epoll_item *next_watcher;        // GUARDED_BY(links_lock) of the same file
	u32 events;                     // GUARDED_BY(epoll->lock)
	u64 data;                       // GUARDED_BY(epoll->lock)
	struct list ready_link;         // GUARDED_BY(epoll->ready_lock)
	bool is_ready;                  // GUARDED_BY(epoll->ready_lock) it is on the list
	u32 nr_queues;                  // constant once added
	struct epoll_queue queues[QUEUES_MAX];
};

static struct mutex links_lock;
static const struct file_ops epoll_ops;

bool file_is_epoll(const struct file *f)
{
	return f->ops == &epoll_ops;
}

/* --- the list of the ready -------------------------------------------------- */

static void mark_ready(struct epoll_item *item)
{
	struct epoll *ep = item->epoll;
	u64 flag = spin_lock_irq(&ep->ready_lock);

	if (!item->is_ready) {
		item->is_ready = true;
		list_push_back(&ep->ready, &item->ready_link);
		WRITE_ONCE(ep->nr_ready, ep->nr_ready + 1);
	}
	spin_unlock_irq(&ep->ready_lock, flag);
}

// ready_lock held.
static void unmark(struct epoll_item *item)
{
	if (!item->is_ready)
		return;
	item->is_ready = false;
	list_remove(&item->ready_link);
	WRITE_ONCE(item->epoll->nr_ready, item->epoll->nr_ready - 1);
}

// lock held, which keeps the item. The first of the list, taken off it; NULL: it is empty.
static struct epoll_item *take_ready(struct epoll *ep)
{
	struct epoll_item *item = NULL;
	u64 flag = spin_lock_irq(&ep->ready_lock);

	if (!list_is_empty(&ep->ready)) {
		item = list_first(&ep->ready, struct epoll_item, ready_link);
		unmark(item);
	}
	spin_unlock_irq(&ep->ready_lock, flag);
	return item;
}

// The file's queue was woken: from anywhere, with that queue's lock held.
static void told(struct watcher *w)
{
	struct epoll_item *item = container_of(w, struct epoll_queue, watcher)->item;

	mark_ready(item);
	wake_all_nested(&item->epoll->changed);
}

// lock held: what of the events that the item wants there is now.
static u32 ask(struct epoll_item *item, struct poll_table *table)
{
	return item->events & ~HOW ? item->file->ops->poll(item->file, table) & item->events : 0;
}

/* --- items ------------------------------------------------------------------ */

struct item_table {
	struct poll_table table;
	struct epoll_item *item;
};

static void enter(struct poll_table *table, struct wait_queue *queue)
{
	struct epoll_item *item = container_of(table, struct item_table, table)->item;

	assert(item->nr_queues < QUEUES_MAX);
	struct epoll_queue *q = &item->queues[item->nr_queues++];

	q->queue = queue;
	q->item = item;
	wait_watch(queue, &q->watcher, told);
}

// links_lock or lock held. The item, or NULL and where it belongs.
static struct epoll_item *find(struct epoll *ep, const struct file *f, int fd, struct rb_node **parent,
			       struct rb_node ***link)
{
	*parent = NULL;
	*link = &ep->items.root;
	while (**link) {
		struct epoll_item *item = rb_entry(**link, struct epoll_item, node);

		if (item->file == f && item->fd == fd)
			return item;
		*parent = **link;
		bool is_before = item->file == f ? fd < item->fd : f < item->file;

		*link = is_before ? &item->node.left : &item->node.right;
	}
	return NULL;
}

static struct epoll_item *find_only(struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *parent, **link;

	return find(ep, f, fd, &parent, &link);
}

// links_lock and lock held.
static void item_destroy(struct epoll_item *item)
{
	struct epoll *ep = item->epoll;
	struct epoll_item **link = &item->file->watchers;

	for (u32 i = 0; i < item->nr_queues; i++)
		wait_unwatch(item->queues[i].queue, &item->queues[i].watcher);
	u64 flag = spin_lock_irq(&ep->ready_lock);

	unmark(item);
	spin_unlock_irq(&ep->ready_lock, flag);
	rb_remove(&ep->items, &item->node);
	while (*link != item)
		link = &(*link)->next_watcher;
	// The last thing that is done with the file: file_put looks without a lock whether anything is here.
	__atomic_store_n(link, item->next_watcher, __ATOMIC_RELEASE);
	kfree(item);
}

void epoll_forget(struct file *f)
{
	mutex_lock(&links_lock);
	while (f->watchers) {
		struct epoll *ep = f->watchers->epoll;

		mutex_lock(&ep->lock);
		item_destroy(f->watchers);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&links_lock);
}

/* --- epolls that watch epolls ----------------------------------------------- */

// links_lock held. The longest row of epolls below this one;
// NESTS_MAX + 1 when it is longer than allowed, or meets sought.
static u32 depth_below(const struct epoll *ep, const struct epoll *sought, u32 depth)
{
	u32 deepest = depth;

	if (ep == sought || depth > NESTS_MAX)
		return NESTS_MAX + 1;
	for (struct rb_node *n = rb_first(&ep->items); n && deepest <= NESTS_MAX; n = rb_next(n)) {
		const struct file *f = rb_entry(n, struct epoll_item, node)->file;

		if (file_is_epoll(f))
			deepest = max(deepest, depth_below(f->private, sought, depth + 1));
	}
	return deepest;
}

// links_lock held. The longest row of epolls that watch this one.
static u32 depth_above(const struct epoll *ep, u32 depth)
{
	u32 deepest = depth;

	for (const struct epoll_item *i = ep->file->watchers; i && deepest <= NESTS_MAX; i = i->next_watcher)
		deepest = max(deepest, depth_above(i->epoll, depth + 1));
	return deepest;
}

static bool may_watch(const struct epoll *ep, const struct file *f)
{
	return !file_is_epoll(f) || depth_below(f->private, ep, 1) + depth_above(ep, 0) <= NESTS_MAX;
}

/* --- epoll_ctl -------------------------------------------------------------- */

// links_lock and lock held. 0, -EEXIST, -ENOMEM.
static int insert(struct epoll *ep, struct file *f, int fd, const struct epoll_event *event)
{
	struct rb_node *parent, **link;
	struct item_table t = { .table.enter = enter };

	if (find(ep, f, fd, &parent, &link))
		return -EEXIST;
	struct epoll_item *item = kmalloc_zeroed(sizeof(*item));

	if (!item)
		return -ENOMEM;
	item->epoll = ep;
	item->file = f;
	item->fd = fd;
	item->events = event->events | ALWAYS;
	item->data = event->data;
	rb_insert(&ep->items, &item->node, parent, link);
	item->next_watcher = f->watchers;
	f->watchers = item;
	t.item = item;
	if (ask(item, &t.table))
		mark_ready(item);
	return 0;
}

int epoll_add(struct file *epoll, struct file *f, int fd, const struct epoll_event *event)
{
	struct epoll *ep = epoll->private;
	int error = -ELOOP;

	mutex_lock(&links_lock);
	if (may_watch(ep, f)) {
		mutex_lock(&ep->lock);
		error = insert(ep, f, fd, event);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&links_lock);
	if (!error && READ_ONCE(ep->nr_ready))
		wake_all(&ep->changed);
	return error;
}

int epoll_modify(struct file *epoll, struct file *f, int fd, const struct epoll_event *event)
{
	struct epoll *ep = epoll->private;
	int error = -ENOENT;

	mutex_lock(&ep->lock);
	struct epoll_item *item = find_only(ep, f, fd);

	if (item)
		error = item->events & EPOLLEXCLUSIVE ? -EINVAL : 0;
	if (!error) {
		item->events = event->events | ALWAYS;
		item->data = event->data;
		if (ask(item, NULL))
			mark_ready(item);
	}
	mutex_unlock(&ep->lock);
	if (!error && READ_ONCE(ep->nr_ready))
		wake_all(&ep->changed);
	return error;
}

int epoll_delete(struct file *epoll, struct file *f, int fd)
{
	struct epoll *ep = epoll->private;

	mutex_lock(&links_lock);
	mutex_lock(&ep->lock);
	struct epoll_item *item = find_only(ep, f, fd);

	if (item)
		item_destroy(item);
	mutex_unlock(&ep->lock);
	mutex_unlock(&links_lock);
	return item ? 0 : -ENOENT;
}

/* --- epoll_wait ------------------------------------------------------------- */

// lock held. Puts the event there, if there still is one: 1, 0 or -EFAULT.
static int collect_one(struct epoll_item *item, struct iobuf *to)
{
	struct epoll_event event = { .events = ask(item, NULL), .data = item->data };

	if (!event.events)
		return 0;
	if (iobuf_put(to, &event, sizeof(event)) < sizeof(event)) {
		mark_ready(item);
		return -EFAULT;
	}
	if (item->events & EPOLLONESHOT)
		item->events &= HOW;            // silent until it is modified
	else if (!(item->events & EPOLLET))
		mark_ready(item);               // by level: asked again the next time
	return 1;
}

// How many events; 0: none was there. -EFAULT when not even one could be put.
static int collect(struct epoll *ep, struct iobuf *to, u32 max)
{
	int nr = 0;

	mutex_lock(&ep->lock);
	// No more than are there now: those that go back to the end of the list do not come twice.
	for (u32 left = READ_ONCE(ep->nr_ready); left && (u32)nr < max; left--) {
		struct epoll_item *item = take_ready(ep);
		int result = item ? collect_one(item, to) : 0;

		if (result < 0) {
			nr = nr ? nr : result;
			break;
		}
		nr += result;
	}
	mutex_unlock(&ep->lock);
	return nr;
}

int epoll_collect(struct file *epoll, struct iobuf *to, u32 max, u64 deadline_ns)
{
	struct epoll *ep = epoll->private;

	for (;;) {
		int nr = collect(ep, to, max), error = 0;
		struct waiter w;

		if (nr || deadline_ns == 0)
			return nr;
		wait_begin(&ep->changed, &w, WAIT_INTERRUPTIBLE);
		if (!READ_ONCE(ep->nr_ready))
			error = wait_timeout_sleep(&w, WAIT_INTERRUPTIBLE, deadline_ns);
		wait_end(&ep->changed, &w);
		if (error && !READ_ONCE(ep->nr_ready))
			return error == -ETIMEDOUT ? 0 : error;
	}
}

/* --- the file --------------------------------------------------------------- */

// Ready when one of the watched is. The list is gone through once; who is not ready leaves it.
static u32 epoll_poll(struct file *f, struct poll_table *table)
{
	struct epoll *ep = f->private;
	struct epoll_item *item;
	bool found = false;

	poll_wait(table, &ep->changed);
	mutex_lock_second(&ep->lock);           // of an epoll that watches this one, the lock is held
	while (!found && (item = take_ready(ep))) {
		found = ask(item, NULL);
		if (found)
			mark_ready(item);
	}
	mutex_unlock(&ep->lock);
	return found ? POLLIN | POLLRDNORM : 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&links_lock);
	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_destroy(rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	mutex_unlock(&links_lock);
	kfree(ep);
}

static const struct file_ops epoll_ops = {
	.unnamed = "anon_inode:[eventpoll]",
	.open = unnamed_file_open,
	.release = epoll_release,
	.poll = epoll_poll,
	.seek = unnamed_file_seek,
};

int epoll_create(struct file **out)
{
	struct epoll *ep = kmalloc_zeroed(sizeof(*ep));
	int error = unnamed_file_create(&epoll_ops, ep, O_RDWR, out);

	if (error) {
		kfree(ep);
		return error;
	}
	ep->file = *out;
	mutex_init(&ep->lock, "epoll.lock", RANK_EPOLL);
	spin_init(&ep->ready_lock, "epoll.ready_lock", RANK_EPOLL_READY);
	list_init(&ep->ready);
	wait_queue_init(&ep->changed);
	return 0;
}

void epoll_init(void)
{
	mutex_init(&links_lock, "epoll links", RANK_EPOLL_LINKS);
}
