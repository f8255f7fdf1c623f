/*
 * socket.c - the calls on sockets. The only ones are connected pairs (fs/socketpair.h); there are no addresses
 * and no networks, so that the calls which want some answer as a Linux does that was made without them.
 */
#include "fs/pipe.h"
#include "fs/socketpair.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/socket.h>

i64 sys_socket(int family, int type, int protocol)
{
	(void)family;
	(void)type;
	(void)protocol;
	return -EAFNOSUPPORT;                   // no family of addresses is known
}

// Both or none. Takes the references.
static int install_pair(struct file *one, struct file *other, int flags, int *pair)
{
	pair[0] = fd_install(one, 0, flags & O_CLOEXEC);
	if (pair[0] < 0) {
		file_put(other);
		return pair[0];
	}
	pair[1] = fd_install(other, 0, flags & O_CLOEXEC);
	if (pair[1] >= 0)
		return 0;
	fd_close(pair[0]);
	return pair[1];
}

i64 sys_socketpair(int family, int type, int protocol, int __user *fds)
{
	int flags = type & ~SOCK_TYPE_MASK, pair[2];
	struct file *one, *other;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if ((type & SOCK_TYPE_MASK) != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	int error = socketpair_create((u32)flags & O_NONBLOCK, &one, &other);

	if (!error)
		error = install_pair(one, other, flags, pair);
	if (!error && copy_to_user(fds, pair, sizeof(pair))) {
		fd_close(pair[0]);
		fd_close(pair[1]);
		error = -EFAULT;
	}
	return error;
}

// The socket, referenced. -EBADF, -ENOTSOCK.
static int socket_of(int fd, struct file **out)
{
	*out = fd_get(fd);
	if (!*out)
		return -EBADF;
	if (file_is_socket(*out))
		return 0;
	file_put(*out);
	return -ENOTSOCK;
}

// A call that no connected pair can do.
static i64 refuse(int fd, i64 answer)
{
	struct file *f;
	int error = socket_of(fd, &f);

	if (error)
		return error;
	file_put(f);
	return answer;
}

i64 sys_connect(int fd)
{
	return refuse(fd, -EISCONN);
}

i64 sys_no_listening(int fd)
{
	return refuse(fd, -EINVAL);
}

/* --- bytes ------------------------------------------------------------------ */

static u32 flags_of(const struct file *f, int flags)
{
	return (f->flags & O_NONBLOCK) | (flags & MSG_DONTWAIT ? O_NONBLOCK : 0u) |
	       (flags & MSG_NOSIGNAL ? SOCKET_QUIET : 0u);
}

enum way { SEND, RECEIVE };

static i64 move(struct file *f, enum way way, struct iobuf *b, int flags)
{
	if (flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC | (way == RECEIVE ? MSG_WAITALL : 0)))
		return -EOPNOTSUPP;
	if (way == SEND)
		return socket_send(f, b, flags_of(f, flags));
	i64 done = 0, nr;

	do {                                    // once, or MSG_WAITALL: until all is there
		nr = socket_receive(f, b, flags_of(f, flags));
		done += nr > 0 ? nr : 0;
	} while (nr > 0 && flags & MSG_WAITALL && b->remaining);
	return done ? done : nr;
}

static i64 move_one(int fd, enum way way, void __user *bytes, size_t nr_bytes, int flags)
{
	struct iobuf b;
	struct file *f;
	i64 result = socket_of(fd, &f);

	if (result)
		return result;
	iobuf_init_user(&b, bytes, nr_bytes);
	result = user_range_is_valid(bytes, nr_bytes) ? move(f, way, &b, flags) : -EFAULT;
	file_put(f);
	return result;
}

i64 sys_sendto(int fd, void __user *bytes, size_t nr_bytes, int flags, const void __user *address, u32 size)
{
	(void)size;
	return address ? refuse(fd, -EISCONN) : move_one(fd, SEND, bytes, nr_bytes, flags);
}

i64 sys_recvfrom(int fd, void __user *bytes, size_t nr_bytes, int flags, void __user *address, u32 __user *size)
{
	u32 none = 0;
	i64 result = move_one(fd, RECEIVE, bytes, nr_bytes, flags);

	// The other end has no name.
	return result >= 0 && address && size && copy_to_user(size, &none, sizeof(none)) ? -EFAULT : result;
}

static i64 move_pieces(int fd, enum way way, const struct msghdr *m, int flags)
{
	struct iovec few[FEW_PIECES], *pieces;
	struct iobuf b;
	struct file *f;
	size_t total;
	i64 result = socket_of(fd, &f);

	if (result)
		return result;
	result = m->msg_iovlen > UIO_MAXIOV ? -EMSGSIZE :
		 pieces_from_user(m->msg_iov, (int)m->msg_iovlen, few, &pieces, &total);
	if (!result) {
		iobuf_init_pieces(&b, pieces, (u32)m->msg_iovlen, total);
		result = move(f, way, &b, flags);
		if (pieces != few)
			kfree(pieces);
	}
	file_put(f);
	return result;
}

i64 sys_sendmsg(int fd, const struct msghdr __user *user, int flags)
{
	struct msghdr m;

	if (copy_from_user(&m, user, sizeof(m)))
		return -EFAULT;
	if (m.msg_control && m.msg_controllen)  // descriptors are not sent
		return refuse(fd, -EOPNOTSUPP);
	return m.msg_name && m.msg_namelen ? refuse(fd, -EISCONN) : move_pieces(fd, SEND, &m, flags);
}

i64 sys_recvmsg(int fd, struct msghdr __user *user, int flags)
{
	struct msghdr m;

	if (copy_from_user(&m, user, sizeof(m)))
		return -EFAULT;
	i64 result = move_pieces(fd, RECEIVE, &m, flags);

	m.msg_namelen = 0;
	m.msg_controllen = 0;
	m.msg_flags = 0;
	return result >= 0 && copy_to_user(user, &m, sizeof(m)) ? -EFAULT : result;
}

i64 sys_shutdown(int fd, int how)
{
	struct file *f;
	int error = socket_of(fd, &f);

	if (error)
		return error;
	if (how < SHUT_RD || how > SHUT_RDWR)
		error = -EINVAL;
	else
		socket_shut(f, (how != SHUT_WR ? SOCKET_SHUT_READING : 0u) |
			       (how != SHUT_RD ? SOCKET_SHUT_WRITING : 0u));
	file_put(f);
	return error;
}

/* --- what it is ------------------------------------------------------------- */

// How many bytes the caller has room for. -EFAULT, -EINVAL.
static int room_of(const u32 __user *size_user, u32 *room)
{
	if (copy_from_user(room, size_user, sizeof(*room)))
		return -EFAULT;
	return (int)*room < 0 ? -EINVAL : 0;
}

// Both ends are without a name: only the family.
i64 sys_getsockname(int fd, void __user *address, u32 __user *size_user)
{
	u16 family = AF_UNIX;
	u32 size;
	i64 error = refuse(fd, 0);

	if (!error)
		error = room_of(size_user, &size);
	if (error)
		return error;
	if (copy_to_user(address, &family, min((size_t)size, sizeof(family))))
		return -EFAULT;
	size = sizeof(family);
	return copy_to_user(size_user, &size, sizeof(size));
}

static int option(int name, int *value)
{
	switch (name) {
	case SO_TYPE:
		*value = SOCK_STREAM;
		return 0;
	case SO_DOMAIN:
		*value = AF_UNIX;
		return 0;
	case SO_ERROR:
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
		*value = 0;
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
		*value = PIPE_SIZE;
		return 0;
	}
	return -ENOPROTOOPT;
}

i64 sys_getsockopt(int fd, int level, int name, void __user *to, u32 __user *size_user)
{
	int value = 0;
	u32 size;
	i64 error = refuse(fd, level == SOL_SOCKET ? option(name, &value) : -EOPNOTSUPP);

	if (!error)
		error = room_of(size_user, &size);
	if (error)
		return error;
	size = min(size, (u32)sizeof(value));
	if (copy_to_user(to, &value, size) || copy_to_user(size_user, &size, sizeof(size)))
		return -EFAULT;
	return 0;
}

// Sizes are taken as a wish.
i64 sys_setsockopt(int fd, int level, int name)
{
	bool is_wish = level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF);

	return refuse(fd, is_wish ? 0 : level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP);
}
