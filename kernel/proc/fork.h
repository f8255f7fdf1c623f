#pragma once
/*
 * fork.h - what clone is asked for, in one form for fork, vfork, clone and clone3.
 */
#include "types.h"

struct clone_arguments {
	u64 flags;                      // CLONE_*, without the signal
	u64 exit_signal;
	u64 stack;                      // the child's stack pointer; 0: the caller's
	u64 tls;
	u64 parent_tid, child_tid;      // user addresses
};

// On the stack of a parent that waits in vfork.
struct vfork_ticket {
	struct wait_queue *queue;
	bool is_released;
};
