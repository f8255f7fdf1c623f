// Giving up the processor, and choosing one.
#pragma once

#include <abi/sched.h>
#include <sys/types.h>

#define CPU_SETSIZE	1024

typedef struct {
	unsigned long bits[CPU_SETSIZE / 64];
} cpu_set_t;

#define CPU_ZERO(set)		((void)__builtin_memset((set), 0, sizeof(cpu_set_t)))
#define CPU_SET(cpu, set)	((void)((set)->bits[(cpu) / 64] |= 1ul << ((cpu) % 64)))
#define CPU_CLR(cpu, set)	((void)((set)->bits[(cpu) / 64] &= ~(1ul << ((cpu) % 64))))
#define CPU_ISSET(cpu, set)	((int)((set)->bits[(cpu) / 64] >> ((cpu) % 64) & 1))
#define CPU_COUNT(set)		sched_cpu_count(set)

int sched_cpu_count(const cpu_set_t *set);
int sched_yield(void);
int sched_getcpu(void);
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int unshare(int flags);
