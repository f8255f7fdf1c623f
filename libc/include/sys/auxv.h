// What the kernel told the program at its start.
#pragma once

#include <abi/auxv.h>
#include <abi/elf.h>

// The value of that type in the auxiliary vector; 0 and ENOENT if it has none.
unsigned long getauxval(unsigned long type);
