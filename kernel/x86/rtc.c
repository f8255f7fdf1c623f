/*
 * rtc.c - reads the MC146818. Its registers change while one reads: two equal readings in a row, neither begun
 * during an update, are right. Numbers may be binary or decimal, hours may be 12 or 24.
 */
#include "x86/rtc.h"
#include "lib/string.h"
#include "x86/acpi.h"
#include "x86/insn.h"

enum {
	RTC_SECONDS = 0, RTC_MINUTES = 2, RTC_HOURS = 4, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
	RTC_STATUS_A = 10, RTC_STATUS_B = 11,
	STATUS_UPDATING = 1u << 7,
	STATUS_BINARY = 1u << 2,
	STATUS_24_HOURS = 1u << 1,
	HOUR_IS_PM = 1u << 7,
};

struct reading { u8 seconds, minutes, hours, day, month, year, century; };

static u8 rtc_read(u8 reg)
{
	port_out8(0x70, reg);
	return port_in8(0x71);
}

static struct reading read_once(void)
{
	for (u32 tries = 0; tries < 100000 && (rtc_read(RTC_STATUS_A) & STATUS_UPDATING); tries++)
		cpu_pause();
	return (struct reading){
		rtc_read(RTC_SECONDS), rtc_read(RTC_MINUTES), rtc_read(RTC_HOURS), rtc_read(RTC_DAY),
		rtc_read(RTC_MONTH), rtc_read(RTC_YEAR),
		acpi.century_register ? rtc_read(acpi.century_register) : 0,
	};
}

static u32 number(u8 raw, bool is_binary)
{
	return is_binary ? raw : (raw >> 4) * 10u + (raw & 15);
}

// Days from 1970-01-01 in the Gregorian calendar, years counted from March so that the leap day comes last.
static u64 days_since_epoch(u32 year, u32 month, u32 day)
{
	u32 y = month > 2 ? year : year - 1;
	u32 m = month > 2 ? month - 3 : month + 9;

	return y * 365ul + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

u64 rtc_read_seconds(void)
{
	struct reading r = read_once();
	struct reading again = read_once();
	u8 status = rtc_read(RTC_STATUS_B);
	bool is_binary = status & STATUS_BINARY;
	u32 hour, year;

	for (u32 tries = 0; tries < 10 && memcmp(&r, &again, sizeof(r)) != 0; tries++) {
		r = again;
		again = read_once();
	}
	hour = number(r.hours & ~HOUR_IS_PM, is_binary);
	if (!(status & STATUS_24_HOURS))
		hour = hour % 12 + (r.hours & HOUR_IS_PM ? 12 : 0);
	year = number(r.year, is_binary) + (r.century ? number(r.century, is_binary) * 100 : 2000);
	if (year < 1970 || r.month == 0 || r.day == 0)
		return 0;
	return days_since_epoch(year, number(r.month, is_binary), number(r.day, is_binary)) * 86400 +
		hour * 3600 + number(r.minutes, is_binary) * 60 + number(r.seconds, is_binary);
}
