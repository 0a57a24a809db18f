@if ioctl
// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls.
 */
#include <linux/@name@.h>
#include <sys/ioctl.h>

#include "device.h"

#define EXPECT_LENGTH(expected) do {						\
	struct @name@_info _info = {};						\
										\
	EXPECT_EQ(0, RESULT(ioctl(self->fd, @NAME@_IOC_GET_INFO, &_info)));	\
	EXPECT_EQ(CAPACITY, _info.capacity);					\
	EXPECT_EQ(expected, _info.length);					\
} while (0)

TEST_F(device, get_info_reports_the_sizes)
{
	EXPECT_LENGTH(0);
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_LENGTH(5);
}

TEST_F(device, get_info_into_bad_memory_is_efault)
{
	EXPECT_EQ(-EFAULT, RESULT(ioctl(self->fd, @NAME@_IOC_GET_INFO, no_access())));
}

TEST_F(device, clear_empties_it)
{
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_EQ(0, RESULT(ioctl(self->fd, @NAME@_IOC_CLEAR)));
	EXPECT_LENGTH(0);
}

TEST_F(device, clear_requires_write_access)
{
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	close(self->fd);
	self->fd = RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC));
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(-EBADF, RESULT(ioctl(self->fd, @NAME@_IOC_CLEAR)));
	EXPECT_LENGTH(5);
}

TEST_F(device, any_other_ioctl_is_enotty)
{
	unsigned int magic = _IOC_TYPE(@NAME@_IOC_CLEAR);

	EXPECT_EQ(-ENOTTY, RESULT(ioctl(self->fd, _IO(magic, 0xff))));
	/* The size is part of the number. */
	EXPECT_EQ(-ENOTTY, RESULT(ioctl(self->fd, _IOR(magic, 0x00, char))));
}

TEST_HARNESS_MAIN
@end
