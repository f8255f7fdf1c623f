/*
 * init.c - the first process of the Linux that the benchmark compares with. It loads the disk's driver from the
 * initial file system, mounts the disk and what the rows read of the kernel, runs the benchmark there with the
 * arguments that the kernel's command line has behind "-- bench" (what the kernel did not understand stands before
 * that), and switches the machine off.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// In the order in which they need each other; what is built into the kernel is not there.
static const char *const drivers[] = {
	"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk", NULL
};

static void load_drivers(void)
{
	char path[64];

	for (int i = 0; drivers[i]; i++) {
		snprintf(path, sizeof(path), "/%s.ko", drivers[i]);
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			continue;
		if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			warn("%s", path);
		close(fd);
	}
}

static void mount_or_warn(const char *what, const char *where, const char *type)
{
	mkdir(where, 0755);
	if (mount(what, where, type, 0, NULL))
		warn("%s", where);
}

static _Noreturn void run_bench(char **words)
{
	while (*words && strcmp(*words, "bench"))
		words++;
	execv("/bench", words);
	warn("/bench");
	_exit(127);
}

int main(int argc, char **argv)
{
	int status = 0;

	(void)argc;
	mount_or_warn("devtmpfs", "/dev", "devtmpfs");
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/console", O_RDWR);
	printf("# user space\n");
	fflush(stdout);
	load_drivers();
	mkdir("/disk", 0755);
	if (mount("/dev/vda", "/disk", "ext2", MS_NOATIME, NULL))
		warn("/dev/vda");
	mount_or_warn("proc", "/disk/proc", "proc");
	mount_or_warn("devtmpfs", "/disk/dev", "devtmpfs");
	if (chroot("/disk") || chdir("/"))
		warn("/disk");
	pid_t child = fork();
	if (child == 0)
		run_bench(argv);
	if (child < 0 || waitpid(child, &status, 0) != child)
		warn("no process");
	if (status)
		printf("# bench ended with status %d\n", status);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
