// Device numbers.
#pragma once

#include <abi/stat.h>

#define major(dev)		ABI_MAJOR(dev)
#define minor(dev)		ABI_MINOR(dev)
#define makedev(major, minor)	ABI_MKDEV((unsigned long)(major), (unsigned long)(minor))
