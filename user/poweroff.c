/* poweroff: asks init to end the machine. With -f, tells the kernel at once. */
#include <err.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-f")) {
		sync();
		reboot(RB_POWER_OFF);
		err(1, "reboot");
	}
	if (argc > 1)
		errx(2, "usage: poweroff [-f]");
	if (kill(1, SIGUSR2) < 0)
		err(1, "cannot signal init");
	return 0;
}
