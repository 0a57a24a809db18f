// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of /dev/lkmdemo: read only, live, and zero past the message.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "device.h"

static bool all_zero(const char *bytes, size_t count)
{
	return !count || (!bytes[0] && !memcmp(bytes, bytes + 1, count - 1));
}

static void *map(int fd, size_t length, int protection, int flags, off_t offset)
{
	void *address = mmap(NULL, length, protection, flags, fd, offset);

	return address == MAP_FAILED ? NULL : address;
}

/* What mmap() refuses, as a negative errno; 0 when it does not. */
static int map_error(int fd, size_t length, int protection, int flags, off_t offset)
{
	return map(fd, length, protection, flags, offset) ? 0 : -errno;
}

/* The whole device is mapped, shared or private. */
FIXTURE(mmap) {
	int fd;
	size_t page;
	char *map;
};

FIXTURE_VARIANT(mmap) {
	int flags;
};

FIXTURE_VARIANT_ADD(mmap, shared) { MAP_SHARED };
FIXTURE_VARIANT_ADD(mmap, private) { MAP_PRIVATE };

FIXTURE_SETUP(mmap)
{
	setup_device(_metadata, "exclusive=N");

	self->page = sysconf(_SC_PAGESIZE);
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = map(self->fd, CAPACITY, PROT_READ, variant->flags, 0);
	ASSERT_NE(NULL, self->map);
}

FIXTURE_TEARDOWN_PARENT(mmap)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(mmap, shows_the_message_and_zeros_after_it)
{
	EXPECT_EQ(0, memcmp(GREETING, self->map, GREETING_LENGTH));
	EXPECT_TRUE(all_zero(self->map + GREETING_LENGTH, self->page - GREETING_LENGTH));
}

TEST_F(mmap, needs_read_access_alone)
{
	int fd = open_device(O_RDONLY);
	char *own;

	ASSERT_LE(0, fd);
	own = map(fd, CAPACITY, PROT_READ, variant->flags, 0);
	ASSERT_NE(NULL, own);

	EXPECT_EQ(0, memcmp(GREETING, own, GREETING_LENGTH));
}

TEST_F(mmap, of_a_write_only_descriptor_is_eacces)
{
	int fd = open_device(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, map_error(fd, CAPACITY, PROT_READ, variant->flags, 0));
}

TEST_F(mmap, shows_a_later_write)
{
	ASSERT_EQ('H', self->map[0]);
	ASSERT_EQ(5, pwrite(self->fd, "Jelly", 5, 0));

	EXPECT_EQ(0, memcmp("Jelly from kernel\n", self->map, GREETING_LENGTH));
}

TEST_F(mmap, shows_a_later_write_by_another)
{
	int fd = open_device(O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ('H', self->map[0]);
	ASSERT_EQ(1, write(fd, "J", 1));

	EXPECT_EQ('J', self->map[0]);
}

TEST_F(mmap, shows_a_message_that_became_longer)
{
	ASSERT_EQ(3, pwrite(self->fd, "end", 3, CAPACITY - 3));

	EXPECT_TRUE(all_zero(self->map + GREETING_LENGTH, CAPACITY - 3 - GREETING_LENGTH));
	EXPECT_EQ(0, memcmp("end", self->map + CAPACITY - 3, 3));
}

TEST_F(mmap, shows_nothing_of_a_refused_write)
{
	static char much[CAPACITY];

	memset(much, 'w', sizeof(much));
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(self->fd, much, CAPACITY, 1)));

	EXPECT_EQ(0, memcmp(GREETING, self->map, GREETING_LENGTH));
	EXPECT_TRUE(all_zero(self->map + GREETING_LENGTH, self->page - GREETING_LENGTH));
}

TEST_F(mmap, shows_zeros_after_a_clear)
{
	ASSERT_EQ('H', self->map[0]);
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));

	EXPECT_TRUE(all_zero(self->map, self->page));
}

TEST_F(mmap, shows_zeros_after_an_open_that_truncates)
{
	ASSERT_EQ('H', self->map[0]);
	ASSERT_LE(0, open_device(O_WRONLY | O_TRUNC));

	EXPECT_TRUE(all_zero(self->map, self->page));
}

TEST_F(mmap, shows_zeros_past_a_message_that_became_shorter)
{
	static char full[CAPACITY];

	memset(full, 'f', sizeof(full));
	ASSERT_EQ(CAPACITY, write(self->fd, full, CAPACITY));
	ASSERT_EQ(0, ioctl(self->fd, LKMDEMO_IOC_CLEAR));
	ASSERT_EQ(5, pwrite(self->fd, "short", 5, 0));

	EXPECT_EQ(0, memcmp("short", self->map, 5));
	EXPECT_TRUE(all_zero(self->map + 5, self->page - 5));
}

TEST_F(mmap, shows_zeros_past_the_capacity)
{
	static char full[CAPACITY];

	memset(full, 'f', sizeof(full));
	ASSERT_EQ(CAPACITY, write(self->fd, full, CAPACITY));

	EXPECT_EQ(0, memcmp(full, self->map, CAPACITY));
	EXPECT_TRUE(all_zero(self->map + CAPACITY, self->page - CAPACITY));
}

TEST_F(mmap, can_not_be_made_writable)
{
	EXPECT_EQ(-EACCES, RESULT(mprotect(self->map, self->page, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(-EACCES, RESULT(mprotect(self->map, self->page, PROT_WRITE)));
}

/* What is private could be written so, unless it may never become writable. */
TEST_F(mmap, can_not_be_written_by_a_debugger)
{
	pid_t child = fork();
	int status;
	long word;

	ASSERT_LE(0, child);
	if (!child) {
		if (ptrace(PTRACE_TRACEME))
			_exit(KSFT_SKIP);
		raise(SIGSTOP);
		_exit(0);
	}

	ASSERT_EQ(child, waitpid(child, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		SKIP(return, "the machine lets no process be traced");
	ASSERT_TRUE(WIFSTOPPED(status));
	word = ptrace(PTRACE_PEEKDATA, child, self->map, 0);
	EXPECT_EQ(0, memcmp(GREETING, &word, sizeof(word)));
	EXPECT_EQ(-EIO, RESULT(ptrace(PTRACE_POKEDATA, child, self->map, 0)));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, child, 0, 0));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(mmap, can_not_grow)
{
	EXPECT_EQ(-EFAULT, RESULT((long)mremap(self->map, self->page, 2 * self->page, 0)));
	EXPECT_EQ(-EFAULT, RESULT((long)mremap(self->map, self->page, 2 * self->page,
					       MREMAP_MAYMOVE)));
}

TEST_F(mmap, stays_after_close)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(1, write(fd, "J", 1));

	EXPECT_EQ(0, memcmp("Jello from kernel\n", self->map, GREETING_LENGTH));
}

TEST_F(mmap, keeps_the_module_after_close)
{
	skip_if(_metadata, module_fixed("lkmdemo"));
	ASSERT_EQ(0, close(self->fd));

	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_EQ(0, module_unload("lkmdemo"));
}

TEST_F(mmap, keeps_the_place_after_close)
{
	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "Y"));
	ASSERT_EQ(0, close(self->fd));

	EXPECT_EQ(-EBUSY, open_device(O_RDWR));
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_LE(0, open_device(O_RDWR));
}

TEST_F(mmap, is_shared_with_a_child)
{
	int status, go[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (read(go[0], &byte, 1) != 1)
			_exit(2);
		_exit(memcmp("Jello from kernel\n", self->map, GREETING_LENGTH) != 0);
	}

	ASSERT_EQ(1, write(self->fd, "J", 1));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(mmap, can_not_be_read_into)
{
	EXPECT_EQ(-EFAULT, RESULT(pread(self->fd, self->map, 4, 6)));
	EXPECT_GREETING(self->fd);
}

TEST_F(mmap, can_be_written_from)
{
	ASSERT_EQ(GREETING_LENGTH,
		  RESULT(pwrite(self->fd, self->map, GREETING_LENGTH, GREETING_LENGTH)));

	EXPECT_MESSAGE(self->fd, GREETING GREETING, 2 * GREETING_LENGTH);
}

TEST_F(mmap, can_be_written_from_over_itself)
{
	char expected[CAPACITY];
	int i;

	for (i = 0; i < CAPACITY; i++)
		expected[i] = i * 7;
	ASSERT_EQ(CAPACITY, pwrite(self->fd, expected, CAPACITY, 0));
	ASSERT_EQ(CAPACITY - 1, RESULT(pwrite(self->fd, self->map, CAPACITY - 1, 1)));

	memmove(expected + 1, expected, CAPACITY - 1);
	EXPECT_MESSAGE(self->fd, expected, CAPACITY);
}

TEST_F(mmap, can_be_written_from_when_never_touched)
{
	char *fresh = map(self->fd, CAPACITY, PROT_READ, variant->flags, 0);

	ASSERT_NE(NULL, fresh);
	ASSERT_EQ(200, RESULT(pwrite(self->fd, fresh, 200, 100)));

	EXPECT_EQ(0, memcmp(GREETING, self->map + 100, GREETING_LENGTH));
}

/* Who asks for a mapping that could be written. */
FIXTURE(mmap_writable) {
	int fd;
};

FIXTURE_VARIANT(mmap_writable) {
	int mode;
	int flags;
	int error;
};

FIXTURE_VARIANT_ADD(mmap_writable, shared_read_write) { O_RDWR, MAP_SHARED, -EPERM };
FIXTURE_VARIANT_ADD(mmap_writable, shared_read_only) { O_RDONLY, MAP_SHARED, -EACCES };
FIXTURE_VARIANT_ADD(mmap_writable, shared_write_only) { O_WRONLY, MAP_SHARED, -EACCES };
FIXTURE_VARIANT_ADD(mmap_writable, private_read_write) { O_RDWR, MAP_PRIVATE, -EPERM };
FIXTURE_VARIANT_ADD(mmap_writable, private_read_only) { O_RDONLY, MAP_PRIVATE, -EPERM };
FIXTURE_VARIANT_ADD(mmap_writable, private_write_only) { O_WRONLY, MAP_PRIVATE, -EACCES };

FIXTURE_SETUP(mmap_writable)
{
	setup_device(_metadata, "");

	self->fd = open_device(variant->mode);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(mmap_writable)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(mmap_writable, is_refused)
{
	EXPECT_EQ(variant->error, map_error(self->fd, CAPACITY, PROT_READ | PROT_WRITE,
					    variant->flags, 0));
	EXPECT_EQ(variant->error, map_error(self->fd, CAPACITY, PROT_WRITE,
					    variant->flags, 0));
}

/*
 * A message of two pages and a bit; each byte of a page is the letter of the
 * page. Offsets and lengths are in pages.
 */
#define REST	100

FIXTURE(mmap_range) {
	int fd;
	size_t page;
};

FIXTURE_VARIANT(mmap_range) {
	off_t offset;
	size_t pages;
	int error;
	const char *letters;
};

FIXTURE_VARIANT_ADD(mmap_range, whole) { 0, 3, 0, "abc" };
FIXTURE_VARIANT_ADD(mmap_range, first_page) { 0, 1, 0, "a" };
FIXTURE_VARIANT_ADD(mmap_range, first_two_pages) { 0, 2, 0, "ab" };
FIXTURE_VARIANT_ADD(mmap_range, second_page) { 1, 1, 0, "b" };
FIXTURE_VARIANT_ADD(mmap_range, second_page_to_the_end) { 1, 2, 0, "bc" };
FIXTURE_VARIANT_ADD(mmap_range, last_page) { 2, 1, 0, "c" };
FIXTURE_VARIANT_ADD(mmap_range, one_too_long) { 0, 4, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, far_too_long) { 0, 4096, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, one_too_long_from_the_last_page) { 2, 2, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, at_the_end) { 3, 1, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, past_the_end) { 4, 1, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, huge_offset) { INT_MAX, 1, -EINVAL };
FIXTURE_VARIANT_ADD(mmap_range, of_nothing) { 0, 0, -EINVAL };

FIXTURE_SETUP(mmap_range)
{
	char parameters[64], letter;
	char *bytes;
	int i;

	self->page = sysconf(_SC_PAGESIZE);
	snprintf(parameters, sizeof(parameters), "capacity=%zu", 2 * self->page + REST);
	setup_device(_metadata, parameters);

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	bytes = malloc(self->page);
	ASSERT_NE(NULL, bytes);
	for (i = 0, letter = 'a'; i < 3; i++, letter++) {
		size_t count = i < 2 ? self->page : REST;

		memset(bytes, letter, count);
		ASSERT_EQ(count, pwrite(self->fd, bytes, count, i * self->page));
	}
	free(bytes);
}

FIXTURE_TEARDOWN_PARENT(mmap_range)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(mmap_range, shows_its_pages_or_is_refused)
{
	off_t offset = variant->offset * self->page;
	size_t length = variant->pages * self->page;
	const char *letter;
	char *seen;

	EXPECT_EQ(variant->error, map_error(self->fd, length, PROT_READ, MAP_SHARED, offset));
	if (variant->error)
		return;

	seen = map(self->fd, length, PROT_READ, MAP_SHARED, offset);
	for (letter = variant->letters; *letter; letter++, seen += self->page) {
		size_t count = *letter == 'c' ? REST : self->page;

		EXPECT_EQ(*letter, seen[0]);
		EXPECT_EQ(0, memcmp(seen, seen + 1, count - 1));
		EXPECT_TRUE(all_zero(seen + count, self->page - count));
	}
}

TEST_HARNESS_MAIN
