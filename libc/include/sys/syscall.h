// Numbers for syscall().
#pragma once

#include <abi/syscall.h>

long syscall(long number, ...);
