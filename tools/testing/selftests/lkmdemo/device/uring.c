// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/lkmdemo through io_uring, and calls that must not wait.
 */
#include <linux/io_uring.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "device.h"

#define ENTRIES	16

/* Where the position of the open file description is used. */
#define AT_POSITION	((__u64)-1)

struct ring {
	int fd;
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *sqes;
	unsigned int queued;
};

#define RING_WORD(ring, offset)	((atomic_uint *)((ring)->rings + (offset)))

static int ring_init(struct ring *ring)
{
	size_t size;

	memset(ring, 0, sizeof(*ring));
	ring->fd = RESULT(syscall(SYS_io_uring_setup, ENTRIES, &ring->params));
	if (ring->fd < 0)
		return ring->fd;
	if (!(ring->params.features & IORING_FEAT_SINGLE_MMAP))
		return -EOPNOTSUPP;

	size = ring->params.cq_off.cqes +
	       ring->params.cq_entries * sizeof(struct io_uring_cqe);
	ring->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, ENTRIES * sizeof(*ring->sqes), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);

	return ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED ? -ENOMEM : 0;
}

/* Its user_data is its number since the last ring_submit(). */
static struct io_uring_sqe *ring_queue(struct ring *ring, int opcode, int fd,
				       const void *address, unsigned int count, __u64 offset)
{
	unsigned int tail = *RING_WORD(ring, ring->params.sq_off.tail);
	unsigned int index = tail & (ENTRIES - 1);
	unsigned int *array = (void *)(ring->rings + ring->params.sq_off.array);
	struct io_uring_sqe *sqe = &ring->sqes[index];

	*sqe = (struct io_uring_sqe){
		.opcode = opcode,
		.fd = fd,
		.addr = (unsigned long)address,
		.len = count,
		.off = offset,
		.user_data = ring->queued++,
	};
	array[index] = index;
	atomic_store(RING_WORD(ring, ring->params.sq_off.tail), tail + 1);

	return sqe;
}

/* Hands over what is queued and waits for so many completions. */
static int ring_submit(struct ring *ring, unsigned int completions)
{
	unsigned int queued = ring->queued;

	ring->queued = 0;
	return RESULT(syscall(SYS_io_uring_enter, ring->fd, queued, completions,
			      IORING_ENTER_GETEVENTS, NULL, 0));
}

/* Takes a completion; false if there is none. */
static bool ring_reap(struct ring *ring, struct io_uring_cqe *cqe)
{
	const struct io_uring_cqe *cqes = (void *)(ring->rings + ring->params.cq_off.cqes);
	unsigned int head = *RING_WORD(ring, ring->params.cq_off.head);

	if (head == atomic_load(RING_WORD(ring, ring->params.cq_off.tail)))
		return false;

	*cqe = cqes[head & (ring->params.cq_entries - 1)];
	atomic_store(RING_WORD(ring, ring->params.cq_off.head), head + 1);

	return true;
}

/* What one operation returns. */
static int ring_do(struct ring *ring, int opcode, int fd, const void *address,
		   unsigned int count, __u64 offset)
{
	struct io_uring_cqe cqe;

	ring_queue(ring, opcode, fd, address, count, offset);
	if (ring_submit(ring, 1) != 1 || !ring_reap(ring, &cqe))
		return -ENODATA;

	return cqe.res;
}

FIXTURE(uring) {
	int fd;
	struct ring ring;
};

FIXTURE_SETUP(uring)
{
	skip_if(_metadata, io_uring_unusable());
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ring_init(&self->ring));
}

FIXTURE_TEARDOWN_PARENT(uring)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(uring, read_gives_the_bytes_from_its_offset)
{
	char seen[CAPACITY] = "";

	ASSERT_EQ(GREETING_LENGTH - 6, ring_do(&self->ring, IORING_OP_READ, self->fd, seen,
					       sizeof(seen), 6));

	EXPECT_EQ(0, memcmp(&GREETING[6], seen, GREETING_LENGTH - 6));
	EXPECT_POSITION(self->fd, 0);
}

TEST_F(uring, read_past_the_end_is_nothing)
{
	char byte = 0;

	EXPECT_EQ(0, ring_do(&self->ring, IORING_OP_READ, self->fd, &byte, 1,
			     GREETING_LENGTH));
}

TEST_F(uring, read_at_minus_one_reads_at_the_position_and_moves_it)
{
	char seen[4];

	ASSERT_EQ(6, lseek(self->fd, 6, SEEK_SET));
	ASSERT_EQ(4, ring_do(&self->ring, IORING_OP_READ, self->fd, seen, 4, AT_POSITION));

	EXPECT_EQ(0, memcmp("from", seen, 4));
	EXPECT_POSITION(self->fd, 10);
}

TEST_F(uring, read_into_unmapped_memory_is_efault)
{
	EXPECT_EQ(-EFAULT, ring_do(&self->ring, IORING_OP_READ, self->fd, edge_buffer(0), 4, 0));
}

TEST_F(uring, read_up_to_a_hole_is_short)
{
	char *seen = edge_buffer(5);

	int count = ring_do(&self->ring, IORING_OP_READ, self->fd, seen, 10, 0);

	ASSERT_LT(0, count);
	ASSERT_GE(5, count);
	EXPECT_EQ(0, memcmp("Hello", seen, count));
}

TEST_F(uring, read_into_pages_never_touched_gives_the_bytes)
{
	char *seen = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, seen);
	ASSERT_EQ(GREETING_LENGTH, ring_do(&self->ring, IORING_OP_READ, self->fd, seen,
					   CAPACITY, 0));

	EXPECT_EQ(0, memcmp(GREETING, seen, GREETING_LENGTH));
}

TEST_F(uring, read_without_read_access_is_ebadf)
{
	int fd = open_device(O_WRONLY);
	char byte = 0;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, ring_do(&self->ring, IORING_OP_READ, fd, &byte, 1, 0));
}

TEST_F(uring, readv_fills_its_segments_in_order)
{
	char first[2], second[3];
	struct iovec iov[] = {
		{ first, sizeof(first) },
		{ second, sizeof(second) },
	};

	ASSERT_EQ(5, ring_do(&self->ring, IORING_OP_READV, self->fd, iov, 2, 6));

	EXPECT_EQ(0, memcmp("fr", first, 2));
	EXPECT_EQ(0, memcmp("om ", second, 3));
}

TEST_F(uring, write_stores_at_its_offset)
{
	ASSERT_EQ(2, ring_do(&self->ring, IORING_OP_WRITE, self->fd, "py", 2, 3));

	EXPECT_MESSAGE(self->fd, "Helpy from kernel\n", GREETING_LENGTH);
	EXPECT_POSITION(self->fd, 0);
}

TEST_F(uring, write_at_minus_one_writes_at_the_position_and_moves_it)
{
	ASSERT_EQ(3, lseek(self->fd, 3, SEEK_SET));
	ASSERT_EQ(2, ring_do(&self->ring, IORING_OP_WRITE, self->fd, "py", 2, AT_POSITION));

	EXPECT_MESSAGE(self->fd, "Helpy from kernel\n", GREETING_LENGTH);
	EXPECT_POSITION(self->fd, 5);
}

TEST_F(uring, write_past_the_capacity_is_enospc)
{
	EXPECT_EQ(-ENOSPC, ring_do(&self->ring, IORING_OP_WRITE, self->fd, "xy", 2,
				   CAPACITY - 1));
	EXPECT_GREETING(self->fd);
}

TEST_F(uring, write_of_more_than_capacity_is_einval)
{
	static char much[CAPACITY + 1];

	EXPECT_EQ(-EINVAL, ring_do(&self->ring, IORING_OP_WRITE, self->fd, much,
				   sizeof(much), 0));
	EXPECT_GREETING(self->fd);
}

TEST_F(uring, write_from_unmapped_memory_is_efault)
{
	EXPECT_EQ(-EFAULT, ring_do(&self->ring, IORING_OP_WRITE, self->fd, edge_buffer(0), 4, 0));
	EXPECT_GREETING(self->fd);
}

TEST_F(uring, write_from_memory_that_ends_early_is_efault)
{
	EXPECT_EQ(-EFAULT, ring_do(&self->ring, IORING_OP_WRITE, self->fd,
				   edge_buffer(200), 201, 0));
	EXPECT_GREETING(self->fd);
}

TEST_F(uring, write_without_write_access_is_ebadf)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, ring_do(&self->ring, IORING_OP_WRITE, fd, "x", 1, 0));
	EXPECT_GREETING(fd);
}

TEST_F(uring, write_through_an_appending_descriptor_appends)
{
	int fd = open_device(O_WRONLY | O_APPEND);

	ASSERT_LE(0, fd);
	ASSERT_EQ(3, ring_do(&self->ring, IORING_OP_WRITE, fd, "end", 3, 2));

	EXPECT_MESSAGE(self->fd, GREETING "end", GREETING_LENGTH + 3);
}

TEST_F(uring, writev_stores_its_segments_in_order)
{
	struct iovec iov[] = {
		{ "lp", 2 },
		{ "y", 1 },
	};

	ASSERT_EQ(3, ring_do(&self->ring, IORING_OP_WRITEV, self->fd, iov, 2, 2));

	EXPECT_MESSAGE(self->fd, "Helpy from kernel\n", GREETING_LENGTH);
}

TEST_F(uring, registered_buffers_are_read_into_and_written_from)
{
	static char buffer[4096];
	struct iovec iov = { buffer, sizeof(buffer) };

	ASSERT_EQ(0, RESULT(syscall(SYS_io_uring_register, self->ring.fd,
				    IORING_REGISTER_BUFFERS, &iov, 1)));

	ASSERT_EQ(5, ring_do(&self->ring, IORING_OP_READ_FIXED, self->fd, buffer + 100, 5, 0));
	EXPECT_EQ(0, memcmp("Hello", buffer + 100, 5));
	ASSERT_EQ(5, ring_do(&self->ring, IORING_OP_WRITE_FIXED, self->fd, buffer + 100, 5, 6));
	EXPECT_MESSAGE(self->fd, "Hello Hellokernel\n", GREETING_LENGTH);
}

TEST_F(uring, linked_read_follows_its_write)
{
	struct io_uring_cqe cqe;
	char seen[5];

	ring_queue(&self->ring, IORING_OP_WRITE, self->fd, "Jelly", 5, 0)->flags = IOSQE_IO_LINK;
	ring_queue(&self->ring, IORING_OP_READ, self->fd, seen, 5, 0);
	ASSERT_EQ(2, ring_submit(&self->ring, 2));

	while (ring_reap(&self->ring, &cqe))
		EXPECT_EQ(5, cqe.res);
	EXPECT_EQ(0, memcmp("Jelly", seen, 5));
}

TEST_F(uring, poll_completes_with_a_change_and_not_before)
{
	struct io_uring_cqe cqe;

	ring_queue(&self->ring, IORING_OP_POLL_ADD, self->fd, NULL, 0, 0)->poll_events = POLLPRI;
	ASSERT_EQ(1, ring_submit(&self->ring, 0));
	ASSERT_FALSE(ring_reap(&self->ring, &cqe));

	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));
	ASSERT_EQ(0, ring_submit(&self->ring, 1));
	ASSERT_TRUE(ring_reap(&self->ring, &cqe));
	EXPECT_EQ(POLLPRI, cqe.res);
}

TEST_F(uring, poll_completes_at_once_after_a_change)
{
	struct io_uring_cqe cqe;

	ASSERT_EQ(1, pwrite(self->fd, "J", 1, 0));
	ring_queue(&self->ring, IORING_OP_POLL_ADD, self->fd, NULL, 0, 0)->poll_events = POLLPRI;
	ASSERT_EQ(1, ring_submit(&self->ring, 1));

	ASSERT_TRUE(ring_reap(&self->ring, &cqe));
	EXPECT_EQ(POLLPRI, cqe.res);
}

/* Either the submitting call itself does them, or the workers of the ring do. */
FIXTURE(many_in_flight) {
	int fd;
	struct ring ring;
};

FIXTURE_VARIANT(many_in_flight) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(many_in_flight, done_at_once) { 0 };
FIXTURE_VARIANT_ADD(many_in_flight, done_by_workers) { IOSQE_ASYNC };

FIXTURE_SETUP(many_in_flight)
{
	skip_if(_metadata, io_uring_unusable());
	setup_device(_metadata, "");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ring_init(&self->ring));
}

FIXTURE_TEARDOWN_PARENT(many_in_flight)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(many_in_flight, are_each_done_once)
{
	unsigned int done = 0, i;
	char expected[ENTRIES * 32];
	struct io_uring_cqe cqe;

	for (i = 0; i < ENTRIES; i++) {
		memset(expected + 32 * i, 'a' + i, 32);
		ring_queue(&self->ring, IORING_OP_WRITE, self->fd, expected + 32 * i, 32,
			   32 * i)->flags = variant->flags;
	}
	ASSERT_EQ(ENTRIES, ring_submit(&self->ring, ENTRIES));

	while (ring_reap(&self->ring, &cqe)) {
		EXPECT_EQ(32, cqe.res);
		done |= 1U << cqe.user_data;
	}
	EXPECT_EQ((1U << ENTRIES) - 1, done);
	EXPECT_MESSAGE(self->fd, expected, sizeof(expected));
	EXPECT_INFO(self->fd, CAPACITY, sizeof(expected), 1 + ENTRIES);
}

/* What says that it must not wait, and has no reason to, is never told to come back. */
FIXTURE(nowait) {
	int fd;
	char *bytes;
};

FIXTURE_VARIANT(nowait) {
	size_t count;
};

FIXTURE_VARIANT_ADD(nowait, of_one_byte) { 1 };
FIXTURE_VARIANT_ADD(nowait, of_64_bytes) { 64 };
FIXTURE_VARIANT_ADD(nowait, of_65_bytes) { 65 };
FIXTURE_VARIANT_ADD(nowait, of_4096_bytes) { 4096 };

FIXTURE_SETUP(nowait)
{
	setup_device(_metadata, "capacity=4096");

	self->fd = open_device(O_RDWR | O_TRUNC);
	ASSERT_LE(0, self->fd);
	self->bytes = malloc(variant->count);
	ASSERT_NE(NULL, self->bytes);
	memset(self->bytes, 'b', variant->count);
}

FIXTURE_TEARDOWN_PARENT(nowait)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(nowait, write_and_read_transfer_all_bytes)
{
	struct iovec iov = { self->bytes, variant->count };
	ssize_t count = variant->count;
	int i;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(count, RESULT(pwritev2(self->fd, &iov, 1, 0, RWF_NOWAIT)));
		ASSERT_EQ(count, RESULT(preadv2(self->fd, &iov, 1, 0, RWF_NOWAIT)));
	}
	EXPECT_MESSAGE(self->fd, self->bytes, count);
}

TEST_F(nowait, refusals_are_those_of_any_write)
{
	struct iovec one = { self->bytes, 1 };
	struct iovec nowhere = { edge_buffer(0), variant->count };

	EXPECT_EQ(-ENOSPC, RESULT(pwritev2(self->fd, &one, 1, 4096, RWF_NOWAIT)));
	EXPECT_EQ(-EFAULT, RESULT(pwritev2(self->fd, &nowhere, 1, 0, RWF_NOWAIT)));
	EXPECT_MESSAGE(self->fd, "", 0);
}

TEST_F(nowait, read_into_a_hole_is_efault)
{
	struct iovec nowhere = { edge_buffer(0), variant->count };

	ASSERT_EQ(variant->count, write(self->fd, self->bytes, variant->count));

	EXPECT_EQ(-EFAULT, RESULT(preadv2(self->fd, &nowhere, 1, 0, RWF_NOWAIT)));
}

TEST_F(nowait, pages_that_are_not_resident_make_no_difference)
{
	size_t count = variant->count;
	char *pages = mmap(NULL, 2 * count, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec to = { pages, count }, from = { pages + count, count };

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(count, write(self->fd, self->bytes, count));

	ASSERT_EQ(count, RESULT(preadv2(self->fd, &to, 1, 0, RWF_NOWAIT)));
	EXPECT_EQ(0, memcmp(pages, self->bytes, count));
	ASSERT_EQ(count, RESULT(pwritev2(self->fd, &from, 1, 0, RWF_NOWAIT)));
	EXPECT_MESSAGE(self->fd, pages + count, count);
}

TEST_HARNESS_MAIN
