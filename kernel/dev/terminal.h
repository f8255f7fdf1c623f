#pragma once
/*
 * terminal.h - the one terminal of the machine: COM1, and the screen with its keyboard, feed it and
 * show it together. The line discipline is dev/line.h. A session may have it as its controlling
 * terminal; one process group of that session is in the foreground: it may read, and gets the
 * signals of ^C and its like.
 *
 * A thread of its own works off typed bytes: interrupts only put them into rings.
 */
#include "types.h"
#include "dev/line.h"
#include "sync/lock.h"

struct file;
struct file_ops;
struct process;

#define TYPED_SIZE 1024u

struct terminal {
	struct mutex output_lock;               // RANK_TERMINAL: the order of what is shown, line.column
	struct mutex lock;                      // RANK_TERMINAL, taken second: the rest of line, and window
	struct line line;
	struct winsize window;                  // GUARDED_BY(lock)
	int session, group;                     // GUARDED_BY(process_table_lock) 0: nobody's
	bool is_on_serial;                      // constant: COM1 is ours
	struct wait_queue readers;              // there is something to read
	struct wait_queue writers;              // ^Q
	struct wait_queue typed;                // for the thread: bytes came, or place for them
	u8 ring[TYPED_SIZE];                    // of the thread: typed bytes that it has not looked at
	u32 ring_first, ring_used;
};

extern struct terminal terminal;
extern const struct file_ops terminal_ops;              // devfs_owner: the terminal
extern const struct file_ops current_terminal_ops;      // /dev/tty: whichever the process has

// Takes COM1 (unless stdio=host gave it away), and starts the thread. After the scheduler runs.
void terminal_init(void);
// Bytes that a key means. Interrupts closed.
void terminal_type(const char *text, size_t nr_bytes);

/* terminal_ioctl.c */
int terminal_ioctl(struct file *f, u32 request, u64 argument);     // file_ops.ioctl

/* terminal_job.c: sessions and groups */
struct terminal *terminal_of_current(void);             // NULL: none
// May the current process read (SIGTTIN) or change or write (SIGTTOU) now? 0; -ERESTARTSYS after
// the signal was sent; -EIO.
int terminal_check_job(struct terminal *t, int signal) MUST_CHECK;
int terminal_get_group(struct terminal *t) MUST_CHECK;          // or -ENOTTY
int terminal_get_session(struct terminal *t) MUST_CHECK;
int terminal_set_group(struct terminal *t, int group) MUST_CHECK;
int terminal_acquire(struct terminal *t, bool steal) MUST_CHECK;        // TIOCSCTTY
int terminal_give_up(struct terminal *t) MUST_CHECK;            // TIOCNOTTY
void terminal_signal(struct terminal *t, int signal);           // to the foreground group
// The leader of a session exits: the terminal is free again, the foreground group gets SIGHUP and
// SIGCONT.
void terminal_leader_exits(struct process *leader);
