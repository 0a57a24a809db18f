// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the checks, and what is wrong with the result of any call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "probe.h"

#define LAST_ERRNO 133		/* EHWPOISON, the last one that user space knows */

unsigned char buffer[SIZE + GUARD], data[SIZE + 1];
struct content content, again;

/* Say what comes next, for the findings in it. */
void doing(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(shared->doing, sizeof(shared->doing), format, args);
	va_end(args);
	shared->calls++;
}

/* Returns whether the result is one that a call may have; the limit is that of the rule. */
bool judge(ssize_t ret, size_t limit, enum rule rule)
{
	if (ret < -1 || (ret == -1 && errno > LAST_ERRNO))
		report(NEGATIVE, "%zd", ret == -1 ? -errno : ret);
	else if (ret > 0 && (size_t)ret > limit)
		report(rule, "%zd", ret);
	else
		return true;

	return false;
}

int open_device(int flags)
{
	int fd;

	doing("open(2)");
	fd = open(device, flags | O_NONBLOCK | O_CLOEXEC);
	judge(fd, INT_MAX, NEGATIVE);
	if (fd >= 0)
		shared->opens = true;

	return fd;
}

/* Of a file that lseek(2) fails for as well. */
off_t position(int fd)
{
	char path[40], text[200] = "";
	long long pos = 0;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	if (read(info, text, sizeof(text) - 1) > 0)
		sscanf(text, "pos: %lld", &pos);
	close(info);

	return pos;
}

/* A stream has no position; any other file moves it by what was transferred. */
static void judge_position(int fd, off_t before, ssize_t ret, off_t offset, enum rule rule)
{
	off_t after = position(fd);

	if (after != before && (offset != HERE || ret <= 0 || after != before + ret))
		report(rule, "%zd, and the position moves from %lld to %lld", ret,
		       (long long)before, (long long)after);
}

/* A page of memory that nobody has accessed. */
unsigned char *new_page(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Whether somebody has, the kernel included. */
bool is_present(unsigned char *page)
{
	unsigned char state = 0;

	return !mincore(page, PAGE, &state) && state & 1;
}

ssize_t get_to(void *to, int fd, size_t count, off_t offset, const char *where)
{
	off_t before = position(fd);
	ssize_t ret;
	int error;

	doing("%s(2) of %zu bytes at %lld%s", offset == HERE ? "read" : "pread", count,
	      (long long)(offset == HERE ? before : offset), where);
	ret = offset == HERE ? read(fd, to, count) : pread(fd, to, count, offset);
	error = errno;
	judge(ret, count, READ_COUNT);
	judge_position(fd, before, ret, offset, READ_POSITION);
	if (ret > 0)
		shared->has_data = true;
	errno = error;

	return ret;
}

/* Read into the buffer. */
ssize_t get(int fd, size_t count, off_t offset)
{
	ssize_t ret;
	size_t i;

	memset(buffer, PATTERN, count + GUARD);
	ret = get_to(buffer, fd, count, offset, "");
	for (i = ret > 0 ? ret : 0; ret >= 0 && i < count + GUARD; i++)
		if (buffer[i] != PATTERN) {
			report(READ_BEYOND, "%zd, and byte %zu of the buffer changes", ret, i);
			break;
		}

	return ret;
}

ssize_t put(int fd, const void *from, size_t count, off_t offset, const char *where)
{
	off_t before = position(fd);
	ssize_t ret;
	int error;

	doing("%s(2) of %zu bytes at %lld%s", offset == HERE ? "write" : "pwrite", count,
	      (long long)(offset == HERE ? before : offset), where);
	ret = offset == HERE ? write(fd, from, count) : pwrite(fd, from, count, offset);
	error = errno;
	judge(ret, count, WRITE_COUNT);
	judge_position(fd, before, ret, offset, WRITE_POSITION);
	if (!ret && count)
		report(WRITE_ZERO, "0");
	errno = error;

	return ret;
}

/* Write letters, other ones for each seed, with an open of its own. */
ssize_t store(size_t count, int seed)
{
	ssize_t ret = -1;
	int fd = open_device(O_WRONLY);
	size_t i;

	for (i = 0; i < count; i++)
		data[i] = 'a' + (i * 7 + i / 26 + seed) % 26;
	if (fd >= 0)
		ret = put(fd, data, count, HERE, "");
	close(fd);

	return ret;
}

/* Write what is read next, if there was nothing to read before. */
void feed(void)
{
	if (shared->feeds)
		store(64, 3);
}

/* Read from a new open until the end, or the first error, or for long. */
void load(struct content *to, size_t step)
{
	ssize_t n = -1;
	int fd, i;

	to->size = 0;
	to->ends = false;
	if (shared->found[READ_NO_END])
		return;
	feed();
	fd = open_device(O_RDONLY);
	for (i = 0; fd >= 0 && i < 300 && to->size <= SIZE; i++) {
		n = get(fd, step, HERE);
		if (n <= 0 || (size_t)n > step)
			break;
		memcpy(to->bytes + to->size, buffer, n);
		to->size += n;
	}
	to->ends = !n;
	to->position = fd < 0 ? 0 : position(fd);
	close(fd);
}

/* Whether the device has bytes that end, and that are the same for each open. */
bool is_steady(void)
{
	load(&content, SIZE);
	if (!content.ends || !content.size)
		return false;
	load(&again, SIZE);

	return again.ends && again.size == content.size &&
	       !memcmp(again.bytes, content.bytes, content.size);
}

/* Whether the device begins with the bytes that were stored last. */
bool begins_with(size_t count)
{
	load(&content, SIZE);

	return content.ends && content.size >= count && !memcmp(content.bytes, data, count);
}

/* Whether a read returns what was written last, whatever it was. */
bool keeps_data(void)
{
	return store(5, 1) == 5 && begins_with(5) && store(17, 2) == 17 && begins_with(17);
}
