/*
 * iobuf.c - the other end of a read or write. Each copy goes piece by piece and stops early when user memory faults;
 * the position inside the buffer moves by what was copied.
 */
#include "kernel.h"
#include "lib/iobuf.h"
#include "lib/string.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

void iobuf_init_kernel(struct iobuf *b, void *start, size_t nr_bytes)
{
	iobuf_init_user(b, start, nr_bytes);
	b->is_kernel = true;
}

void iobuf_init_pieces(struct iobuf *b, const struct iovec *pieces, u32 nr_pieces, size_t nr_bytes)
{
	*b = (struct iobuf){ .piece = pieces, .nr_pieces = nr_pieces, .remaining = nr_bytes };
}

// The current piece, skipping finished ones; how many bytes of it a copy of nr_bytes may use.
static inline size_t piece_room(struct iobuf *b, size_t nr_bytes, char **at)
{
	while (b->nr_pieces && b->piece_done == b->piece->iov_len) {
		b->piece++;
		b->nr_pieces--;
		b->piece_done = 0;
	}
	if (!b->nr_pieces)
		return 0;
	*at = (char *)b->piece->iov_base + b->piece_done;
	return min(min(nr_bytes, b->remaining), b->piece->iov_len - b->piece_done);
}

size_t iobuf_next(struct iobuf *b, size_t nr_bytes, char **at)
{
	return piece_room(b, nr_bytes, at);
}

void iobuf_skip(struct iobuf *b, size_t nr_bytes)
{
	b->piece_done += nr_bytes;
	b->remaining -= nr_bytes;
}

enum direction { PUT, TAKE, ZERO };

// One copy inside one piece; how many bytes were done.
static size_t copy_in_piece(struct iobuf *b, char *at, char *kernel, size_t n, enum direction direction)
{
	if (b->is_kernel) {
		if (direction == PUT)
			memcpy(at, kernel, n);
		else if (direction == TAKE)
			memcpy(kernel, at, n);
		else
			memset(at, 0, n);
		return n;
	}
	if (direction == PUT)
		return n - copy_to_user_part(at, kernel, n);
	if (direction == TAKE)
		return n - copy_from_user_part(kernel, at, n);
	return n - clear_user_part(at, n);
}

static size_t copy(struct iobuf *b, char *kernel, size_t nr_bytes, enum direction direction)
{
	size_t done = 0, n;
	char *at;

	while (done < nr_bytes && (n = piece_room(b, nr_bytes - done, &at))) {
		size_t copied = copy_in_piece(b, at, kernel ? kernel + done : NULL, n, direction);

		b->piece_done += copied;
		b->remaining -= copied;
		done += copied;
		if (copied < n)
			break;
	}
	return done;
}

// The usual case, one piece of user memory, from where it stands.
static inline bool is_plain(const struct iobuf *b)
{
	return b->nr_pieces == 1 && !b->is_kernel;
}

static inline size_t advance(struct iobuf *b, size_t copied)
{
	b->piece_done += copied;
	b->remaining -= copied;
	return copied;
}

size_t iobuf_put(struct iobuf *b, const void *from, size_t nr_bytes)
{
	if (unlikely(!is_plain(b)))
		return copy(b, (char *)from, nr_bytes, PUT);
	size_t n = min(nr_bytes, b->remaining);

	return advance(b, n - copy_to_user_part((char *)b->piece->iov_base + b->piece_done, from, n));
}

size_t iobuf_take(struct iobuf *b, void *to, size_t nr_bytes)
{
	if (unlikely(!is_plain(b)))
		return copy(b, to, nr_bytes, TAKE);
	size_t n = min(nr_bytes, b->remaining);

	return advance(b, n - copy_from_user_part(to, (char *)b->piece->iov_base + b->piece_done, n));
}

size_t iobuf_put_zeros(struct iobuf *b, size_t nr_bytes)
{
	return copy(b, NULL, nr_bytes, ZERO);
}

int iobuf_prefault(struct iobuf *b, size_t nr_bytes)
{
	char *at = (char *)b->piece->iov_base + b->piece_done;
	size_t n = min(nr_bytes, b->remaining);

	if (unlikely(!is_plain(b)))
		n = b->is_kernel ? 0 : piece_room(b, nr_bytes, &at);
	if (!n)
		return 0;
	if (!user_range_is_valid(at, n) || uaccess_touch(at))
		return -EFAULT;
	// The following pages of the piece: helpful, not necessary.
	for (u64 next = PAGE_ALIGN_DOWN((u64)at) + PAGE_SIZE; next < (u64)at + n; next += PAGE_SIZE) {
		if (uaccess_touch((void *)next))
			break;
	}
	return 0;
}

void iobuf_rewind(struct iobuf *b, size_t nr_bytes)
{
	assert(nr_bytes <= b->piece_done);
	b->piece_done -= nr_bytes;
	b->remaining += nr_bytes;
}
