@if trace
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace events.
 */
#include <stdio.h>
#include <string.h>

#include "device.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "events/@name@/enable"

static long write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	long ret = fd < 0 ? -errno : RESULT(write(fd, text, strlen(text)));

	close(fd);

	return ret;
}

TEST_F(device, each_transfer_is_an_event)
{
	static char text[65536];
	char bytes[8];

	if (access(EVENTS, F_OK))
		SKIP(return, "requires a mounted tracefs");
	ASSERT_EQ(1, write_text(EVENTS, "1"));
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_EQ(-ENOSPC, RESULT(pwrite(self->fd, "x", 1, CAPACITY)));
	EXPECT_EQ(4, RESULT(pread(self->fd, bytes, sizeof(bytes), 1)));
	ASSERT_EQ(1, write_text(EVENTS, "0"));

	EXPECT_LT(0, read_text(TRACING "trace", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "@name@_write: pos=0 count=5 ret=5\n"));
	EXPECT_NE(NULL, strstr(text, "@name@_write: pos=4096 count=1 ret=-28\n"));
	EXPECT_NE(NULL, strstr(text, "@name@_read: pos=1 count=8 ret=4\n"));
}

TEST_HARNESS_MAIN
@end
