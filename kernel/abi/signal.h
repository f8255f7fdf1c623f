// Signals: numbers, dispositions, siginfo, and the frame that the kernel leaves on the user stack.
//
// The frame of a handler, from its stack pointer upwards:
//
//	pretcode		the handler's return address: sa_restorer
//	struct ucontext		the interrupted state; rt_sigreturn takes it from here
//	siginfo_t
//	...			space up to the alignment
//	struct fpstate		FXSAVE's 512 bytes, 16-aligned, found through uc_mcontext.fpstate
#pragma once

#define SIGHUP		1
#define SIGINT		2
#define SIGQUIT		3
#define SIGILL		4
#define SIGTRAP		5
#define SIGABRT		6
#define SIGIOT		6
#define SIGBUS		7
#define SIGFPE		8
#define SIGKILL		9
#define SIGUSR1		10
#define SIGSEGV		11
#define SIGUSR2		12
#define SIGPIPE		13
#define SIGALRM		14
#define SIGTERM		15
#define SIGSTKFLT	16
#define SIGCHLD		17
#define SIGCONT		18
#define SIGSTOP		19
#define SIGTSTP		20
#define SIGTTIN		21
#define SIGTTOU		22
#define SIGURG		23
#define SIGXCPU		24
#define SIGXFSZ		25
#define SIGVTALRM	26
#define SIGPROF		27
#define SIGWINCH	28
#define SIGIO		29
#define SIGPOLL		29
#define SIGPWR		30
#define SIGSYS		31
#define SIGRTMIN	32
#define SIGRTMAX	64
#define NSIG		65

// A set of signals: signal n is bit n - 1. The sigsetsize argument of the calls is 8.
typedef unsigned long k_sigset_t;

#define SIG_DFL	((void (*)(int))0)
#define SIG_IGN	((void (*)(int))1)
#define SIG_ERR	((void (*)(int))-1)

#define SA_NOCLDSTOP	0x00000001
#define SA_NOCLDWAIT	0x00000002
#define SA_SIGINFO	0x00000004
#define SA_RESTORER	0x04000000
#define SA_ONSTACK	0x08000000
#define SA_RESTART	0x10000000
#define SA_NODEFER	0x40000000
#define SA_NOMASK	SA_NODEFER
#define SA_RESETHAND	0x80000000
#define SA_ONESHOT	SA_RESETHAND

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2

// What rt_sigaction takes; libc's struct sigaction has another order.
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	k_sigset_t mask;
};

_Static_assert(sizeof(struct kernel_sigaction) == 32, "kernel_sigaction is part of the ABI");

union sigval {
	int sival_int;
	void *sival_ptr;
};

typedef struct siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	int si_pad0;
	union {
		struct {	// kill, sigqueue, tgkill
			int pid;
			unsigned int uid;
			union sigval value;
		} kill;
		struct {	// SIGCHLD
			int pid;
			unsigned int uid;
			int status;
			int pad;
			long utime;
			long stime;
		} child;
		struct {	// SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP
			void *addr;
			short addr_lsb;
		} fault;
		struct {	// POSIX timers
			int timerid;
			int overrun;
			union sigval value;
		} timer;
		struct {	// SIGIO
			long band;
			int fd;
		} poll;
		int pad[28];
	} si_fields;
} siginfo_t;

_Static_assert(sizeof(siginfo_t) == 128, "siginfo_t is part of the ABI");

// How a timer tells that it has expired.
#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2       // for the kernel as SIGEV_SIGNAL
#define SIGEV_THREAD_ID	4

struct sigevent {
	union sigval sigev_value;
	int sigev_signo;
	int sigev_notify;
	int sigev_tid;
	int sigev_pad[11];
};

_Static_assert(sizeof(struct sigevent) == 64, "sigevent is part of the ABI");

#define si_pid		si_fields.kill.pid
#define si_uid		si_fields.kill.uid
#define si_value	si_fields.kill.value
#define si_int		si_fields.kill.value.sival_int
#define si_ptr		si_fields.kill.value.sival_ptr
#define si_status	si_fields.child.status
#define si_utime	si_fields.child.utime
#define si_stime	si_fields.child.stime
#define si_addr		si_fields.fault.addr
#define si_addr_lsb	si_fields.fault.addr_lsb
#define si_band		si_fields.poll.band
#define si_fd		si_fields.poll.fd

// si_code of any signal.
#define SI_USER		0
#define SI_KERNEL	0x80
#define SI_QUEUE	-1
#define SI_TIMER	-2
#define SI_MESGQ	-3
#define SI_ASYNCIO	-4
#define SI_SIGIO	-5
#define SI_TKILL	-6

// si_code of one signal.
#define ILL_ILLOPC	1
#define ILL_ILLOPN	2
#define ILL_ILLADR	3
#define ILL_ILLTRP	4
#define ILL_PRVOPC	5
#define ILL_PRVREG	6
#define ILL_COPROC	7
#define ILL_BADSTK	8
#define FPE_INTDIV	1
#define FPE_INTOVF	2
#define FPE_FLTDIV	3
#define FPE_FLTOVF	4
#define FPE_FLTUND	5
#define FPE_FLTRES	6
#define FPE_FLTINV	7
#define FPE_FLTSUB	8
#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define SEGV_BNDERR	3
#define SEGV_PKUERR	4
#define BUS_ADRALN	1
#define BUS_ADRERR	2
#define BUS_OBJERR	3
#define TRAP_BRKPT	1
#define TRAP_TRACE	2
#define CLD_EXITED	1
#define CLD_KILLED	2
#define CLD_DUMPED	3
#define CLD_TRAPPED	4
#define CLD_STOPPED	5
#define CLD_CONTINUED	6

typedef struct sigaltstack {
	void *ss_sp;
	int ss_flags;
	unsigned long ss_size;
} stack_t;

#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	(1u << 31)
#define MINSIGSTKSZ	2048
#define SIGSTKSZ	16384	// Linux says 8192; with AMX registers a frame alone is more

// What FXSAVE stores (Intel SDM 1, 10.5.1); the last 48 bytes are free for software.
struct fpstate {
	unsigned short cwd;
	unsigned short swd;
	unsigned short twd;
	unsigned short fop;
	unsigned long rip;
	unsigned long rdp;
	unsigned int mxcsr;
	unsigned int mxcsr_mask;
	unsigned int st_space[32];
	unsigned int xmm_space[64];
	unsigned int reserved2[12];
	struct {
		unsigned int magic1;	// FP_XSTATE_MAGIC1 if extended state follows, else 0
		unsigned int extended_size;
		unsigned long xfeatures;
		unsigned int xstate_size;
		unsigned int padding[7];
	} sw_reserved;
};

_Static_assert(sizeof(struct fpstate) == 512, "struct fpstate is an FXSAVE area");

#define FP_XSTATE_MAGIC1	0x46505853u
#define FP_XSTATE_MAGIC2	0x46505845u

// The interrupted registers, by name or as the array that REG_* index.
struct sigcontext {
	union {
		struct {
			unsigned long r8;
			unsigned long r9;
			unsigned long r10;
			unsigned long r11;
			unsigned long r12;
			unsigned long r13;
			unsigned long r14;
			unsigned long r15;
			unsigned long di;
			unsigned long si;
			unsigned long bp;
			unsigned long bx;
			unsigned long dx;
			unsigned long ax;
			unsigned long cx;
			unsigned long sp;
			unsigned long ip;
			unsigned long flags;
			unsigned short cs;
			unsigned short gs;
			unsigned short fs;
			unsigned short ss;
			unsigned long err;
			unsigned long trapno;
			unsigned long oldmask;
			unsigned long cr2;
		};
		long long gregs[23];
	};
	struct fpstate *fpstate;
	unsigned long reserved1[8];
};

_Static_assert(sizeof(struct sigcontext) == 256, "struct sigcontext is part of the ABI");

enum {
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	REG_RDI,
	REG_RSI,
	REG_RBP,
	REG_RBX,
	REG_RDX,
	REG_RAX,
	REG_RCX,
	REG_RSP,
	REG_RIP,
	REG_EFL,
	REG_CSGSFS,
	REG_ERR,
	REG_TRAPNO,
	REG_OLDMASK,
	REG_CR2,
};

struct ucontext {
	unsigned long uc_flags;
	struct ucontext *uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	k_sigset_t uc_sigmask;
};

_Static_assert(sizeof(struct ucontext) == 304, "struct ucontext is part of the ABI");

#define UC_FP_XSTATE		0x1
#define UC_SIGCONTEXT_SS	0x2
#define UC_STRICT_RESTORE_SS	0x4

struct rt_sigframe {
	void (*pretcode)(void);
	struct ucontext uc;
	siginfo_t info;
};
