// Resource usage and limits.
#pragma once

#include <abi/resource.h>
#include <sys/types.h>

typedef unsigned long rlim_t;

int getrusage(int who, struct rusage *usage);
int getrlimit(int resource, struct rlimit *limit);
int setrlimit(int resource, const struct rlimit *limit);
int prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old);
int getpriority(int which, id_t who);
int setpriority(int which, id_t who, int priority);
