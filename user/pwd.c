/* pwd: the current directory. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char here[4096];

	if (!getcwd(here, sizeof(here)))
		err(1, "current directory");
	puts(here);
	return finish_output();
}
