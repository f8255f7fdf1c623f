/*
 * futex.c - waiting for a word of user memory to change. A waiter is entered into a bucket under the bucket's mutex and
 * compares the word while it holds it; a waker changes the word first and then takes the mutex: so either the waiter
 * sees the change, or the waker sees the waiter.
 * The key of a shared futex is the file's inode and the offset in it; both a file mapping and anonymous shared memory
 * have those. The word is read with the bucket's mutex held; the read may fault and sleep, and a fault takes locks
 * from RANK_ADDRSPACE on, so the bucket's rank lies before that.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "fs/vfs.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/futex.h>

#define NR_BUCKETS 128

struct futex_key {
	const void *object;             // address space or inode
	u64 offset;
};

struct futex_waiter {
	struct list link;               // GUARDED_BY(bucket->lock)
	struct futex_key key;           // GUARDED_BY(bucket->lock)
	struct futex_bucket *bucket;    // atomic: requeue moves it
	u32 bits;
	struct wait_queue queue;
	bool is_woken;
};

struct futex_bucket {
	struct mutex lock;              // RANK_PROCESS: a fault may follow under it
	struct list waiters;            // GUARDED_BY(lock)
};

static struct futex_bucket buckets[NR_BUCKETS];

void futexes_init(void)
{
	for (u32 i = 0; i < NR_BUCKETS; i++) {
		mutex_init(&buckets[i].lock, "futex bucket", RANK_PROCESS);
		list_init(&buckets[i].waiters);
	}
}

static int key_of(u64 address, bool is_shared, struct futex_key *out)
{
	struct addrspace *as = current->space;
	int error = 0;

	if (address & 3)
		return -EINVAL;
	if (address >= USER_END)
		return -EFAULT;
	*out = (struct futex_key){ as, address };
	if (!is_shared)
		return 0;
	read_lock(&as->lock);
	struct area *a = area_find(as, address);

	if (!a)
		error = -EFAULT;
	else if (a->flags & AREA_SHARED && a->cache)
		*out = (struct futex_key){ a->cache, (area_page(a, address) << PAGE_SHIFT) + (address & ~PAGE_MASK) };
	read_unlock(&as->lock);
	return error;
}

static struct futex_bucket *bucket_of(const struct futex_key *k)
{
	u64 hash = ((u64)k->object >> 6) * 0x9e3779b97f4a7c15ul ^ k->offset * 0xc2b2ae3d27d4eb4ful;

	return &buckets[hash >> 32 & (NR_BUCKETS - 1)];
}

static bool is_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

// The waiter's bucket, locked: it may be moved while we wait for the lock.
static struct futex_bucket *lock_bucket_of(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = atomic_load(&w->bucket);

		mutex_lock(&b->lock);
		if (b == atomic_load(&w->bucket))
			return b;
		mutex_unlock(&b->lock);
	}
}

i64 futex_wait(u64 address, bool is_shared, u32 expected, u64 deadline_ns, u32 bits)
{
	struct futex_waiter me = { .bits = bits };
	u32 value;
	int error = key_of(address, is_shared, &me.key);

	if (error || !bits)
		return error ? error : -EINVAL;
	wait_queue_init(&me.queue);
	me.bucket = bucket_of(&me.key);
	mutex_lock(&me.bucket->lock);
	if (copy_from_user(&value, (void __user *)address, sizeof(value)))
		error = -EFAULT;
	else if (value != expected)
		error = -EAGAIN;
	else
		list_push_back(&me.bucket->waiters, &me.link);
	mutex_unlock(&me.bucket->lock);
	if (error)
		return error;
	while (!READ_ONCE(me.is_woken) && !error) {
		struct waiter w;

		wait_begin(&me.queue, &w, WAIT_INTERRUPTIBLE);
		if (!READ_ONCE(me.is_woken))
			error = wait_timeout_sleep(&w, WAIT_INTERRUPTIBLE, deadline_ns);
		wait_end(&me.queue, &w);
	}
	struct futex_bucket *b = lock_bucket_of(&me);

	list_remove(&me.link);
	bool is_woken = me.is_woken;

	mutex_unlock(&b->lock);
	if (is_woken)
		return 0;
	return error == -EINTR ? (deadline_ns == U64_MAX ? -ERESTARTSYS : -EINTR) : error;
}

// Bucket locked: the waiter wakes and unlinks itself; we touch it only under the lock.
static void wake_waiter(struct futex_waiter *w)
{
	list_remove(&w->link);
	WRITE_ONCE(w->is_woken, true);
	wake_all(&w->queue);
}

// b->lock held. As on Linux, one is woken even where none is asked for: the count is looked at afterwards.
static i64 wake_in_bucket(struct futex_bucket *b, const struct futex_key *key, u32 nr, u32 bits)
{
	struct futex_waiter *w, *following;
	i64 woken = 0;

	list_for_each_safe(w, following, &b->waiters, link) {
		if (!is_same(&w->key, key) || !(w->bits & bits))
			continue;
		wake_waiter(w);
		if (++woken >= (i32)nr)
			break;
	}
	return woken;
}

static i64 wake_key(const struct futex_key *key, u32 nr, u32 bits)
{
	struct futex_bucket *b = bucket_of(key);

	mutex_lock(&b->lock);
	i64 woken = wake_in_bucket(b, key, nr, bits);

	mutex_unlock(&b->lock);
	return woken;
}

i64 futex_wake(u64 address, bool is_shared, u32 nr, u32 bits)
{
	struct futex_key key;
	int error = key_of(address, is_shared, &key);

	if (error || !bits)
		return error ? error : -EINVAL;
	return wake_key(&key, nr, bits);
}

void futex_wake_address(u64 address, u32 nr)
{
	struct futex_key shared, private;

	if (key_of(address, true, &shared) || key_of(address, false, &private))
		return;
	wake_key(&private, nr, FUTEX_BITSET_MATCH_ANY);
	if (!is_same(&shared, &private))
		wake_key(&shared, nr, FUTEX_BITSET_MATCH_ANY);
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a == b) {
		mutex_lock(&a->lock);
		return;
	}
	mutex_lock(a < b ? &a->lock : &b->lock);        // by address
	mutex_lock_second(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a != b)
		mutex_unlock(&b->lock);
	mutex_unlock(&a->lock);
}

/* --- FUTEX_WAKE_OP ------------------------------------------------------------ */

static i32 signed_12_bits(u32 bits)
{
	return (i32)(bits << 20) >> 20;
}

static int changed_value(u32 operation, u32 old, u32 *out)
{
	u32 argument = (u32)signed_12_bits(operation >> 12 & 0xfff);

	if (operation >> 28 & FUTEX_OP_OPARG_SHIFT)
		argument = 1u << (argument & 31);
	switch (operation >> 28 & 7) {
	case FUTEX_OP_SET: *out = argument; return 0;
	case FUTEX_OP_ADD: *out = old + argument; return 0;
	case FUTEX_OP_OR: *out = old | argument; return 0;
	case FUTEX_OP_ANDN: *out = old & ~argument; return 0;
	case FUTEX_OP_XOR: *out = old ^ argument; return 0;
	}
	return -ENOSYS;
}

// 1 or 0; -ENOSYS, which comes after the word was changed, as on Linux.
static int compares(u32 operation, u32 old)
{
	i32 argument = signed_12_bits(operation & 0xfff), value = (i32)old;

	switch (operation >> 24 & 15) {
	case FUTEX_OP_CMP_EQ: return value == argument;
	case FUTEX_OP_CMP_NE: return value != argument;
	case FUTEX_OP_CMP_LT: return value < argument;
	case FUTEX_OP_CMP_LE: return value <= argument;
	case FUTEX_OP_CMP_GT: return value > argument;
	case FUTEX_OP_CMP_GE: return value >= argument;
	}
	return -ENOSYS;
}

// Changes the word in one step and compares what it was.
static int change_word(u64 address, u32 operation)
{
	u32 __user *word = (u32 __user *)address;
	u32 old, fresh, seen;
	int error;

	if (copy_from_user(&old, word, sizeof(old)))
		return -EFAULT;
	for (;;) {
		error = changed_value(operation, old, &fresh);
		if (error)
			return error;
		if (user_compare_exchange(word, old, fresh, &seen))
			return -EFAULT;
		if (seen == old)
			return compares(operation, old);
		old = seen;
	}
}

i64 futex_wake_op(u64 address, u64 address2, bool is_shared, u32 nr, u32 nr2, u32 operation)
{
	struct futex_key key, key2;
	int error = key_of(address, is_shared, &key);

	if (!error)
		error = key_of(address2, is_shared, &key2);
	if (error)
		return error;
	struct futex_bucket *a = bucket_of(&key), *b = bucket_of(&key2);

	lock_two(a, b);
	int answer = change_word(address2, operation);
	i64 woken = answer < 0 ? answer : wake_in_bucket(a, &key, nr, FUTEX_BITSET_MATCH_ANY);

	if (answer > 0)
		woken += wake_in_bucket(b, &key2, nr2, FUTEX_BITSET_MATCH_ANY);
	unlock_two(a, b);
	return woken;
}

/* --- FUTEX_REQUEUE ------------------------------------------------------------ */

i64 futex_requeue(u64 from, u64 to, bool is_shared, u32 nr_wake, u32 nr_move, const u32 *compare)
{
	struct futex_key from_key, to_key;
	struct futex_waiter *w, *following;
	i64 nr = 0, moved = 0;
	u32 value;
	int error = (i32)nr_wake < 0 || (i32)nr_move < 0 ? -EINVAL : key_of(from, is_shared, &from_key);

	if (!error)
		error = key_of(to, is_shared, &to_key);
	if (error)
		return error;
	struct futex_bucket *a = bucket_of(&from_key), *b = bucket_of(&to_key);

	lock_two(a, b);
	if (compare && copy_from_user(&value, (void __user *)from, sizeof(value)))
		error = -EFAULT;
	else if (compare && value != *compare)
		error = -EAGAIN;
	if (error)
		goto out;
	list_for_each_safe(w, following, &a->waiters, link) {
		if (!is_same(&w->key, &from_key))
			continue;
		if (nr < (i64)nr_wake) {
			wake_waiter(w);
			nr++;
		} else if (moved < (i64)nr_move) {
			w->key = to_key;
			if (a != b) {           // else it stays where it is, and this loop ends
				list_remove(&w->link);
				atomic_store(&w->bucket, b);
				list_push_back(&b->waiters, &w->link);
			}
			moved++;
		}
	}
out:
	unlock_two(a, b);
	return error ? error : nr + moved;
}
