#pragma once
/*
 * iobuf.h - the other end of a read or write: user memory (one or many pieces) or kernel memory, so that
 * a file system never sees an address space. Copies advance it. Bodies in mm/iobuf.c.
 */
#include "types.h"
#include <abi/uio.h>

struct iobuf {
	bool is_kernel;
	u32 nr_pieces;                  // left, including the current one
	const struct iovec *piece;      // the current one (the array is in kernel memory)
	size_t piece_done;              // bytes of it that are done
	size_t remaining;               // bytes in all
	struct iovec single;            // where there is only one
};

static inline void iobuf_init_user(struct iobuf *b, void __user *start, size_t nr_bytes)
{
	b->is_kernel = false;
	b->nr_pieces = 1;
	b->piece = &b->single;
	b->piece_done = 0;
	b->remaining = nr_bytes;
	b->single.iov_base = start;
	b->single.iov_len = nr_bytes;
}
void iobuf_init_kernel(struct iobuf *b, void *start, size_t nr_bytes);
void iobuf_init_pieces(struct iobuf *b, const struct iovec *pieces, u32 nr_pieces, size_t nr_bytes);    // user pieces

// Copy up to nr_bytes between kernel memory and the buffer and advance; how much was copied:
// less only when user memory faulted (-EFAULT is the caller's to report when nothing was).
// May sleep, unless faults are off (x86/uaccess.h).
size_t iobuf_put(struct iobuf *b, const void *from, size_t nr_bytes) MUST_CHECK;        // kernel -> buffer (read)
size_t iobuf_take(struct iobuf *b, void *to, size_t nr_bytes) MUST_CHECK;               // buffer -> kernel (write)
size_t iobuf_put_zeros(struct iobuf *b, size_t nr_bytes) MUST_CHECK;
// Faults in the next nr_bytes for reading, so that a copy with faults off will likely succeed.
// 0 or -EFAULT (when not even one byte). May sleep.
int iobuf_prefault(struct iobuf *b, size_t nr_bytes) MUST_CHECK;
// The bytes that come next, in one piece: where, and how many of nr_bytes
// (0: the buffer's end). iobuf_skip passes over them.
size_t iobuf_next(struct iobuf *b, size_t nr_bytes, char **at) MUST_CHECK;
void iobuf_skip(struct iobuf *b, size_t nr_bytes);
// Goes back nr_bytes within the current piece (after a copy that could not be used).
void iobuf_rewind(struct iobuf *b, size_t nr_bytes);
