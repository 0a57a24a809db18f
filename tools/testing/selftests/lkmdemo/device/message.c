// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of /dev/lkmdemo: offsets, bounds, and memory that faults.
 */
#include <limits.h>
#include <sys/uio.h>

#include "device.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND	0x00000020
#endif

/* Not exclusive: some tests use several descriptors. */
FIXTURE(message) {
	int fd;
};

FIXTURE_SETUP(message)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(message)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(message, is_the_greeting_byte_for_byte)
{
	char seen[CAPACITY];

	ASSERT_EQ(GREETING_LENGTH, read(self->fd, seen, sizeof(seen)));

	EXPECT_EQ(0, memcmp(GREETING, seen, GREETING_LENGTH));
}

TEST_F(message, short_reads_continue_to_the_end)
{
	char seen[5];

	EXPECT_EQ(5, read(self->fd, seen, 5));
	EXPECT_EQ(0, memcmp("Hello", seen, 5));
	EXPECT_EQ(5, read(self->fd, seen, 5));
	EXPECT_EQ(0, memcmp(" from", seen, 5));
	EXPECT_EQ(5, read(self->fd, seen, 5));
	EXPECT_EQ(0, memcmp(" kern", seen, 5));
	EXPECT_EQ(3, read(self->fd, seen, 5));
	EXPECT_EQ(0, memcmp("el\n", seen, 3));
	EXPECT_EQ(0, read(self->fd, seen, 5));
}

TEST_F(message, read_moves_the_position_by_what_it_read)
{
	char seen[CAPACITY];

	ASSERT_EQ(5, read(self->fd, seen, 5));
	EXPECT_POSITION(self->fd, 5);
	ASSERT_EQ(GREETING_LENGTH - 5, read(self->fd, seen, sizeof(seen)));
	EXPECT_POSITION(self->fd, GREETING_LENGTH);
}

TEST_F(message, read_touches_no_byte_past_its_count)
{
	char seen[8] = "########";

	ASSERT_EQ(5, read(self->fd, seen, 5));

	EXPECT_EQ(0, memcmp("Hello###", seen, sizeof(seen)));
}

TEST_F(message, readv_fills_its_segments_in_order)
{
	char first[1], second[4], third[CAPACITY];
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ NULL, 0 },
		{ second, sizeof(second) },
		{ third, sizeof(third) },
	};

	ASSERT_EQ(GREETING_LENGTH, readv(self->fd, iov, ARRAY_SIZE(iov)));

	EXPECT_EQ('H', first[0]);
	EXPECT_EQ(0, memcmp("ello", second, 4));
	EXPECT_EQ(0, memcmp(" from kernel\n", third, 13));
	EXPECT_POSITION(self->fd, GREETING_LENGTH);
}

TEST_F(message, preadv2_reads_at_its_offset)
{
	char first[2], second[2];
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ second, sizeof(second) },
	};

	ASSERT_EQ(4, preadv2(self->fd, iov, ARRAY_SIZE(iov), 6, 0));

	EXPECT_EQ(0, memcmp("fr", first, 2));
	EXPECT_EQ(0, memcmp("om", second, 2));
	EXPECT_POSITION(self->fd, 0);
}

TEST_F(message, preadv2_at_minus_one_reads_at_the_position)
{
	char seen[4];
	struct iovec iov = { seen, sizeof(seen) };

	ASSERT_EQ(6, lseek(self->fd, 6, SEEK_SET));

	ASSERT_EQ(4, preadv2(self->fd, &iov, 1, -1, 0));
	EXPECT_EQ(0, memcmp("from", seen, 4));
	EXPECT_POSITION(self->fd, 10);
}

TEST_F(message, write_only_read_is_ebadf)
{
	int fd = open_device(O_WRONLY);
	char byte;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, RESULT(read(fd, &byte, 1)));
}

TEST_F(message, read_into_unmapped_memory_is_efault)
{
	void *nowhere = edge_buffer(0);

	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));

	EXPECT_EQ(-EFAULT, RESULT(read(self->fd, nowhere, 4)));
	EXPECT_POSITION(self->fd, 3);
}

TEST_F(message, read_into_read_only_memory_is_efault)
{
	void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);

	EXPECT_EQ(-EFAULT, RESULT(read(self->fd, page, 4)));
	EXPECT_POSITION(self->fd, 0);
}

/* How close a copy gets to a hole depends on the architecture. */
TEST_F(message, read_up_to_a_hole_is_short)
{
	char *seen = edge_buffer(5);
	ssize_t count = read(self->fd, seen, GREETING_LENGTH);

	ASSERT_LT(0, count);
	ASSERT_GE(5, count);
	EXPECT_EQ(0, memcmp("Hello", seen, count));
	EXPECT_POSITION(self->fd, count);
}

TEST_F(message, readv_up_to_a_hole_is_short)
{
	char first[6];
	char *second = edge_buffer(4);
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ second, 8 },
	};
	ssize_t count = readv(self->fd, iov, ARRAY_SIZE(iov));

	ASSERT_LT(6, count);
	ASSERT_GE(10, count);
	EXPECT_EQ(0, memcmp("Hello ", first, 6));
	EXPECT_EQ(0, memcmp("from", second, count - 6));
	EXPECT_POSITION(self->fd, count);
}

TEST_F(message, readv_up_to_a_segment_in_a_hole_is_exact)
{
	char seen[6];
	struct iovec iov[] = {
		{ seen, sizeof(seen) },
		{ edge_buffer(0), 8 },
	};

	ASSERT_EQ(6, readv(self->fd, iov, ARRAY_SIZE(iov)));

	EXPECT_EQ(0, memcmp("Hello ", seen, 6));
	EXPECT_POSITION(self->fd, 6);
}

TEST_F(message, read_into_pages_that_are_not_resident_is_complete)
{
	char *seen = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, seen);
	ASSERT_EQ(GREETING_LENGTH, read(self->fd, seen, CAPACITY));

	EXPECT_EQ(0, memcmp(GREETING, seen, GREETING_LENGTH));
}

TEST_F(message, read_of_no_bytes_accesses_no_memory)
{
	void *nowhere = edge_buffer(0);

	EXPECT_EQ(0, RESULT(read(self->fd, nowhere, 0)));
	EXPECT_EQ(0, RESULT(pread(self->fd, nowhere, 1, GREETING_LENGTH)));
}

TEST_F(message, read_only_write_is_ebadf)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, RESULT(write(fd, "x", 1)));
	EXPECT_GREETING(fd);
}

TEST_F(message, write_over_the_start_keeps_the_rest)
{
	ASSERT_EQ(4, write(self->fd, "Help", 4));

	EXPECT_MESSAGE(self->fd, "Helpo from kernel\n", GREETING_LENGTH);
	EXPECT_POSITION(self->fd, 4);
}

TEST_F(message, write_across_the_end_extends_it)
{
	ASSERT_EQ(6, pwrite(self->fd, "s here", 6, GREETING_LENGTH - 1));

	EXPECT_MESSAGE(self->fd, "Hello from kernels here", 23);
}

TEST_F(message, pwrite_leaves_the_position)
{
	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));
	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));

	EXPECT_POSITION(self->fd, 3);
}

TEST_F(message, gap_reads_as_zeros)
{
	char expected[300] = GREETING;

	memcpy(expected + 298, "ok", 2);
	ASSERT_EQ(2, pwrite(self->fd, "ok", 2, 298));

	EXPECT_MESSAGE(self->fd, expected, 300);
}

TEST_F(message, transfer_of_zero_bytes_is_0_and_has_no_effect)
{
	static const off_t offsets[] = { 0, GREETING_LENGTH, CAPACITY, CAPACITY + 1, LLONG_MAX };
	struct iovec iov[] = { { edge_buffer(0), 0 }, { NULL, 0 } };
	unsigned int i;

	ASSERT_EQ(100, lseek(self->fd, 100, SEEK_SET));

	EXPECT_EQ(0, RESULT(write(self->fd, edge_buffer(0), 0)));
	EXPECT_EQ(0, RESULT(writev(self->fd, iov, ARRAY_SIZE(iov))));
	EXPECT_EQ(0, RESULT(read(self->fd, edge_buffer(0), 0)));
	EXPECT_EQ(0, RESULT(readv(self->fd, iov, ARRAY_SIZE(iov))));
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(0, RESULT(pwrite(self->fd, edge_buffer(0), 0, offsets[i])));
		EXPECT_EQ(0, RESULT(pwritev(self->fd, iov, ARRAY_SIZE(iov), offsets[i])));
		EXPECT_EQ(0, RESULT(pread(self->fd, edge_buffer(0), 0, offsets[i])));
		EXPECT_EQ(0, RESULT(preadv(self->fd, iov, ARRAY_SIZE(iov), offsets[i])));
	}
	EXPECT_GREETING(self->fd);
	EXPECT_INFO(self->fd, CAPACITY, GREETING_LENGTH, 1);
	EXPECT_POSITION(self->fd, 100);
}

TEST_F(message, append_of_zero_bytes_leaves_the_position)
{
	int fd = open_device(O_WRONLY | O_APPEND);

	ASSERT_LE(0, fd);

	EXPECT_EQ(0, RESULT(write(fd, "", 0)));
	EXPECT_POSITION(fd, 0);
}

TEST_F(message, writev_stores_its_segments_in_order)
{
	struct iovec iov[] = {
		{ "ab", 2 },
		{ NULL, 0 },
		{ "c", 1 },
		{ "def", 3 },
	};

	ASSERT_EQ(6, writev(self->fd, iov, ARRAY_SIZE(iov)));

	EXPECT_MESSAGE(self->fd, "abcdeffrom kernel\n", GREETING_LENGTH);
	EXPECT_POSITION(self->fd, 6);
}

TEST_F(message, writev_of_more_than_capacity_is_einval)
{
	static char full[CAPACITY];
	struct iovec iov[] = {
		{ full, sizeof(full) },
		{ full, 1 },
	};

	EXPECT_EQ(-EINVAL, RESULT(writev(self->fd, iov, ARRAY_SIZE(iov))));
	EXPECT_GREETING(self->fd);
	EXPECT_POSITION(self->fd, 0);
}

TEST_F(message, o_append_writes_at_the_end)
{
	int fd = open_device(O_RDWR | O_APPEND);

	ASSERT_LE(0, fd);
	ASSERT_EQ(4, write(fd, "more", 4));

	EXPECT_MESSAGE(fd, GREETING "more", GREETING_LENGTH + 4);
	EXPECT_POSITION(fd, GREETING_LENGTH + 4);
}

TEST_F(message, o_append_reads_at_the_position)
{
	int fd = open_device(O_RDWR | O_APPEND);
	char seen[5];

	ASSERT_LE(0, fd);
	ASSERT_EQ(5, read(fd, seen, 5));
	EXPECT_EQ(0, memcmp("Hello", seen, 5));
}

TEST_F(message, two_appenders_follow_each_other)
{
	int one = open_device(O_WRONLY | O_APPEND);
	int two = open_device(O_WRONLY | O_APPEND);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_EQ(2, write(one, "1a", 2));
	ASSERT_EQ(2, write(two, "2a", 2));
	ASSERT_EQ(2, write(one, "1b", 2));
	ASSERT_EQ(2, write(two, "2b", 2));

	EXPECT_MESSAGE(self->fd, GREETING "1a2a1b2b", GREETING_LENGTH + 8);
}

TEST_F(message, o_append_pwrite_appends_and_leaves_the_position)
{
	int fd = open_device(O_RDWR | O_APPEND);

	ASSERT_LE(0, fd);
	ASSERT_EQ(3, pwrite(fd, "end", 3, 2));

	EXPECT_MESSAGE(fd, GREETING "end", GREETING_LENGTH + 3);
	EXPECT_POSITION(fd, 0);
}

TEST_F(message, o_append_past_capacity_is_enospc)
{
	int fd = open_device(O_RDWR | O_APPEND);
	static char much[CAPACITY];

	ASSERT_LE(0, fd);
	ASSERT_EQ(5, lseek(fd, 5, SEEK_SET));

	EXPECT_EQ(-ENOSPC, RESULT(write(fd, much, CAPACITY - GREETING_LENGTH + 1)));
	EXPECT_GREETING(fd);
	EXPECT_POSITION(fd, 5);
}

TEST_F(message, o_append_up_to_capacity_fits)
{
	int fd = open_device(O_RDWR | O_APPEND);
	static char much[CAPACITY];

	ASSERT_LE(0, fd);
	ASSERT_EQ(CAPACITY - GREETING_LENGTH,
		  RESULT(write(fd, much, CAPACITY - GREETING_LENGTH)));

	EXPECT_POSITION(fd, CAPACITY);
}

TEST_F(message, rwf_append_appends_once)
{
	struct iovec iov = { "end", 3 };

	ASSERT_EQ(3, RESULT(pwritev2(self->fd, &iov, 1, 2, RWF_APPEND)));

	EXPECT_MESSAGE(self->fd, GREETING "end", GREETING_LENGTH + 3);
	EXPECT_POSITION(self->fd, 0);
}

TEST_F(message, rwf_noappend_writes_at_its_offset)
{
	int fd = open_device(O_RDWR | O_APPEND);
	struct iovec iov = { "J", 1 };

	ASSERT_LE(0, fd);
	skip_if(_metadata, release_before(6, 9, "RWF_NOAPPEND"));
	ASSERT_EQ(1, RESULT(pwritev2(fd, &iov, 1, 0, RWF_NOAPPEND)));

	EXPECT_MESSAGE(fd, "Jello from kernel\n", GREETING_LENGTH);
}

FIXTURE(pread) {
	int fd;
};

FIXTURE_VARIANT(pread) {
	off_t offset;
	size_t count;
	ssize_t result;
};

FIXTURE_VARIANT_ADD(pread, start) { 0, 5, 5 };
FIXTURE_VARIANT_ADD(pread, all) { 0, GREETING_LENGTH, GREETING_LENGTH };
FIXTURE_VARIANT_ADD(pread, more_than_all) { 0, GREETING_LENGTH + 1, GREETING_LENGTH };
FIXTURE_VARIANT_ADD(pread, no_bytes) { 3, 0, 0 };
FIXTURE_VARIANT_ADD(pread, middle) { 6, 4, 4 };
FIXTURE_VARIANT_ADD(pread, middle_to_the_end) { 6, CAPACITY, GREETING_LENGTH - 6 };
FIXTURE_VARIANT_ADD(pread, last_byte) { GREETING_LENGTH - 1, 1, 1 };
FIXTURE_VARIANT_ADD(pread, across_the_end) { GREETING_LENGTH - 1, 2, 1 };
FIXTURE_VARIANT_ADD(pread, at_the_end) { GREETING_LENGTH, 1, 0 };
FIXTURE_VARIANT_ADD(pread, past_the_end) { GREETING_LENGTH + 1, 1, 0 };
FIXTURE_VARIANT_ADD(pread, last_of_capacity) { CAPACITY - 1, 1, 0 };
FIXTURE_VARIANT_ADD(pread, at_capacity) { CAPACITY, 1, 0 };
FIXTURE_VARIANT_ADD(pread, past_capacity) { CAPACITY + 1, 1, 0 };
FIXTURE_VARIANT_ADD(pread, far_past_capacity) { LLONG_MAX - CAPACITY, CAPACITY, 0 };
FIXTURE_VARIANT_ADD(pread, overflow) { LLONG_MAX, 1, -EINVAL };
FIXTURE_VARIANT_ADD(pread, negative) { -1, 1, -EINVAL };

FIXTURE_SETUP(pread)
{
	setup_device(_metadata, "");

	self->fd = open_device(O_RDONLY);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(pread)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(pread, returns_the_bytes_at_its_offset)
{
	char seen[CAPACITY];

	ASSERT_EQ(variant->result,
		  RESULT(pread(self->fd, seen, variant->count, variant->offset)));

	if (variant->result > 0)
		EXPECT_EQ(0, memcmp(&GREETING[variant->offset], seen, variant->result));
	EXPECT_POSITION(self->fd, 0);
}

FIXTURE(pwrite) {
	int fd;
};

FIXTURE_VARIANT(pwrite) {
	off_t offset;
	size_t count;
	ssize_t result;
};

FIXTURE_VARIANT_ADD(pwrite, one_byte) { 0, 1, 1 };
FIXTURE_VARIANT_ADD(pwrite, one_less_than_capacity) { 0, CAPACITY - 1, CAPACITY - 1 };
FIXTURE_VARIANT_ADD(pwrite, capacity) { 0, CAPACITY, CAPACITY };
FIXTURE_VARIANT_ADD(pwrite, one_more_than_capacity) { 0, CAPACITY + 1, -EINVAL };
FIXTURE_VARIANT_ADD(pwrite, far_more_than_capacity) { 0, 4 * CAPACITY, -EINVAL };
FIXTURE_VARIANT_ADD(pwrite, up_to_capacity) { 1, CAPACITY - 1, CAPACITY - 1 };
FIXTURE_VARIANT_ADD(pwrite, across_capacity) { 1, CAPACITY, -ENOSPC };
FIXTURE_VARIANT_ADD(pwrite, too_much_at_an_offset) { 1, CAPACITY + 1, -EINVAL };
FIXTURE_VARIANT_ADD(pwrite, last_byte) { CAPACITY - 1, 1, 1 };
FIXTURE_VARIANT_ADD(pwrite, across_the_last_byte) { CAPACITY - 1, 2, -ENOSPC };
FIXTURE_VARIANT_ADD(pwrite, at_capacity) { CAPACITY, 1, -ENOSPC };
FIXTURE_VARIANT_ADD(pwrite, nothing_at_capacity) { CAPACITY, 0, 0 };
FIXTURE_VARIANT_ADD(pwrite, nothing_past_capacity) { CAPACITY + 1, 0, 0 };
FIXTURE_VARIANT_ADD(pwrite, past_capacity) { CAPACITY + 1, 1, -ENOSPC };
FIXTURE_VARIANT_ADD(pwrite, far_past_capacity) { LLONG_MAX - 1, 1, -ENOSPC };
FIXTURE_VARIANT_ADD(pwrite, overflow) { LLONG_MAX, 1, -EINVAL };
FIXTURE_VARIANT_ADD(pwrite, negative) { -1, 1, -EINVAL };

FIXTURE_SETUP(pwrite)
{
	setup_device(_metadata, "");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(pwrite)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(pwrite, stores_all_bytes_or_none)
{
	char bytes[4 * CAPACITY], expected[CAPACITY] = GREETING;
	ssize_t length = GREETING_LENGTH;

	memset(bytes, 'w', sizeof(bytes));
	if (variant->result > 0) {
		memset(expected + variant->offset, 'w', variant->count);
		if (variant->offset + variant->result > length)
			length = variant->offset + variant->result;
	}

	EXPECT_EQ(variant->result,
		  RESULT(pwrite(self->fd, bytes, variant->count, variant->offset)));
	EXPECT_MESSAGE(self->fd, expected, length);
}

/* Two segments of the same size. The second one ends in a hole. */
FIXTURE(faulting_write) {
	int fd;
	struct iovec iov[2];
};

FIXTURE_VARIANT(faulting_write) {
	size_t count;
	size_t readable;
};

FIXTURE_VARIANT_ADD(faulting_write, of_few_bytes_none_readable) {
	.count = 16,
	.readable = 0,
};

FIXTURE_VARIANT_ADD(faulting_write, of_few_bytes_half_readable) {
	.count = 16,
	.readable = 8,
};

FIXTURE_VARIANT_ADD(faulting_write, of_few_bytes_all_but_one_readable) {
	.count = 16,
	.readable = 15,
};

FIXTURE_VARIANT_ADD(faulting_write, of_many_bytes_none_readable) {
	.count = 400,
	.readable = 0,
};

FIXTURE_VARIANT_ADD(faulting_write, of_many_bytes_half_readable) {
	.count = 400,
	.readable = 200,
};

FIXTURE_VARIANT_ADD(faulting_write, of_many_bytes_all_but_one_readable) {
	.count = 400,
	.readable = 399,
};

FIXTURE_SETUP(faulting_write)
{
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));

	self->iov[0].iov_base = edge_buffer(variant->count);
	self->iov[1].iov_base = edge_buffer(variant->readable);
	self->iov[0].iov_len = variant->count;
	self->iov[1].iov_len = variant->count;
	memset(self->iov[0].iov_base, 'w', variant->count);
	memset(self->iov[1].iov_base, 'w', variant->readable);
}

FIXTURE_TEARDOWN_PARENT(faulting_write)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(faulting_write, write_stores_nothing)
{
	EXPECT_EQ(-EFAULT, RESULT(write(self->fd, self->iov[1].iov_base, variant->count)));
	EXPECT_GREETING(self->fd);
	EXPECT_POSITION(self->fd, 3);
}

TEST_F(faulting_write, writev_stores_nothing)
{
	EXPECT_EQ(-EFAULT, RESULT(writev(self->fd, self->iov, ARRAY_SIZE(self->iov))));
	EXPECT_GREETING(self->fd);
	EXPECT_POSITION(self->fd, 3);
}

TEST_F(faulting_write, append_stores_nothing)
{
	int fd = open_device(O_RDWR | O_APPEND);

	ASSERT_LE(0, fd);

	EXPECT_EQ(-EFAULT, RESULT(write(fd, self->iov[1].iov_base, variant->count)));
	EXPECT_GREETING(fd);
	EXPECT_POSITION(fd, 0);
}

TEST_HARNESS_MAIN
