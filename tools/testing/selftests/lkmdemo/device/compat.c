// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/lkmdemo from a caller of 32 bits. It needs no program of 32
 * bits, nor a compiler for it: int 0x80 is their system call, from any program.
 */
#include <sys/wait.h>

#include "device.h"

FIXTURE(compat) {
	int fd;
	struct lkmdemo_info *low;
};

#ifdef __x86_64__

#define COMPAT_NR_GETPID	20
#define COMPAT_NR_IOCTL		54

static int compat_call(int nr, int fd, unsigned int cmd, unsigned int arg)
{
	int ret;

	/* The kernel may leave anything in r8 to r11. */
	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (nr), "b" (fd), "c" (cmd), "d" (arg)
		     : "memory", "r8", "r9", "r10", "r11");

	return ret;
}

/* Only a kernel that runs programs of 32 bits answers. */
static bool compat_usable(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(compat_call(COMPAT_NR_GETPID, 0, 0, 0) != getpid());

	return waitpid(pid, &status, 0) == pid && !status;
}

static int compat_ioctl(int fd, unsigned int cmd, unsigned int arg)
{
	return compat_call(COMPAT_NR_IOCTL, fd, cmd, arg);
}

/* The first page has an address that 32 bits hold, the next is not there. */
static void *low_page(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, 2 * page, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (map == MAP_FAILED || mprotect(map, page, PROT_READ | PROT_WRITE))
		ksft_exit_fail_perror("low_page");

	return map;
}

#else

static bool compat_usable(void)
{
	return false;
}

static int compat_ioctl(int fd, unsigned int cmd, unsigned int arg)
{
	return -EOPNOTSUPP;
}

static void *low_page(void)
{
	return NULL;
}

#endif

static unsigned int low(const void *address)
{
	return (unsigned long)address;
}

FIXTURE_SETUP(compat)
{
	if (!compat_usable())
		SKIP(return, "the kernel serves no callers of 32 bits");
	setup_device(_metadata, "exclusive=N");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	self->low = low_page();
}

FIXTURE_TEARDOWN_PARENT(compat)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(compat, get_info_returns_the_message)
{
	ASSERT_EQ(0, compat_ioctl(self->fd, LKMDEMO_IOC_GET_INFO, low(self->low)));

	EXPECT_EQ(CAPACITY, self->low->capacity);
	EXPECT_EQ(GREETING_LENGTH, self->low->length);
	EXPECT_EQ(first_generation, self->low->generation);
}

TEST_F(compat, get_info_touches_no_byte_past_the_struct)
{
	char *after = (char *)(self->low + 1);

	strcpy(after, "#######");
	ASSERT_EQ(0, compat_ioctl(self->fd, LKMDEMO_IOC_GET_INFO, low(self->low)));

	EXPECT_STREQ("#######", after);
}

TEST_F(compat, get_info_into_null_is_efault)
{
	EXPECT_EQ(-EFAULT, compat_ioctl(self->fd, LKMDEMO_IOC_GET_INFO, 0));
}

TEST_F(compat, get_info_into_memory_that_ends_early_is_efault)
{
	char *end = (char *)self->low + sysconf(_SC_PAGESIZE);

	EXPECT_EQ(-EFAULT, compat_ioctl(self->fd, LKMDEMO_IOC_GET_INFO,
					low(end - sizeof(*self->low) + 1)));
}

TEST_F(compat, get_info_above_the_addresses_of_32_bits_is_efault)
{
	EXPECT_EQ(-EFAULT, compat_ioctl(self->fd, LKMDEMO_IOC_GET_INFO, 0xfffffff0));
}

TEST_F(compat, clear_empties_the_message)
{
	ASSERT_EQ(0, compat_ioctl(self->fd, LKMDEMO_IOC_CLEAR, 0));

	EXPECT_MESSAGE(self->fd, "", 0);
	EXPECT_INFO(self->fd, CAPACITY, 0, 2);
}

TEST_F(compat, clear_without_write_access_is_ebadf)
{
	int fd = open_device(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, compat_ioctl(fd, LKMDEMO_IOC_CLEAR, 0));
	EXPECT_GREETING(fd);
}

TEST_F(compat, an_unknown_ioctl_is_enotty)
{
	EXPECT_EQ(-ENOTTY, compat_ioctl(self->fd, _IO(0xED, 0x02), low(self->low)));
}

TEST_F(compat, an_ioctl_of_another_size_is_enotty)
{
	EXPECT_EQ(-ENOTTY, compat_ioctl(self->fd, _IOR(0xED, 0x00, __u32), low(self->low)));
}

TEST_HARNESS_MAIN
