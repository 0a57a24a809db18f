@if mmap
// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings, which are read only and show the current bytes.
 */
#include <string.h>

#include "device.h"

/* Map the buffer; return the result of mmap(), with the errno as a negative number. */
static long map(int fd, size_t length, int protection, off_t offset)
{
	void *address = mmap(NULL, length, protection, MAP_SHARED, fd, offset);

	return address == MAP_FAILED ? -errno : (long)address;
}

TEST_F(device, a_mapping_shows_later_writes)
{
	long ret = map(self->fd, CAPACITY, PROT_READ, 0);
	const char *bytes = (void *)ret;

	ASSERT_LT(0, ret);
	EXPECT_EQ(0, bytes[0]);
	EXPECT_EQ(5, RESULT(write(self->fd, "hello", 5)));
	EXPECT_EQ(0, memcmp("hello\0", bytes, 6));
}

TEST_F(device, a_mapping_keeps_it_open)
{
	long ret = map(self->fd, CAPACITY, PROT_READ, 0);

	ASSERT_LT(0, ret);
	close(self->fd);
	EXPECT_EQ(-EBUSY, RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC)));
	EXPECT_EQ(0, munmap((void *)ret, CAPACITY));
	self->fd = RESULT(open(DEVICE, O_RDONLY | O_CLOEXEC));
	EXPECT_LE(0, self->fd);
}

TEST_F(device, a_mapping_is_read_only)
{
	long ret = map(self->fd, CAPACITY, PROT_READ, 0);

	ASSERT_LT(0, ret);
	EXPECT_EQ(-EACCES, RESULT(mprotect((void *)ret, CAPACITY, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(-EPERM, map(self->fd, CAPACITY, PROT_READ | PROT_WRITE, 0));
}

TEST_F(device, a_mapping_ends_with_the_buffer)
{
	long page = sysconf(_SC_PAGESIZE);
	long size = (CAPACITY + page - 1) / page * page;

	EXPECT_EQ(-EINVAL, map(self->fd, size + 1, PROT_READ, 0));
	EXPECT_EQ(-EINVAL, map(self->fd, 1, PROT_READ, size));
}

TEST_HARNESS_MAIN
@end
