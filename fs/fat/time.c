/*
 * time - the times of FAT: two-second steps since 1980, in local time.
 *
 * Days are counted with years that begin in March, so that the leap day is a
 * year's last.
 */
#include "name_impl.h"

#define DAY 86400ll
#define YEAR0 1980

/* Days from 1970-01-01. */
static s64 days_of(s64 year, s64 month, s64 day)
{
	s64 y = month <= 2 ? year - 1 : year;
	s64 m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day -
	       719469;
}

static void date_of(s64 days, s64 *year, s64 *month, s64 *day)
{
	s64 n = days + 719468, era = n / 146097, doe = n % 146097;
	s64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	s64 doy = doe - (yoe * 365 + yoe / 4 - yoe / 100);
	s64 m = (doy * 5 + 2) / 153;

	*day = doy - (m * 153 + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + yoe + (*month <= 2);
}

s64 fat_time_get(u16 time, u16 date, s32 offset)
{
	s64 month = date >> 5 & 15, day = date & 31;
	s64 sec = (time & 31) * 2 + (time >> 5 & 63) * 60 + (time >> 11) * 3600;

	/* What cannot be is moved to the next thing that can. */
	month = clamp_t(s64, month, 1, 12);
	day = max_t(s64, day, 1);
	return days_of(YEAR0 + (date >> 9), month, day) * DAY + sec -
	       offset * 60ll;
}

void fat_time_put(s64 sec, s64 nsec, s32 offset, u16 *time, u16 *date, u8 *cs)
{
	s64 year, month, day, s;

	sec += offset * 60ll;
	if (sec < FAT_TIME_MIN) {
		sec = FAT_TIME_MIN;
		nsec = 0;
	} else if (sec > FAT_TIME_MAX + 1) {
		sec = FAT_TIME_MAX + 1;
		nsec = 990000000;
	}
	date_of(sec / DAY, &year, &month, &day);
	s = sec % DAY;
	*time = (u16)(s / 3600 << 11 | s / 60 % 60 << 5 | s % 60 / 2);
	*date = (u16)((year - YEAR0) << 9 | month << 5 | day);
	if (cs)
		*cs = (u8)((sec & 1) * 100 + nsec / 10000000);
}
