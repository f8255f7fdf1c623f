// Swap areas. Each is the system call of the same name.
#pragma once

#include <abi/swap.h>

int swapon(const char *path, int flags);
int swapoff(const char *path);
