// Random bytes from the kernel.
#pragma once

#include <abi/sysinfo.h>
#include <sys/types.h>

ssize_t getrandom(void *memory, size_t n, unsigned int flags);
int getentropy(void *memory, size_t n);
