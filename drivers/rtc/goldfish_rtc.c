/*
 * goldfish_rtc - the real-time clock of QEMU's virt machine: nanoseconds
 * since 1970 in two registers (QEMU documentation, goldfish RTC).
 *
 * Locks:   rtc_lock makes one access of the two registers.
 */
#include <arch/uaccess.h>
#include <drivers/driver.h>
#include <fs/device.h>
#include <fs/proc.h>
#include <kernel/init.h>
#include <kernel/print.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <task/cred.h>
#include <time/clock.h>

#define TIME_LOW 0x00
#define TIME_HIGH 0x04

#define RTC_RD_TIME 0x80247009ul
#define RTC_SET_TIME 0x4024700aul

struct rtc_time {
	s32 sec, min, hour, mday, mon, year, wday, yday, isdst;
};

static void __iomem *rtc_base;		/* const after probe */
static struct spinlock rtc_lock = SPINLOCK_INIT(RANK_SPIN_LEAF, "goldfish rtc");

static u64 rtc_read(void)
{
	u64 low, high;

	spin_lock(&rtc_lock);
	low = mmio_read32((char __iomem *)rtc_base + TIME_LOW);
	/* Reading low latched it. */
	high = mmio_read32((char __iomem *)rtc_base + TIME_HIGH);
	spin_unlock(&rtc_lock);
	return high << 32 | low;
}

static void rtc_write(u64 ns)
{
	spin_lock(&rtc_lock);
	mmio_write32((char __iomem *)rtc_base + TIME_HIGH, (u32)(ns >> 32));
	mmio_write32((char __iomem *)rtc_base + TIME_LOW, (u32)ns);
	spin_unlock(&rtc_lock);
}

/* Days since 1970 to a civil date and back, by 400-year eras from March. */
static void civil_from_days(s64 z, struct rtc_time *t)
{
	s64 era, doe, yoe, doy, mp, y;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	t->mday = (s32)(doy - (153 * mp + 2) / 5 + 1);
	t->mon = (s32)(mp < 10 ? mp + 2 : mp - 10);
	y = yoe + era * 400 + (t->mon <= 1);
	t->year = (s32)(y - 1900);
}

static s64 days_from_civil(s64 y, s64 m, s64 d)
{
	s64 era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void read_time(struct rtc_time *t)
{
	u64 s = rtc_read() / NSEC_PER_SEC;
	s64 days = (s64)(s / 86400);

	memset(t, 0, sizeof(*t));
	t->sec = (s32)(s % 60);
	t->min = (s32)(s / 60 % 60);
	t->hour = (s32)(s / 3600 % 24);
	civil_from_days(days, t);
	t->wday = (s32)((days + 4) % 7);
	t->yday = (s32)(days - days_from_civil(t->year + 1900, 1, 1));
}

static long rd_time(struct rtc_time __user *arg)
{
	struct rtc_time t;

	read_time(&t);
	return copy_to_user(arg, &t, sizeof(t));
}

/* The day, counted from 1970, if there is such a time in the calendar. */
static int check_time(const struct rtc_time *t, s64 *days)
{
	s64 y = (s64)t->year + 1900, next;

	if (t->year < 70 || t->mon < 0 || t->mon > 11 || t->hour < 0 ||
	    t->hour > 23 || t->min < 0 || t->min > 59 || t->sec < 0 ||
	    t->sec > 59)
		return -EINVAL;
	*days = days_from_civil(y, t->mon + 1, t->mday);
	next = t->mon == 11 ? days_from_civil(y + 1, 1, 1) :
			      days_from_civil(y, t->mon + 2, 1);
	return t->mday < 1 || *days >= next ? -EINVAL : 0;
}

static long set_time(const struct rtc_time __user *arg)
{
	struct rtc_time t;
	u64 sec;
	s64 days;
	int err;

	if (!capable(CAP_SYS_TIME))
		return -EACCES;
	if (copy_from_user(&t, arg, sizeof(t)))
		return -EFAULT;
	err = check_time(&t, &days);
	if (err)
		return err;
	sec = (u64)days * 86400 + (u64)t.hour * 3600 + (u64)t.min * 60 +
	      (u64)t.sec;
	if (sec > U64_MAX / NSEC_PER_SEC)
		return -ERANGE;
	rtc_write(sec * NSEC_PER_SEC);
	return 0;
}

static long rtc_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	if (cmd == RTC_RD_TIME)
		return rd_time((struct rtc_time __user *)arg);
	if (cmd == RTC_SET_TIME)
		return set_time((const struct rtc_time __user *)arg);
	return -ENOTTY;
}

static const struct file_ops rtc_fops = {
	.llseek = no_llseek,
	.ioctl = rtc_ioctl,
};

/* --- /sys/class/rtc/rtc0 ----------------------------------------------------*/
static int date_show(struct seq *s)
{
	struct rtc_time t;

	read_time(&t);
	seq_printf(s, "%04d-%02d-%02d\n", t.year + 1900, t.mon + 1, t.mday);
	return 0;
}

static int time_show(struct seq *s)
{
	struct rtc_time t;

	read_time(&t);
	seq_printf(s, "%02d:%02d:%02d\n", t.hour, t.min, t.sec);
	return 0;
}

static int since_epoch_show(struct seq *s)
{
	seq_u64(s, "", rtc_read() / NSEC_PER_SEC);
	seq_putc(s, '\n');
	return 0;
}

/* The system's clock was set from it, see below. */
static int hctosys_show(struct seq *s)
{
	seq_puts(s, "1\n");
	return 0;
}

static const struct char_attr rtc_attrs[] = {
	{ "date", date_show }, { "hctosys", hctosys_show },
	{ "since_epoch", since_epoch_show }, { "time", time_show },
	{ NULL, NULL },
};

/* No interrupt is used: neither alarm nor updates. */
static int proc_rtc(struct seq *s, void *arg)
{
	seq_puts(s, "rtc_time\t: ");
	ignore_error(time_show(s));	/* prints and no more */
	seq_puts(s, "rtc_date\t: ");
	ignore_error(date_show(s));
	seq_puts(s, "update IRQ enabled\t: no\n"
		    "periodic IRQ enabled\t: no\n24hr\t\t: yes\n");
	return 0;
}

static const struct proc_entry proc_entries[] = {
	{ .name = "driver/rtc", .mode = 0444, .show = proc_rtc },
};

static struct char_device rtc_dev = {
	.dev = MKDEV(250, 0), .count = 1, .name = "rtc0", .mode = 0600,
	.fops = &rtc_fops, .class = "rtc", .attrs = rtc_attrs,
};

static int goldfish_probe(struct device *dev)
{
	u64 now;
	int err;

	if (rtc_base)
		return -EBUSY;
	err = device_ioremap(dev, 0, &rtc_base, NULL);
	if (err)
		return err;
	now = rtc_read();
	clock_set_realtime(now);
	random_mix(&now, sizeof(now), 0);
	chrdev_range_name(MKDEV(250, 0), "rtc");
	proc_register(proc_entries, ARRAY_SIZE(proc_entries));
	return chrdev_register(&rtc_dev);
}

DRIVER(goldfish_rtc) = {
	.name = "goldfish_rtc",
	.match = { "google,goldfish-rtc" },
	.probe = goldfish_probe,
};
