#pragma once
/*
 * locks.h - locks of files, as programs take them: of whole files (flock), and of ranges of bytes (fcntl), owned by
 * a process or, OFD, by an open file. They are advice among those who ask; nothing else in the kernel looks at them.
 */
#include "types.h"

struct file;
struct inode;

enum lock_kind { LOCK_OF_FILE, LOCK_OF_PROCESS, LOCK_OF_OPEN_FILE };    // flock, F_SETLK, F_OFD_SETLK

struct lock_request {
	enum lock_kind kind;
	int type;                       // F_RDLCK, F_WRLCK, F_UNLCK
	u64 start, last;                // bytes, both inclusive; last I64_MAX: to the end, wherever that will be
	const void *owner;              // the file, or the table of files of a process
	int pid;                        // what F_GETLK tells
};

// Sets, changes or (F_UNLCK) takes away. waits: until it can be had. May sleep.
// -EAGAIN, -EDEADLK, -ENOLCK (no memory), -ERESTARTSYS (a signal).
int lock_set(struct inode *ip, const struct lock_request *request, bool waits) MUST_CHECK;
// What stands in the way of a request: copied to *found; false when nothing does. Never sleeps.
bool lock_test(struct inode *ip, const struct lock_request *request, struct lock_request *found);
// Everything that the owner has locked there goes: at the close of a file. Never sleeps.
void locks_release(struct inode *ip, const void *owner);
