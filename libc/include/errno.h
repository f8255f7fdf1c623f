// errno: why the last failed call failed.
#pragma once

#include <abi/errno.h>

int *__errno_location(void);

#define errno	(*__errno_location())

extern char *program_invocation_name;		// argv[0]
extern char *program_invocation_short_name;	// what follows its last slash
