/* dmesg: the kernel's log so far. On Linux each record carries a header, which is left out. */
#include "util.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static char block[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		err(1, "/dev/kmsg");
	while ((n = read(fd, block, sizeof(block))) > 0) {
		char *header = block[0] >= '0' && block[0] <= '9' ? memchr(block, ';', n) : NULL;
		char *start = header ? header + 1 : block;

		fwrite(start, 1, block + n - start, stdout);
	}
	if (n < 0 && errno != EAGAIN)
		err(1, "/dev/kmsg");
	return finish_output();
}
