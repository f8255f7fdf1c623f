/* id [-u] [-g] [-n]: who runs this. */
#include "util.h"
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	bool user = false, group = false, name = false;
	int option;

	while ((option = getopt(argc, argv, "ugn")) != -1) {
		if (option == '?')
			return 2;
		user |= option == 'u';
		group |= option == 'g';
		name |= option == 'n';
	}
	if (user && name)
		puts(show_user(geteuid()));
	else if (user)
		printf("%u\n", (unsigned int)geteuid());
	else if (group && name)
		puts(show_group(getegid()));
	else if (group)
		printf("%u\n", (unsigned int)getegid());
	else
		printf("uid=%u(%s) gid=%u(%s)\n", (unsigned int)geteuid(), show_user(geteuid()),
		       (unsigned int)getegid(), show_group(getegid()));
	return finish_output();
}
