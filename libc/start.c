// From the kernel's initial stack to main, and where errno lives.
//
// The stack at the start, from its pointer upwards: argc, argv[0..argc-1], NULL, the environment,
// NULL, the auxiliary vector in pairs of type and value up to AT_NULL.

#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int argc, char **argv, char **env);

char **environ;
char *program_invocation_name = "";
char *program_invocation_short_name = "";
unsigned long *libc_auxv;

static int errno_value;

// The address of errno. A function, so that each thread can have its own later.
int *__errno_location(void)
{
	return &errno_value;
}

_Noreturn void libc_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	char **end = environ;
	while (*end)
		end++;
	libc_auxv = (unsigned long *)(end + 1);

	if (argc > 0) {
		program_invocation_name = argv[0];
		program_invocation_short_name = basename(argv[0]);
	}
	exit(main(argc, argv, environ));
}

unsigned long getauxval(unsigned long type)
{
	for (unsigned long *pair = libc_auxv; pair[0] != AT_NULL; pair += 2) {
		if (pair[0] == type)
			return pair[1];
	}
	errno = ENOENT;
	return 0;
}
