/*
 * size_limit.c - RLIMIT_FSIZE: what the one who is refused is told.
 */
#include "fs/size_limit.h"
#include "kernel.h"
#include "proc/signal.h"
#include <abi/errno.h>

int size_limit_exceeded(void)
{
	signal_send_thread(current, SIGXFSZ, NULL);
	return -EFBIG;
}
