/* mkswap [-L label] [-U uuid] disk-or-file: makes a swap area of it, for swapon. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#define PAGE 4096u
#define LEAST_PAGES 10

static unsigned long size_of(int fd, const char *name)
{
	unsigned long bytes = 0;
	struct stat status;

	if (fstat(fd, &status))
		err(1, "%s", name);
	if (S_ISREG(status.st_mode))
		return (unsigned long)status.st_size;
	if (!S_ISBLK(status.st_mode) || ioctl(fd, BLKGETSIZE64, &bytes))
		errx(1, "%s: neither a disk nor a file", name);
	return bytes;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "01234567-89ab-..." into 16 bytes. */
static void parse_uuid(const char *text, unsigned char *uuid)
{
	int nr = 0;

	for (; *text; text++) {
		int digit = hex_digit(*text);

		if (*text == '-')
			continue;
		if (digit < 0 || nr == 32)
			errx(2, "an UUID has 32 hexadecimal digits");
		uuid[nr / 2] = (unsigned char)(uuid[nr / 2] << 4 | digit);
		nr++;
	}
	if (nr != 32)
		errx(2, "an UUID has 32 hexadecimal digits");
}

static void random_uuid(unsigned char *uuid)
{
	if (getrandom(uuid, 16, 0) != 16)
		err(1, "getrandom");
	uuid[6] = (uuid[6] & 15) | 0x40;        /* version 4: random */
	uuid[8] = (uuid[8] & 63) | 0x80;
}

static void print_uuid(const unsigned char *uuid)
{
	for (int i = 0; i < 16; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	printf("\n");
}

static void write_header(int fd, const char *name, const struct swap_header *header)
{
	if (pwrite(fd, header, sizeof(*header), 0) != (ssize_t)sizeof(*header) || fsync(fd))
		err(1, "%s", name);
}

int main(int argc, char **argv)
{
	static struct swap_header header;
	unsigned long pages;
	int option;

	random_uuid(header.uuid);
	while ((option = getopt(argc, argv, "L:U:")) != -1) {
		if (option == 'L')
			strncpy(header.label, optarg, sizeof(header.label) - 1);
		else if (option == 'U')
			parse_uuid(optarg, header.uuid);
		else
			return 2;
	}
	if (optind != argc - 1)
		errx(2, "usage: mkswap [-L label] [-U uuid] disk-or-file");
	const char *name = argv[optind];
	int fd = open(name, O_RDWR);

	if (fd < 0)
		err(1, "%s", name);
	pages = size_of(fd, name) / PAGE;
	if (pages < LEAST_PAGES || pages > 0xffffffffu)
		errx(1, "%s: %lu pages make no swap area", name, pages);
	header.version = SWAP_VERSION;
	header.last_page = (unsigned)(pages - 1);
	memcpy(header.magic, SWAP_MAGIC, sizeof(header.magic));
	write_header(fd, name, &header);
	printf("Setting up swapspace version 1, size = %lu KiB\n", (pages - 1) * (PAGE / 1024));
	printf("%s%s%sUUID=", header.label[0] ? "LABEL=" : "no label, ", header.label, header.label[0] ? ", " : "");
	print_uuid(header.uuid);
	return 0;
}
