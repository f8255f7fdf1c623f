#pragma once
/*
 * lock.h - the three locks, and the one order in which they are taken.
 *
 *   spinlock   short, never held across sleep; spins with interrupts as they were. A lock that an interrupt
 *              handler also takes is always taken by spin_lock_irq/spin_unlock_irq, which close interrupts.
 *   mutex      sleeps; one holder.
 *   rwlock     sleeps; many readers or one writer; writers are not starved.
 *
 * The kernel does not preempt itself: a thread in the kernel runs until it sleeps, so the holder of a
 * spin lock is never taken off its CPU. Interrupts stay open under a plain spin lock, therefore a CPU
 * that spins still answers TLB shootdowns.
 *
 * There is no lock without a rank. Debug builds panic, naming both locks and both call sites, when a
 * rank is not above every rank that the thread (or CPU) holds. Two of one rank: the _second variants,
 * whose caller says in a comment which order it keeps. Try-locks are exempt.
 */
#include "types.h"
#include "sync/annot.h"
#include "sync/spin.h"
#include "sync/wait.h"
#include "kernel.h"
#include "x86/irq.h"

enum lock_rank {
	/* sleeping, outermost first */
	RANK_MOUNT = 3,         // mount_lock: mounting and unmounting
	RANK_FILE_POSITION = 4, // file.position_lock: held across a whole read or write
	RANK_RENAME = 5,        // superblock.rename_lock: the shape of the directory tree
	RANK_DIRECTORY = 8,     // inode.lock of a directory (parent before child)
	RANK_INODE = 10,        // inode.lock of anything else: size, times, truncation against write()
	RANK_EPOLL_LINKS = 11,  // which epoll watches which file
	RANK_EPOLL = 12,        // epoll.lock; one that watches another before the other
	RANK_TERMINAL = 14,     // terminal line discipline
	RANK_PIPE = 15,         // pipe.lock
	RANK_PROCESS = 18,      // process.lock: file table, names
	RANK_ADDRSPACE = 20,    // addrspace.lock: the areas
	RANK_TRANSACTION = 25,  // the journal, later
	RANK_PAGE = 30,         // page lock of a data page
	RANK_BLOCKMAP = 40,     // ext2 inode: block map
	RANK_FS_ALLOC = 50,     // ext2 superblock: bitmaps and counts
	RANK_META_PAGE = 60,    // page lock of a page of a block device
	RANK_RMAP = 70,         // cache.rmap_lock, family.lock: who maps this
	/* spinning */
	RANK_DENTRY = 76,       // dentry hash and tree links
	RANK_INODE_HASH = 78,   // inode hash, inode.state
	RANK_FILE_LOCKS = 80,   // what programs have locked of files
	RANK_PROCESS_TABLE = 84, // pid table, parent/child links, wait
	RANK_SIGNAL = 86,       // process.signal_lock: pending signals, handlers (interrupts closed)
	RANK_HANDLERS = 87,     // what processes do with signals (interrupts closed)
	RANK_SWAP_TREE = 88,    // which pages of a file of tmpfs have slots
	RANK_PAGETABLE = 90,    // page-table pages
	RANK_KERNEL_MAP = 92,   // kernel stacks and device mappings; allocates frames
	RANK_SWAP = 93,         // slots of swap areas
	RANK_SLAB = 95,         // slab lists
	RANK_FRAMES = 100,      // buddy lists
	/* spinning, taken by interrupt handlers too: above all others, since the interrupted code may hold those */
	RANK_CACHE = 105,       // cache.lock: the radix tree (interrupts closed)
	RANK_DEVICE = 107,      // a driver's queue (interrupts closed)
	RANK_WAIT = 108,        // wait_queue.lock (interrupts closed)
	RANK_EPOLL_READY = 109, // epoll.ready_lock (interrupts closed), taken by who wakes
	RANK_RUNQUEUE = 110,    // runqueue.lock (interrupts closed)
	RANK_TIMER = 112,       // timer lists (interrupts closed)
	RANK_LOG = 120,         // the log ring (interrupts closed)
	RANK_OUTPUT = 124,      // a UART's registers, the screen's cells (interrupts closed): the log's end; innermost
};

struct thread;

struct LOCK_TYPE("spinlock") spinlock {
	u32 word;                       // spin.h
	u8 rank;                        // constant
	const char *name;               // constant
	void *holder;                   // debug: return address of who took it
};
#define SPINLOCK_INIT(name_, rank_) { .word = 0, .rank = (rank_), .name = (name_) }

struct LOCK_TYPE("mutex") mutex {
	struct thread *owner;           // atomic; NULL: free
	u8 rank;
	const char *name;
	struct wait_queue waiters;
	void *holder;
};

struct LOCK_TYPE("rwlock") rwlock {
	i32 readers;                    // GUARDED_BY(waiters.lock); -1: a writer holds it
	u32 nr_writers_waiting;         // GUARDED_BY(waiters.lock)
	u8 rank;
	const char *name;
	struct wait_queue waiters;
	struct thread *writer;
	void *holder;
};

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank);
void spin_lock_slow(struct spinlock *l);         // the lock is taken, or a debug build checks: spinlock.c
void spin_unlock_check(struct spinlock *l);     // debug builds

static inline UNCHECKED void spin_lock(struct spinlock *l) ACQUIRES(*l)
{
	if (DEBUG_BUILD || unlikely(!word_try_lock(&l->word)))
		spin_lock_slow(l);
}

static inline UNCHECKED void spin_unlock(struct spinlock *l) RELEASES(*l)
{
	if (DEBUG_BUILD)
		spin_unlock_check(l);
	word_unlock(&l->word);
}

bool spin_try_lock(struct spinlock *l);

// Closes interrupts, then locks; the result goes to the matching unlock.
MUST_CHECK static inline UNCHECKED u64 spin_lock_irq(struct spinlock *l) ACQUIRES(*l)
{
	u64 interrupt_flag = interrupts_close();

	spin_lock(l);
	return interrupt_flag;
}

static inline UNCHECKED void spin_unlock_irq(struct spinlock *l, u64 interrupt_flag) RELEASES(*l)
{
	spin_unlock(l);
	interrupts_restore(interrupt_flag);
}

// To be asked again and again by who finds a lock taken: shall he wait a turn longer awake? So long as the owner
// (NULL: not known) runs on another CPU, this one is wanted by nobody else, and it is not the LOCK_SPINSth turn.
#define LOCK_SPINS (2 * TURNS_WITHOUT_PAUSE)
bool lock_spin_more(const struct thread *owner, u32 turn);

void mutex_init(struct mutex *l, const char *name, enum lock_rank rank);
void mutex_lock(struct mutex *l) ACQUIRES(*l);                  // may sleep
void mutex_lock_second(struct mutex *l) ACQUIRES(*l);           // may sleep; another of this rank is held
bool mutex_try_lock(struct mutex *l);
void mutex_unlock(struct mutex *l) RELEASES(*l);
bool mutex_is_mine(const struct mutex *l);

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank);
void read_lock(struct rwlock *l) ACQUIRES_SHARED(*l);           // may sleep
bool read_try_lock(struct rwlock *l);
void read_unlock(struct rwlock *l) RELEASES_SHARED(*l);
void write_lock(struct rwlock *l) ACQUIRES(*l);                 // may sleep
void write_lock_second(struct rwlock *l) ACQUIRES(*l);          // may sleep; another of this rank is held
bool write_try_lock(struct rwlock *l);
void write_unlock(struct rwlock *l) RELEASES(*l);
bool rwlock_is_write_held(const struct rwlock *l);              // by this thread
bool rwlock_is_held(const struct rwlock *l);                    // by anybody

/* Debug builds keep a list of held locks a thread (sleeping) and a CPU (spinning). lockcheck.c */
#define LOCKS_HELD_MAX (DEBUG_BUILD ? 16 : 1)
void lockcheck_acquire(const void *lock, const char *name, u8 rank, bool same_rank_allowed, void *site);
// A lock that was had for reading by trying, perhaps by a thread that has it
// already (reclaim under a fault): any order is safe.
void lockcheck_note_read(const void *lock, const char *name, u8 rank, void *site);
void lockcheck_release(const void *lock);
void lockcheck_may_sleep(void);         // panics when a spin lock is held or interrupts are closed
