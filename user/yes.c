/* yes [word ...]: the words, or y, until nobody listens. */
#include "util.h"
#include <stdio.h>

int main(int argc, char **argv)
{
	do {
		if (argc < 2)
			fputs("y", stdout);
		for (int i = 1; i < argc; i++)
			printf("%s%s", i > 1 ? " " : "", argv[i]);
	} while (putchar('\n') != EOF);
	return finish_output();
}
