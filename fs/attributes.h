#pragma once
/*
 * attributes.h - changing what an inode says about itself. Each takes inode->lock for writing, tells the file
 * system and marks the inode dirty. The caller has looked whether the file system may be written to. All may sleep.
 */
#include "types.h"
#include <abi/time.h>

struct inode;

#define OWNER_KEEP U32_MAX              // uid or gid: leave as it is

enum { TIMES_ACCESS = 1, TIMES_MODIFY = 2 };    // which of the two are set

int inode_set_mode(struct inode *ip, u32 permissions) MUST_CHECK;       // the 07777 bits
int inode_set_owner(struct inode *ip, u32 uid, u32 gid) MUST_CHECK;
int inode_set_times(struct inode *ip, u32 which, const struct timespec *access,
		    const struct timespec *modify) MUST_CHECK;
// truncate: -EISDIR, -EINVAL, -ETXTBSY, -EFBIG, -ENOSPC, -EIO.
int inode_truncate(struct inode *ip, u64 size) MUST_CHECK;
