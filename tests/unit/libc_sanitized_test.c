// The pure parts of libc under the address and undefined-behaviour sanitizers. Libc's sources are
// compiled right here, with every function renamed, since the host's libc serves the sanitizers.
//
// BUILD: -D_GNU_SOURCE -Ilibc -fno-builtin -Wno-unused-function

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "libc_renamed.h"

// The sources. The folders are written out, so that no host file of the same name is found.
#include "../../libc/internal.h"
#include "../../libc/memory.c"
#include "../../libc/string.c"
#include "../../libc/number.c"
#include "../../libc/sort.c"
#include "../../libc/decimal.c"
#define put printf_put
#include "../../libc/printf.c"
#undef put
#include "../../libc/sprintf.c"
#include "../../libc/malloc.c"
#undef fold
#include "../../libc/fnmatch.c"
#include "../../libc/calendar.c"

#include "libc_checks.h"

int main(void)
{
	pure_tests_run();
	return tests_finish();
}
