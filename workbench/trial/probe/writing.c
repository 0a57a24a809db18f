// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks that write.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

/* Whether the content, all that is left, is the end of what was stored. */
static bool ends_with(size_t count)
{
	return content.size && content.size < count &&
	       !memcmp(content.bytes, data + count - content.size, content.size);
}

void check_write_sizes(void)
{
	static const size_t sizes[] = { 0, 1, 100, 1025, 4097, 40000, SIZE + 1 };
	bool keeps = keeps_data();
	ssize_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = store(sizes[i], i);
		/* A device may keep the newest bytes only, as a log does. */
		if (n <= 0 || !keeps || begins_with(n) || !content.ends || ends_with(n))
			continue;
		doing("write(2) of %zu bytes, and read(2) to the end", sizes[i]);
		report(WRITE_OVERSIZE, "%zd, and %zu bytes that are not those written", n,
		       content.size);
	}
}

/* Whether the driver looks at the bytes; /dev/null never does. */
static bool write_reads_memory(void)
{
	unsigned char *page = new_page();
	int fd = open_device(O_WRONLY);

	if (fd >= 0)
		put(fd, page, 64, HERE, "");
	close(fd);

	return is_present(page);
}

void check_write_fault(void)
{
	const struct {
		const char *name;
		unsigned char *from;
		size_t count;
		ssize_t room;
	} places[] = {
		{ " from memory of 3 bytes", edge - 3, 64, 3 },
		{ " from unmapped memory", edge, 64, 0 },
		{ " from NULL", NULL, 64, 0 },
		{ " from memory of 3 bytes", edge - 3, INT_MAX & -PAGE, 3 },
	};
	bool reads = write_reads_memory(), keeps = keeps_data();
	char call[sizeof(shared->doing) / 2];
	ssize_t n;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (keeps)
			store(17, 2);
		fd = open_device(O_WRONLY);
		if (fd < 0)
			return;
		n = put(fd, places[i].from, places[i].count, HERE, places[i].name);
		close(fd);
		/* A driver may take the first byte for a command, and leave the others. */
		if (n > places[i].room && reads && (keeps || !places[i].room))
			report(WRITE_FAULT, "%zd", n);
		memcpy(call, shared->doing, sizeof(call) - 1);
		call[sizeof(call) - 1] = '\0';
		if (n < 0 && keeps && !begins_with(17)) {
			doing("%s, and read(2) to the end", call);
			report(WRITE_PARTIAL, "an error, and other bytes than before");
		}
	}
}

void check_write_offsets(void)
{
	static const off_t offsets[] = { 1, PAGE - 1, SIZE, 1L << 31, 1L << 32, LONG_MAX - SIZE };
	int fd = open_device(O_WRONLY);
	size_t i;

	for (i = 0; fd >= 0 && i < ARRAY_SIZE(offsets); i++)
		put(fd, data, 16, offsets[i], "");
}
