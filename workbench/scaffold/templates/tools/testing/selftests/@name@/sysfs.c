@if sysfs
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes in sysfs.
 */
#include <sys/stat.h>

#include "device.h"

#define ATTRIBUTES	"/sys/class/misc/@name@/"

#define EXPECT_ATTRIBUTE(expected, name) do {					\
	char _text[64] = "";							\
										\
	EXPECT_LT(0, read_text(ATTRIBUTES name, _text, sizeof(_text)));		\
	EXPECT_STREQ(expected, _text);						\
} while (0)

TEST_F(device, length_follows_the_content)
{
	EXPECT_ATTRIBUTE("0\n", "length");
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_ATTRIBUTE("5\n", "length");
}

TEST_F(device, capacity_is_constant)
{
	EXPECT_ATTRIBUTE("4096\n", "capacity");
}

TEST_F(device, attributes_are_read_only)
{
	struct stat about;

	ASSERT_EQ(0, stat(ATTRIBUTES "capacity", &about));
	EXPECT_EQ(0444, about.st_mode & 0777);
	ASSERT_EQ(0, stat(ATTRIBUTES "length", &about));
	EXPECT_EQ(0444, about.st_mode & 0777);
}

TEST_HARNESS_MAIN
@end
