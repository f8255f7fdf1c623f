/* reboot: asks init to restart the machine. With -f, tells the kernel at once. */
#include <err.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-f")) {
		sync();
		reboot(RB_AUTOBOOT);
		err(1, "reboot");
	}
	if (argc > 1)
		errx(2, "usage: reboot [-f]");
	if (kill(1, SIGTERM) < 0)
		err(1, "cannot signal init");
	return 0;
}
