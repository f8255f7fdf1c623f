/* tail [-n [+]LINES | -c [+]BYTES | -LINES] [-q] [-v] [file ...]: how files end; +N: from line or byte N. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	long amount;
	bool bytes, from_start, titles, another;
};

/* All of fd, to be freed. A pipe's end cannot be found without reading it all. */
static char *read_all(int fd, size_t *len)
{
	size_t size = 65536;
	char *data = malloc(size);
	ssize_t n = 0;

	*len = 0;
	while (data && (n = read(fd, data + *len, size - *len)) > 0) {
		*len += n;
		if (*len == size) {
			size *= 2;
			char *larger = realloc(data, size);

			if (!larger)
				free(data);
			data = larger;
		}
	}
	if (data && n < 0) {
		free(data);
		return NULL;
	}
	return data;
}

/* Where the part to be shown starts. */
static size_t start_of(const struct request *r, const char *data, size_t len)
{
	size_t amount = r->amount, at;

	if (r->bytes) {
		if (r->from_start)
			return amount ? (amount - 1 < len ? amount - 1 : len) : 0;
		return amount < len ? len - amount : 0;
	}
	if (r->from_start) {
		for (at = 0; at < len && amount > 1; at++)
			amount -= data[at] == '\n';
		return at;
	}
	if (!amount)
		return len;
	/* The newline that ends the last line begins no other. */
	at = len && data[len - 1] == '\n' ? len - 1 : len;
	while (at > 0 && !(data[at - 1] == '\n' && --amount == 0))
		at--;
	return at;
}

static int show(int fd, const char *name, void *state)
{
	struct request *r = state;
	size_t len;
	char *data;

	if (r->titles)
		printf("%s==> %s <==\n", r->another ? "\n" : "", name);
	r->another = true;
	/* Of a file only the last bytes are needed, when bytes were asked for. */
	if (r->bytes && !r->from_start && lseek(fd, -r->amount, SEEK_END) < 0)
		lseek(fd, 0, SEEK_SET);
	data = read_all(fd, &len);
	if (!data) {
		warn("%s", name);
		return 1;
	}
	size_t start = start_of(r, data, len);
	fwrite(data + start, 1, len - start, stdout);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct request r = { .amount = 10 };
	bool quiet = false, verbose = false;
	int option;

	if (argc > 1 && argv[1][0] == '-' && number_parse(argv[1] + 1, &r.amount)) {
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	while ((option = getopt(argc, argv, "n:c:qv")) != -1) {
		if (option == '?')
			return 2;
		quiet |= option == 'q';
		verbose |= option == 'v';
		if (option != 'n' && option != 'c')
			continue;
		r.bytes = option == 'c';
		r.from_start = *optarg == '+';
		if (!size_parse(optarg, &r.amount))
			errx(1, "invalid number '%s'", optarg);
		r.amount = labs(r.amount);
	}
	r.titles = verbose || (argc - optind > 1 && !quiet);
	int status = for_each_input(argc - optind, argv + optind, show, &r);
	return status | finish_output();
}
