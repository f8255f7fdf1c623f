/*
 * executing.c - a file is either written to or executed.
 * inode.nr_writers counts open descriptions for writing when it is above zero,
 * running programs (processes and their loaders) when it is below; each side refuses the other with ETXTBSY.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include <abi/errno.h>

// One step away from zero in the given direction, unless the count stands on the other side.
static int count_step(struct inode *ip, i32 step)
{
	i32 n = atomic_load(&ip->nr_writers);

	for (;;) {
		if (step > 0 ? n < 0 : n > 0)
			return -ETXTBSY;
		if (atomic_compare_exchange(&ip->nr_writers, n, n + step))
			return 0;
		n = atomic_load(&ip->nr_writers);
	}
}

int inode_deny_write(struct inode *ip)
{
	return count_step(ip, -1);
}

void inode_allow_write(struct inode *ip)
{
	assert(ip->nr_writers < 0);
	atomic_add(&ip->nr_writers, 1);
}

int inode_begin_write(struct inode *ip)
{
	return count_step(ip, 1);
}

void inode_end_write(struct inode *ip)
{
	assert(ip->nr_writers > 0);
	atomic_sub(&ip->nr_writers, 1);
}
