// The parts of libc that need no kernel, under the address and undefined-behaviour sanitizers.
// Libc's sources are compiled right here, with libc's own headers, but every function has another
// name, since the host's libc serves the sanitizers. What they call besides (mmap, write, abort)
// is the host's.
//
// `make units` builds it; by hand:
//
//	set -- -std=gnu11 -g -O1 -ffreestanding -nostdinc -Ilibc/include -Ikernel -Ilibc
//	gcc "$@" -fsanitize=address,undefined tests/unit/libc_sanitized_test.c -o libc_san

#include "libc_renamed.h"

#include "../../libc/memory.c"
#include "../../libc/string.c"
#include "../../libc/number.c"
#include "../../libc/sort.c"
#include "../../libc/decimal.c"
#include "../../libc/printf.c"
#include "../../libc/sprintf.c"
#include "../../libc/malloc.c"
#include "../../libc/fnmatch.c"
#include "../../libc/calendar.c"

#include "libc_checks.h"

int main(void)
{
	pure_tests_run();
	return tests_finish();
}
