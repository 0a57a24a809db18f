@if debugfs
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state in debugfs.
 */
#include "device.h"

#define STATE	"/sys/kernel/debug/@name@/state"

TEST_F(device, state_shows_the_length_and_the_opener)
{
	char text[128] = "";

	if (access(STATE, F_OK))
		SKIP(return, "requires a mounted debugfs");
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_LT(0, read_text(STATE, text, sizeof(text)));
	EXPECT_STREQ("length: 5\nopen: yes\n", text);
}

TEST_HARNESS_MAIN
@end
