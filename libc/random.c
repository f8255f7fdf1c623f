// Pseudo-random numbers, and true ones from the kernel.
//
// The generators are 64-bit linear congruential ones (multiplier by Knuth) of which the upper
// bits are given out. The same seed gives the same numbers everywhere: tests depend on that.

#include "internal.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static unsigned long state = 1;

// The next 31 bits.
static int random_next(unsigned long *from)
{
	*from = *from * 6364136223846793005ul + 1442695040888963407ul;
	return (int)(*from >> 33);
}

void srand(unsigned int seed)
{
	state = seed;
	random_next(&state);
}

void srandom(unsigned int seed)
{
	srand(seed);
}

void srand48(long seed)
{
	srand((unsigned int)seed);
}

int rand(void)
{
	return random_next(&state);
}

long random(void)
{
	return random_next(&state);
}

long lrand48(void)
{
	return random_next(&state);
}

// In [0, 1).
double drand48(void)
{
	return random_next(&state) / 2147483648.0;
}

// The caller's own 32-bit state, stirred twice since its lowest bits are poor.
int rand_r(unsigned int *seed)
{
	unsigned int result;

	*seed = *seed * 1664525u + 1013904223u;
	result = *seed >> 16;
	*seed = *seed * 1664525u + 1013904223u;
	return (int)((result << 15 ^ *seed >> 16) & 0x7fffffff);
}

ssize_t getrandom(void *memory, size_t n, unsigned int flags)
{
	return CALL(SYS_getrandom, memory, n, flags);
}

// All n bytes (256 at most) or none.
int getentropy(void *memory, size_t n)
{
	if (n > 256) {
		errno = EIO;
		return -1;
	}
	for (size_t done = 0; done < n; ) {
		ssize_t got = getrandom((char *)memory + done, n - done, 0);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0)
			done += (size_t)got;
	}
	return 0;
}
