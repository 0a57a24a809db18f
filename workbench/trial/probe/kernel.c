// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of poll, mmap and ioctl, and of addresses of the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "probe.h"

/* Whether it is in a module; the line in /proc/modules ends with the address. */
static bool is_in_module(unsigned long value)
{
	FILE *list = fopen("/proc/modules", "r");
	unsigned long start, size;
	bool found = false;

	while (list && !found &&
	       fscanf(list, "%*s %lu %*s %*s %*s %lx%*[^\n]", &size, &start) == 2)
		found = value >= start && value < start + size;
	if (list)
		fclose(list);

	return found;
}

/* Whether it is an object of an allocator: kmemleak fails for what is none. */
static bool is_object(unsigned long value)
{
	int file = open("/sys/kernel/debug/kmemleak", O_WRONLY);
	char command[40];
	bool found;

	snprintf(command, sizeof(command), "dump=%#lx", value);
	found = file >= 0 && write(file, command, strlen(command)) > 0;
	close(file);

	return found;
}

/* x86_64 has its kernel at the end; um has it, in small numbers, where its program is. */
static bool is_address(unsigned long value)
{
	if (value >= 0xffff800000000000 && value < 0xffffffffff600000)
		return true;

	/* No text, no small number. */
	return value >> 24 && (value >> 32 || value & 0x80808080) && value < 1UL << 47 &&
	       (is_in_module(value) || (!(value % 8) && is_object(value)));
}

/* Look for addresses in bytes; the other call must have returned the same ones. */
void scan(const unsigned char *bytes, const unsigned char *other, size_t size)
{
	int candidates = 0;
	char text[17] = "";
	unsigned long value;
	size_t i;

	for (i = 0; i + 16 <= size; i++) {
		if (memcmp(bytes + i, other + i, 16))
			continue;
		memcpy(text, bytes + i, 16);
		if (strspn(text, "0123456789abcdefABCDEF") == 16 && candidates++ < 16 &&
		    is_address(strtoull(text, NULL, 16)))
			report(LEAK_ADDRESS, "%s at byte %zu", text, i);
	}
	for (i = 0; i + sizeof(value) <= size && candidates < 32; i += sizeof(value)) {
		memcpy(&value, bytes + i, sizeof(value));
		if (!value || memcmp(bytes + i, other + i, sizeof(value)))
			continue;
		candidates++;
		if (is_address(value))
			report(LEAK_ADDRESS, "%#lx at byte %zu", value, i);
	}
}

void check_poll(void)
{
	struct pollfd pfd = { .fd = open_device(O_RDONLY), .events = 0x7fff };

	doing("poll(2)");
	if (pfd.fd >= 0 && poll(&pfd, 1, 0) > 0 && pfd.revents & POLLNVAL)
		report(NEGATIVE, "the events %#x, which are an errno", pfd.revents);
}

static sigjmp_buf faulted;

static void leave(int number)
{
	siglongjmp(faulted, number);
}

/* Copy from a mapping; returns whether there is memory. */
static bool peek(void *to, const void *from, size_t size)
{
	if (sigsetjmp(faulted, 1))
		return false;
	memcpy(to, from, size);

	return true;
}

/* No device has a buffer of half the memory. Look at a page in each MiB. */
void check_mmap_size(void)
{
	bool is_large = false, is_used = false;
	unsigned char page[PAGE];
	struct sysinfo info;
	size_t size, at;
	char *map;
	int fd;

	sysinfo(&info);
	size = info.totalram / 2 & -PAGE;
	fd = open_device(O_RDONLY);
	doing("mmap(2) of %zu MiB", size >> 20);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	signal(SIGSEGV, leave);
	signal(SIGBUS, leave);
	for (at = 0; at < size; at += 1 << 20)
		if (peek(page, map + at, PAGE)) {
			is_large |= at > size / 4;
			is_used |= memcmp(page, page + 1, PAGE - 1) != 0;
		}
	if (is_large && is_used)
		report(MMAP_OVERSIZE, "memory, with data in it");
}

void check_mmap_protection(void)
{
	int fd = open_device(O_RDWR);
	char *map;
	pid_t pid;

	doing("mmap(2), writable and shared");
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED || fd < 0)
		return;
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	doing("mmap(2), which fails if writable, and mprotect(2) to writable");
	if (!mprotect(map, PAGE, PROT_READ | PROT_WRITE))
		report(MMAP_WRITABLE, "success");
	/* The mapping lives on without the descriptor, and in a child. */
	close(fd);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	munmap(map, PAGE);
}

static int command(int fd, unsigned int number, void *argument)
{
	int ret;

	doing("ioctl(2) %#x", number);
	ret = ioctl(fd, number, argument);
	judge(ret, INT_MAX, NEGATIVE);

	return ret;
}

/* A command that the device knows: it succeeds, or fails because of the pointer. */
static void try_command(int fd, unsigned int number, bool succeeds)
{
	size_t i, size = _IOC_SIZE(number);
	unsigned char *page = new_page();
	int null = open("/dev/null", O_RDWR);
	bool is_common = ioctl(null, number, edge - size) >= 0;

	close(null);
	/* Every file has it. */
	if (is_common)
		return;
	if (command(fd, number, page) >= 0 && is_present(page) && succeeds) {
		doing("ioctl(2) %#x with unmapped memory", number);
		report(IOCTL_FAULT, "success");
	}
	memset(page, PATTERN, PAGE);
	memset(page, 0, size);
	if (command(fd, number, page) < 0 || !(_IOC_DIR(number) & _IOC_READ))
		return;
	for (i = size; i < PAGE; i++)
		if (page[i] != PATTERN) {
			report(IOCTL_BEYOND, "byte %zu changes", i);
			break;
		}
	scan(page, page, size);
}

void check_ioctl(void)
{
	static const int sizes[] = { 4, 8, 16, 24, 32 };
	void *pointers[] = { NULL, edge, edge - 3 };
	int successes = 0, ret, fd = open_device(O_RDWR);
	unsigned int i, number;

	if (fd < 0)
		fd = open_device(O_RDONLY);
	if (fd < 0)
		return;
	for (i = 0; i < 32; i++) {
		number = _IOC(i % 4, i * 7 + 3, 0xc1 + i, i % 4 ? 8 : 0);
		successes += command(fd, number, pointers[i % 3]) >= 0;
	}
	doing("ioctl(2) of 32 numbers of different drivers");
	if (successes > 16) {
		report(IOCTL_UNKNOWN, "%d succeed", successes);
		return;
	}
	/* Plain numbers; then four of each magic, in three directions. */
	for (number = 0; number < 64; number++)
		command(fd, number, edge);
	for (i = 0; i < 12 * 256 * ARRAY_SIZE(sizes); i++) {
		number = _IOC(1 + i % 3, i / 12 % 256, i / 3 % 4, sizes[i / 12 / 256]);
		ret = command(fd, number, edge);
		if (ret >= 0 || errno == EFAULT)
			try_command(fd, number, ret >= 0);
	}
}
