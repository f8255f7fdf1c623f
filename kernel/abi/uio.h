// Scatter and gather lists.
#pragma once

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

#define UIO_MAXIOV	1024
#define IOV_MAX		1024
