/*
 * vdso.c - the time without a system call. This is user code: the kernel shows it to every program, with the page of
 * x86/clock_page.h before it, and tells where by AT_SYSINFO_EHDR. It is a whole ELF library (vdso.ld says how it
 * is laid out), so that a C library finds the functions by name and version as it would in any other. What cannot
 * be told here, a clock that only the kernel knows or a counter that is no clock, is asked for by a system call.
 */
#include "x86/clock_page.h"
#include "x86/segs.h"
#include <abi/syscall.h>

extern const struct clock_page clock_page __attribute__((visibility("hidden")));        // vdso.ld

int __vdso_clock_gettime(int clock, struct timespec *out);
int __vdso_clock_getres(int clock, struct timespec *out);
int __vdso_gettimeofday(struct timeval *out, struct timezone *zone);
long __vdso_time(long *out);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

static inline long system_call(long number, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

// Not before the loads above it are done: two threads must not see the time go back between them.
static inline u64 ordered_tsc(void)
{
	u32 low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

// False: ask the kernel.
static inline bool read_clock(bool is_realtime, u64 *ns)
{
	u32 sequence;

	do {
		while ((sequence = __atomic_load_n(&clock_page.sequence, __ATOMIC_ACQUIRE)) & 1)
			__builtin_ia32_pause();
		if (!clock_page.tsc_is_usable)
			return false;
		*ns = clock_page_monotonic_ns(&clock_page, ordered_tsc());
		if (is_realtime)
			*ns += (u64)clock_page.realtime_offset_ns;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (READ_ONCE(clock_page.sequence) != sequence);
	return true;
}

int __vdso_clock_gettime(int clock, struct timespec *out)
{
	u32 bit = (u32)clock < 32 ? 1u << clock : 0;
	u64 ns;

	if (!(bit & (CLOCKS_REALTIME | CLOCKS_MONOTONIC)) || !read_clock(bit & CLOCKS_REALTIME, &ns))
		return (int)system_call(SYS_clock_gettime, clock, (long)out);
	*out = timespec_of(ns);
	return 0;
}

int __vdso_clock_getres(int clock, struct timespec *out)
{
	u32 bit = (u32)clock < 32 ? 1u << clock : 0;

	if (!(bit & (CLOCKS_REALTIME | CLOCKS_MONOTONIC)))
		return (int)system_call(SYS_clock_getres, clock, (long)out);
	if (out)
		*out = (struct timespec){ .tv_nsec = 1 };
	return 0;
}

int __vdso_gettimeofday(struct timeval *out, struct timezone *zone)
{
	u64 ns;

	if (!read_clock(true, &ns))
		return (int)system_call(SYS_gettimeofday, (long)out, (long)zone);
	if (out)
		*out = timeval_of(ns);
	if (zone)
		*zone = (struct timezone){ 0 };
	return 0;
}

long __vdso_time(long *out)
{
	u64 ns;

	if (!read_clock(true, &ns))
		return system_call(SYS_time, (long)out, 0);
	if (out)
		*out = (long)(ns / 1000000000);
	return (long)(ns / 1000000000);
}

// The limit of a segment that each CPU has with a limit of its own (x86/segs.c):
// readable everywhere, in one instruction.
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	u32 limit;

	(void)unused;
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"((u32)SELECTOR_CPU_NUMBER) : "cc");
	if (cpu)
		*cpu = limit;
	if (node)
		*node = 0;
	return 0;
}
