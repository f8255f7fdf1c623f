// Clocks and the calendar. Local time is UTC.
#pragma once

#include <abi/time.h>
#include <stddef.h>
#include <sys/types.h>

#define CLOCKS_PER_SEC	1000000l

struct tm {
	int tm_sec;
	int tm_min;
	int tm_hour;
	int tm_mday;	// from 1
	int tm_mon;	// from 0
	int tm_year;	// since 1900
	int tm_wday;	// from Sunday
	int tm_yday;	// from 0
	int tm_isdst;	// always 0
	long tm_gmtoff;	// always 0
	const char *tm_zone;
};

time_t time(time_t *now);
int stime(const time_t *now);
clock_t clock(void);
double difftime(time_t end, time_t start);
int clock_gettime(clockid_t clock, struct timespec *time);
int clock_settime(clockid_t clock, const struct timespec *time);
int clock_getres(clockid_t clock, struct timespec *resolution);
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
		    struct timespec *remaining);	// the error is the answer
int nanosleep(const struct timespec *request, struct timespec *remaining);
struct tm *gmtime(const time_t *time);
struct tm *gmtime_r(const time_t *restrict time, struct tm *restrict result);
struct tm *localtime(const time_t *time);
struct tm *localtime_r(const time_t *restrict time, struct tm *restrict result);
time_t mktime(struct tm *tm);
time_t timegm(struct tm *tm);
size_t strftime(char *restrict text, size_t size, const char *restrict format,
		const struct tm *restrict tm);
char *asctime(const struct tm *tm);
char *asctime_r(const struct tm *restrict tm, char *restrict text);
char *ctime(const time_t *time);
char *ctime_r(const time_t *time, char *text);
void tzset(void);
