/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of a module in the kernel log.
 */
#ifndef _LKMDEMO_SELFTEST_KMSG_H
#define _LKMDEMO_SELFTEST_KMSG_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module.h"

#define LEVEL_ERR	3
#define LEVEL_WARNING	4
#define LEVEL_INFO	6
#define LEVEL_DEBUG	7

/* The line before the functions of a stack. */
#ifdef __aarch64__
#define KMSG_STACK	"Call trace:"
#else
#define KMSG_STACK	"Call Trace:"
#endif

/* The kernel log, from its present end. */
static inline int kmsg_open(void)
{
	int kmsg = RESULT(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);

	return kmsg;
}

/*
 * Finds the next line that begins so, copies the remainder to @rest and returns the
 * level. Returns -EAGAIN at the end of the log.
 */
static inline int kmsg_find(int kmsg, const char *beginning, char *rest, size_t size)
{
	unsigned int priority;
	char record[8192];
	ssize_t length;
	char *line;

	while ((length = RESULT(read(kmsg, record, sizeof(record) - 1))) > 0) {
		record[length] = '\0';
		line = strchr(record, ';');
		if (!line || strncmp(line + 1, beginning, strlen(beginning)))
			continue;
		if (sscanf(record, "%u,", &priority) != 1)
			return -EPROTO;
		line += 1 + strlen(beginning);
		line[strcspn(line, "\n")] = '\0';
		snprintf(rest, size, "%s", line);
		return priority & 7;
	}

	return length;
}

/* The same for the next line of a module, without its prefix. */
static inline int kmsg_next(int kmsg, const char *module, char *text, size_t size)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s: ", module);
	return kmsg_find(kmsg, prefix, text, size);
}

/* The number of further lines that have this level and begin so. */
static inline int kmsg_count(int kmsg, int level, const char *beginning)
{
	char rest[1024];
	int count = 0;
	int found;

	while ((found = kmsg_find(kmsg, beginning, rest, sizeof(rest))) >= 0)
		count += found == level;

	return count;
}

#define EXPECT_LINE(kmsg, module, level, expected) do {				\
	char _text[1024] = "";							\
										\
	EXPECT_EQ(level, kmsg_next(kmsg, module, _text, sizeof(_text)));	\
	EXPECT_STREQ(expected, _text);						\
} while (0)

#define EXPECT_NO_LINE(kmsg, module)	EXPECT_LINE(kmsg, module, -EAGAIN, "")

#endif /* _LKMDEMO_SELFTEST_KMSG_H */
