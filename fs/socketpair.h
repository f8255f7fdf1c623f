#pragma once
/*
 * socketpair.h - two sockets that are connected with each other:
 * a stream of bytes each way. There are no other sockets.
 */
#include "types.h"

struct file;
struct iobuf;

enum { SOCKET_SHUT_READING = 1, SOCKET_SHUT_WRITING = 2 };

// Both ends, referenced. flags: O_NONBLOCK. -ENOMEM.
int socketpair_create(u32 flags, struct file **one, struct file **other) MUST_CHECK;
bool file_is_socket(const struct file *f);
// As read and write of the file, for this once with flags: O_NONBLOCK, SOCKET_QUIET (no SIGPIPE). May sleep.
#define SOCKET_QUIET (1u << 31)
ssize_t socket_receive(struct file *f, struct iobuf *to, u32 flags);
ssize_t socket_send(struct file *f, struct iobuf *from, u32 flags);
void socket_shut(struct file *f, u32 what);     // SOCKET_SHUT_*: the other end sees the end of the stream, or EPIPE
