/*
 * The end of a file inside a mapping. A file of 5000 bytes is mapped as three pages. The rest of its
 * last page reads as zeros, and stores there go nowhere; a page wholly behind the end is SIGBUS,
 * with the address, and a handler can go on.
 *
 * eof [--quiet] [--file PATH] [--size BYTES]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGES = 3 };

static sigjmp_buf after_fault;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = signal;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(after_fault, 1);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGBUS, &action, NULL) < 0 || sigaction(SIGSEGV, &action, NULL) < 0)
		err(1, "sigaction");
}

/* The byte at p, or -1 when there was a fault. */
static int load(volatile unsigned char *p)
{
	fault_signal = fault_code = 0;
	fault_address = NULL;
	if (sigsetjmp(after_fault, 1))
		return -1;
	return *p;
}

static void try_load(volatile unsigned char *map, long offset)
{
	char name[40];
	int value = load(map + offset);

	snprintf(name, sizeof(name), "load_%ld", offset);
	demo_report(name, value < 0 ? -1000 - fault_signal : value);
	if (value >= 0)
		demo_say("load  %5ld  %3d\n", offset, value);
	else
		demo_say("load  %5ld  %s, %s, si_addr = map + %ld\n", offset,
			 fault_signal == SIGBUS ? "SIGBUS" : "SIGSEGV",
			 fault_code == BUS_ADRERR ? "BUS_ADRERR" : "another code",
			 (long)((unsigned char *)fault_address - map));
}

static void try_loads(volatile unsigned char *map, long size)
{
	long last_page_end = (size + DEMO_PAGE - 1) / DEMO_PAGE * DEMO_PAGE;
	const long offsets[] = { size - 1, size, last_page_end - 1, last_page_end };

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		if (offsets[i] >= 0 && offsets[i] < PAGES * DEMO_PAGE)
			try_load(map, offsets[i]);
	if (size > 0)
		demo_claim("the last byte is the file's", load(map + size - 1) == 'x');
	if (size % DEMO_PAGE) {
		demo_claim("behind it, zeros",
			load(map + size) == 0 && load(map + last_page_end - 1) == 0);
	}
	if (last_page_end < PAGES * DEMO_PAGE) {
		int value = load(map + last_page_end);

		demo_claim("the next page is SIGBUS", value < 0 && fault_signal == SIGBUS);
		demo_claim("its code is BUS_ADRERR", fault_code == BUS_ADRERR);
		demo_claim("its address is the one touched",
			fault_address == (void *)(map + last_page_end));
		demo_report("bus_code", fault_code);
		demo_report("bus_offset", (long)((unsigned char *)fault_address - map));
	}
}

/* A store behind the end, in the last page: no fault, and never in the file. */
static void store_behind_end(volatile unsigned char *map, int fd, long size)
{
	long offset = size + 1000;
	struct stat st;
	unsigned char byte = 0xff;

	if (!(size % DEMO_PAGE) || offset / DEMO_PAGE != size / DEMO_PAGE) {
		demo_say("\n(no room behind the end in the last page: nothing to store)\n");
		return;
	}
	map[offset] = 'S';
	if (msync((void *)map, DEMO_PAGE * ((offset / DEMO_PAGE) + 1), MS_SYNC) < 0 ||
		fstat(fd, &st) < 0)
		err(1, "msync");
	demo_say("\nstore %5ld  no fault; the file is still %ld bytes\n", offset, (long)st.st_size);
	demo_report("size_after_store", (long)st.st_size);
	demo_claim("the store did not make the file longer", st.st_size == size);

	/* Now the file grows over that place: what is there must be zeros, not the S. */
	if (ftruncate(fd, PAGES * DEMO_PAGE) < 0 || pread(fd, &byte, 1, offset) != 1)
		err(1, "growing the file");
	demo_say("grow to %d: byte %ld of the file is %d, through the map %d\n", PAGES * DEMO_PAGE,
		offset, byte, load(map + offset));
	demo_report("byte_after_growth", byte);
	demo_claim("the store never reached the file", byte == 0 && load(map + offset) == 0);
	demo_claim("the page that was SIGBUS is there now", load(map + PAGES * DEMO_PAGE - 1) == 0);
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/eof.dat";
	long size = 5000;

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else if (!strcmp(argv[i], "--size"))
			size = demo_number(argc, argv, &i);
		else
			errx(2, "usage: eof [--quiet] [--file path] [--size bytes]");
	}
	if (size > PAGES * DEMO_PAGE)
		errx(2, "--size wants at most %d", PAGES * DEMO_PAGE);
	int fd = demo_file(path, 0);
	for (long i = 0; i < size; i++)
		if (write(fd, "x", 1) != 1)
			err(1, "%s", path);
	catch_faults();
	volatile unsigned char *map =
		mmap(NULL, PAGES * DEMO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	demo_say("a file of %ld bytes, mapped as %d pages\n\n", size, PAGES);
	try_loads(map, size);
	store_behind_end(map, fd, size);
	return demo_end(
		"why can the kernel not refuse a store behind the end inside the last page?",
		"--size BYTES: try 4096, 8192 and 0");
}
