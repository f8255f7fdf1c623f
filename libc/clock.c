// Clocks, sleeping and timers; clock_gettime and gettimeofday are in vdso.c.

#include "internal.h"

#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

int clock_settime(clockid_t clock, const struct timespec *time)
{
	return (int)CALL(SYS_clock_settime, clock, time);
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
	return (int)CALL(SYS_clock_getres, clock, resolution);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
		    struct timespec *remaining)
{
	return (int)-RAW_CALL(SYS_clock_nanosleep, clock, flags, request, remaining);
}

int nanosleep(const struct timespec *request, struct timespec *remaining)
{
	return (int)CALL(SYS_nanosleep, request, remaining);
}

// Answers the seconds that a signal cut off.
unsigned int sleep(unsigned int seconds)
{
	struct timespec left = { seconds, 0 };

	if (nanosleep(&left, &left))
		return (unsigned int)left.tv_sec + (left.tv_nsec > 0);
	return 0;
}

int usleep(useconds_t microseconds)
{
	struct timespec request = { microseconds / 1000000, microseconds % 1000000 * 1000l };

	return nanosleep(&request, NULL);
}

unsigned int alarm(unsigned int seconds)
{
	return (unsigned int)CALL(SYS_alarm, seconds);
}

// Answers the microseconds that were left of the timer before.
useconds_t ualarm(useconds_t first, useconds_t interval)
{
	struct itimerval value = {
		.it_interval = { interval / 1000000, interval % 1000000 },
		.it_value = { first / 1000000, first % 1000000 },
	};
	struct itimerval old;

	if (setitimer(ITIMER_REAL, &value, &old))
		return 0;
	return (useconds_t)(old.it_value.tv_sec * 1000000 + old.it_value.tv_usec);
}

int getitimer(int which, struct itimerval *value)
{
	return (int)CALL(SYS_getitimer, which, value);
}

int setitimer(int which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
	return (int)CALL(SYS_setitimer, which, value, old);
}

time_t time(time_t *now)
{
	struct timespec time;

	if (clock_gettime(CLOCK_REALTIME, &time))
		return -1;
	if (now)
		*now = time.tv_sec;
	return time.tv_sec;
}

int stime(const time_t *now)
{
	struct timespec time = { *now, 0 };

	return clock_settime(CLOCK_REALTIME, &time);
}

int settimeofday(const struct timeval *now, const struct timezone *zone)
{
	return (int)CALL(SYS_settimeofday, now, zone);
}

clock_t times(struct tms *times)
{
	return CALL(SYS_times, times);
}

// Processor time used, in microseconds.
clock_t clock(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time))
		return -1;
	return time.tv_sec * CLOCKS_PER_SEC + time.tv_nsec / 1000;
}

double difftime(time_t end, time_t start)
{
	return (double)(end - start);
}
