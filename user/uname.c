/* uname [-asnrvm]: what system this is. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char letters[] = "snrvm";
	unsigned int wanted = 0;
	struct utsname u;
	int option;

	while ((option = getopt(argc, argv, "asnrvm")) != -1) {
		if (option == '?')
			return 2;
		wanted |= option == 'a' ? 31 : 1u << (strchr(letters, option) - letters);
	}
	if (uname(&u) < 0)
		err(1, "uname");
	const char *values[] = { u.sysname, u.nodename, u.release, u.version, u.machine };
	const char *space = "";
	for (int i = 0; i < 5; i++)
		if ((wanted ? wanted : 1) >> i & 1) {
			printf("%s%s", space, values[i]);
			space = " ";
		}
	putchar('\n');
	return finish_output();
}
