// Processor time of a process and its children.
#pragma once

#include <abi/time.h>
#include <sys/types.h>

clock_t times(struct tms *times);
