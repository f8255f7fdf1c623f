/* swapoff disk-or-file ...: everything that is there comes back into memory. */
#include <err.h>
#include <sys/swap.h>

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		errx(2, "usage: swapoff disk-or-file ...");
	for (int i = 1; i < argc; i++)
		if (swapoff(argv[i])) {
			warn("%s", argv[i]);
			status = 1;
		}
	return status;
}
