// wait4 and waitid: options, and how a status word is put together.
#pragma once

#define WNOHANG		1
#define WUNTRACED	2
#define WSTOPPED	2
#define WEXITED		4
#define WCONTINUED	8
#define WNOWAIT		0x01000000
#define __WNOTHREAD	0x20000000
#define __WALL		0x40000000
#define __WCLONE	0x80000000

#define P_ALL		0
#define P_PID		1
#define P_PGID		2
#define P_PIDFD		3

#define WEXITSTATUS(status)	(((status) >> 8) & 0xff)
#define WTERMSIG(status)	((status) & 0x7f)
#define WSTOPSIG(status)	WEXITSTATUS(status)
#define WIFEXITED(status)	(WTERMSIG(status) == 0)
#define WIFSIGNALED(status)	(((status) & 0xffff) - 1u < 0xffu)
#define WIFSTOPPED(status)	(((status) & 0xff) == 0x7f)
#define WIFCONTINUED(status)	((status) == 0xffff)
#define WCOREDUMP(status)	((status) & 0x80)

// The other direction, for those who make statuses.
#define W_EXITCODE(code, signal)	((((code) & 0xff) << 8) | (signal))
#define W_STOPCODE(signal)		((((signal) & 0xff) << 8) | 0x7f)
#define W_CONTINUED			0xffff
