/*
 * adjtime: slow corrections of the wall clock.
 *
 * abi-test: user
 */
#include "test.h"

#include <sys/timex.h>
#include <time.h>

#define SET 0x8001		/* ADJ_OFFSET_SINGLESHOT */
#define LEFT 0xa001		/* ADJ_OFFSET_SS_READ */

static long adjust(unsigned modes, long usec)
{
	struct timex t = { .modes = modes, .offset = usec };

	return adjtimex(&t) < 0 ? -1 : t.offset;
}

static void need_root(void)
{
	if (getuid())
		SKIP("wants to set the clock");
}

TEST(what_is_left_can_be_read_by_all)
{
	CHECK_EQ(adjust(LEFT, 0), 0);
	CHECK_ERR(adjust(0x8000, 0), EINVAL);
	if (getuid() == 0)
		CHECK(setuid(1000) == 0);
	CHECK_ERR(adjust(SET, 100), EPERM);
	CHECK_EQ(adjust(LEFT, 0), 0);
}

TEST(a_new_correction_takes_the_place_of_the_last)
{
	need_root();
	CHECK_EQ(adjust(SET, 9000), 0);
	CHECK(adjust(SET, -7000) > 8000);
	CHECK(adjust(LEFT, 0) <= -6900);
	CHECK(adjust(SET, 0) <= -6900);
	CHECK_EQ(adjust(LEFT, 0), 0);
}

TEST(it_is_worked_off_slowly)
{
	long left;

	need_root();
	CHECK_EQ(adjust(SET, 10000), 0);
	usleep(1300000);
	left = adjust(LEFT, 0);
	CHECK(left < 10000 && left > 8000);
	CHECK(adjust(SET, 0) > 8000);
}
