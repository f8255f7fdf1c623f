// Seconds since 1970 to dates and back, and dates to text. There is one time zone: UTC.
//
// Days are counted in years that begin with March, so that the leap day is a year's last, in eras
// of 400 years, which all have the same number of days.

#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	DAY = 24 * 60 * 60,
	ERA_DAYS = 146097,
	DAYS_TO_1970 = 719468,		// from 0000-03-01
};

static const char *const day_names[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

static const char *const month_names[12] = {
	"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December",
};

// a / b and a % b, rounded down.
static long floor_divide(long a, long b)
{
	return a / b - (a % b < 0);
}

static bool is_leap(long year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

// Days since 1970-01-01 of a date; the month counts from 0 and may lie outside the year.
static long days_from_date(long year, long month, long day)
{
	year += floor_divide(month, 12);
	month -= floor_divide(month, 12) * 12;
	if (month < 2)
		year--;
	long march_month = (month + 10) % 12;
	long era = floor_divide(year, 400);
	long year_of_era = year - era * 400;
	long day_of_year = (153 * march_month + 2) / 5 + day - 1;
	return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - DAYS_TO_1970;
}

// The date of a day since 1970-01-01.
static void date_from_days(long days, struct tm *tm)
{
	days += DAYS_TO_1970;
	long era = floor_divide(days, ERA_DAYS);
	long day = days - era * ERA_DAYS;
	long year_of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	long day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long march_month = (5 * day_of_year + 2) / 153;
	long year = era * 400 + year_of_era + (march_month >= 10);

	tm->tm_mday = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	tm->tm_mon = (int)((march_month + 2) % 12);
	tm->tm_year = (int)(year - 1900);
	tm->tm_yday = (int)(days - DAYS_TO_1970 - days_from_date(year, 0, 1));
}

struct tm *gmtime_r(const time_t *restrict time, struct tm *restrict result)
{
	long days = floor_divide(*time, DAY);
	long seconds = *time - days * DAY;

	*result = (struct tm){ .tm_zone = "UTC" };
	date_from_days(days, result);
	result->tm_wday = (int)(days + 4 - floor_divide(days + 4, 7) * 7);
	result->tm_hour = (int)(seconds / 3600);
	result->tm_min = (int)(seconds / 60 % 60);
	result->tm_sec = (int)(seconds % 60);
	return result;
}

struct tm *gmtime(const time_t *time)
{
	static struct tm tm;

	return gmtime_r(time, &tm);
}

struct tm *localtime_r(const time_t *restrict time, struct tm *restrict result)
{
	return gmtime_r(time, result);
}

struct tm *localtime(const time_t *time)
{
	return gmtime(time);
}

void tzset(void)
{
}

// The seconds of a date, whose fields may lie outside their ranges; brings them into range.
time_t timegm(struct tm *tm)
{
	time_t time = days_from_date(tm->tm_year + 1900l, tm->tm_mon, tm->tm_mday) * DAY +
		tm->tm_hour * 3600l + tm->tm_min * 60l + tm->tm_sec;

	gmtime_r(&time, tm);
	return time;
}

time_t mktime(struct tm *tm)
{
	return timegm(tm);
}

// ISO 8601: the week that contains the year's first Thursday is week 1. *year may be a neighbour's.
static int iso_week(const struct tm *tm, long *year)
{
	int monday_day = (tm->tm_wday + 6) % 7;
	int week = (tm->tm_yday - monday_day + 10) / 7;

	*year = tm->tm_year + 1900l;
	if (week < 1) {
		long last_day = tm->tm_yday + (is_leap(--*year) ? 366 : 365);
		return (int)((last_day - monday_day + 10) / 7);
	}
	int year_days = is_leap(*year) ? 366 : 365;
	if (week == 53 && tm->tm_yday - monday_day + 3 >= year_days) {
		++*year;
		return 1;
	}
	return week;
}

// One conversion of strftime into a text of 64 bytes. Answers its length; 0 for one that is none.
static int conversion_format(char *text, char conversion, const struct tm *tm)
{
	int hour12 = tm->tm_hour % 12 ? tm->tm_hour % 12 : 12;
	const char *day = day_names[tm->tm_wday % 7];
	const char *month = month_names[tm->tm_mon % 12];
	long year = tm->tm_year + 1900l;
	long week_year;
	struct tm copy = *tm;

#define PUT(...) return snprintf(text, 64, __VA_ARGS__)
	switch (conversion) {
	case 'a': PUT("%.3s", day);
	case 'A': PUT("%s", day);
	case 'b':
	case 'h': PUT("%.3s", month);
	case 'B': PUT("%s", month);
	case 'C': PUT("%02ld", year / 100);
	case 'd': PUT("%02d", tm->tm_mday);
	case 'e': PUT("%2d", tm->tm_mday);
	case 'g': iso_week(tm, &week_year); PUT("%02ld", week_year % 100);
	case 'G': iso_week(tm, &week_year); PUT("%ld", week_year);
	case 'H': PUT("%02d", tm->tm_hour);
	case 'I': PUT("%02d", hour12);
	case 'j': PUT("%03d", tm->tm_yday + 1);
	case 'k': PUT("%2d", tm->tm_hour);
	case 'l': PUT("%2d", hour12);
	case 'm': PUT("%02d", tm->tm_mon + 1);
	case 'M': PUT("%02d", tm->tm_min);
	case 'n': PUT("\n");
	case 'p': PUT("%s", tm->tm_hour < 12 ? "AM" : "PM");
	case 'P': PUT("%s", tm->tm_hour < 12 ? "am" : "pm");
	case 's': PUT("%ld", timegm(&copy));
	case 'S': PUT("%02d", tm->tm_sec);
	case 't': PUT("\t");
	case 'u': PUT("%d", tm->tm_wday ? tm->tm_wday : 7);
	case 'U': PUT("%02d", (tm->tm_yday + 7 - tm->tm_wday) / 7);
	case 'V': PUT("%02d", iso_week(tm, &week_year));
	case 'w': PUT("%d", tm->tm_wday);
	case 'W': PUT("%02d", (tm->tm_yday + 7 - (tm->tm_wday + 6) % 7) / 7);
	case 'y': PUT("%02ld", year % 100);
	case 'Y': PUT("%ld", year);
	case 'z': PUT("+0000");
	case 'Z': PUT("UTC");
	case '%': PUT("%%");
	default: return 0;
	}
#undef PUT
}

// What the conversions that stand for several others stand for; NULL for the others.
static const char *conversion_expand(char conversion)
{
	switch (conversion) {
	case 'c': return "%a %b %e %H:%M:%S %Y";
	case 'D':
	case 'x': return "%m/%d/%y";
	case 'F': return "%Y-%m-%d";
	case 'r': return "%I:%M:%S %p";
	case 'R': return "%H:%M";
	case 'T':
	case 'X': return "%H:%M:%S";
	default: return NULL;
	}
}

// Answers the length of the text; 0 if it does not fit with its final zero.
size_t strftime(char *restrict text, size_t size, const char *restrict format,
		const struct tm *restrict tm)
{
	size_t done = 0;

	for (; *format; format++) {
		char piece[64];
		size_t n = 1;
		piece[0] = *format;
		if (*format == '%' && format[1]) {
			format++;
			const char *expanded = conversion_expand(*format);
			n = expanded ? strftime(piece, sizeof(piece), expanded, tm)
				     : (size_t)conversion_format(piece, *format, tm);
		}
		if (n >= size - done)
			return 0;
		memcpy(text + done, piece, n);
		done += n;
	}
	if (size == 0)
		return 0;
	text[done] = 0;
	return done;
}

// "Thu Jan  1 00:00:00 1970\n" into 26 bytes.
char *asctime_r(const struct tm *restrict tm, char *restrict text)
{
	strftime(text, 26, "%c\n", tm);
	return text;
}

char *asctime(const struct tm *tm)
{
	static char text[26];

	return asctime_r(tm, text);
}

char *ctime_r(const time_t *time, char *text)
{
	struct tm tm;

	return asctime_r(gmtime_r(time, &tm), text);
}

char *ctime(const time_t *time)
{
	return asctime(gmtime(time));
}
