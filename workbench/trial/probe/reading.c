// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks that read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/time.h>

#include "probe.h"

/*
 * The end never comes: short reads in a row return the same bytes. Reads that are not
 * short have no end by design (/dev/zero), nor have reads that differ (/dev/random).
 */
void check_end(void)
{
	ssize_t n, first = 0;
	int fd, i;

	feed();
	fd = open_device(O_RDONLY);
	for (i = 0; i < 256; i++) {
		n = get(fd, SIZE, HERE);
		if (n <= 0 || n >= SIZE || (i && (n != first || memcmp(buffer, content.bytes, n))))
			return;
		memcpy(content.bytes, buffer, n);
		first = n;
	}
	doing("read(2) of %d bytes, %d times", SIZE, i);
	report(READ_NO_END, "the same %zd bytes each time", first);
}

void check_steps(void)
{
	static const size_t steps[] = { 1, 7 };
	size_t i, n;

	/* Without a position there may be records, which a small read cuts. */
	if (!is_steady() || !content.position)
		return;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		load(&again, steps[i]);
		n = again.ends || again.size > content.size ? content.size : again.size;
		doing("read(2) of %zu bytes at a time, to the end", steps[i]);
		if (again.size && (again.size < n || memcmp(again.bytes, content.bytes, n)))
			report(READ_STEPS, "%zu bytes, other ones than the %zu of a single read(2)",
			       again.size, content.size);
	}
}

void check_two_readers(void)
{
	int fds[2];
	size_t i;

	if (!is_steady())
		return;
	load(&again, 1);
	if (again.size < 2 || again.size > content.size ||
	    memcmp(again.bytes, content.bytes, again.size))
		return;
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open_device(O_RDONLY);
	for (i = 0; fds[1] >= 0 && i < 32 && i / 2 < again.size; i++)
		if (get(fds[i % 2], 1, HERE) != 1 || buffer[0] != content.bytes[i / 2]) {
			doing("read(2) of one byte in turn from two open files");
			report(READ_SHARED, "byte %zu of the %s one is not that of a single reader",
			       i / 2, i % 2 ? "second" : "first");
			return;
		}
}

void check_offsets(void)
{
	off_t size, offsets[] = { 1, -1, 0, 1, PAGE, SIZE, 1L << 31, 1L << 32, LONG_MAX - SIZE };
	bool steady = is_steady();
	ssize_t n;
	size_t i;
	int fd;

	/* What each open finds anew is not consumed, so that it is there after a read. */
	if (!content.ends || !again.ends || !content.size || !again.size)
		return;
	feed();
	fd = open_device(O_RDONLY);
	for (i = 0; i < 300 && get(fd, SIZE, HERE) > 0; i++)
		;
	if (!get(fd, SIZE, 0))
		report(READ_OFFSET, "0, where a read(2) has returned bytes");
	close(fd);
	if (!steady)
		return;
	size = content.size;
	for (i = 1; i < 6; i++)
		offsets[i] += size;
	feed();
	fd = open_device(O_RDONLY);
	for (i = 0; fd >= 0 && i < ARRAY_SIZE(offsets); i++) {
		n = get(fd, SIZE, offsets[i]);
		if (n < 0)
			continue;
		if (offsets[i] >= size && n)
			report(READ_PAST_END, "%zd, where a read(2) ends at %lld", n,
			       (long long)size);
		if (offsets[i] < size &&
		    (n != size - offsets[i] || memcmp(buffer, content.bytes + offsets[i], n))) {
			report(READ_OFFSET, "%zd bytes, other ones than read(2) returns there", n);
			return;
		}
	}
}

void check_leaks(void)
{
	load(&content, SIZE);
	load(&again, SIZE);
	doing("read(2) to the end, twice");
	scan(content.bytes, again.bytes, content.size < again.size ? content.size : again.size);
}

void check_seek(void)
{
	static const struct {
		off_t offset;
		int whence;
	} seeks[] = {
		{ 3, SEEK_SET }, { 2, SEEK_CUR }, { 0, SEEK_END }, { -5, SEEK_SET },
		{ -100000000, SEEK_CUR }, { -100000000, SEEK_END }, { 1L << 32, SEEK_SET },
		{ LONG_MAX, SEEK_SET }, { 1, SEEK_CUR }, { LONG_MAX, SEEK_END },
		{ 0, SEEK_SET }, { 1, 99 },
	};
	int fd = open_device(O_RDONLY);
	off_t before, after, ret;
	size_t i;

	for (i = 0; fd >= 0 && i < ARRAY_SIZE(seeks); i++) {
		before = position(fd);
		doing("lseek(2) by %lld, whence %d, at %lld", (long long)seeks[i].offset,
		      seeks[i].whence, (long long)before);
		ret = lseek(fd, seeks[i].offset, seeks[i].whence);
		judge(ret, SSIZE_MAX, NEGATIVE);
		after = position(fd);
		if (after < 0 || after != (ret < 0 ? before : ret))
			report(SEEK, "%lld, and the position is %lld", (long long)ret,
			       (long long)after);
	}
}

void check_read_fault(void)
{
	const struct {
		const char *name;
		unsigned char *to;
		size_t count;
		ssize_t room;
	} places[] = {
		{ " into unmapped memory", edge, 64, 0 },
		{ " into NULL", NULL, 64, 0 },
		{ " into read-only memory", constant, 64, 0 },
		{ " into memory of 3 bytes", edge - 3, 64, 3 },
		{ " into memory of 3 bytes", edge - 3, INT_MAX & -PAGE, 3 },
	};
	bool has_bytes = is_steady();
	ssize_t n;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		feed();
		fd = open_device(O_RDONLY);
		if (fd < 0)
			return;
		n = get_to(places[i].to, fd, places[i].count, HERE, places[i].name);
		if (n > places[i].room || (!n && has_bytes))
			report(READ_FAULT, "%zd", n);
		/* Waits for a lock that the failed call has kept. */
		get(fd, 64, HERE);
		close(fd);
	}
}

static void ignore(int number)
{
	(void)number;
}

/* The one read that may wait; a signal comes soon. */
void check_blocking_read(void)
{
	const struct itimerval soon = { .it_value.tv_usec = 50000 };
	const struct sigaction action = { .sa_handler = ignore };
	int fd;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	doing("open(2), read(2) of 64 bytes, and a signal");
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		judge(read(fd, buffer, 64), 64, READ_COUNT);
}
