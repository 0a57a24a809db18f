/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a module says in the kernel log.
 */
#ifndef _LKMDEMO_SELFTEST_KMSG_H
#define _LKMDEMO_SELFTEST_KMSG_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "module.h"

/* The kernel log, from now on. */
static inline int kmsg_open(void)
{
	int kmsg = RESULT(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));

	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);

	return kmsg;
}

/*
 * The next line of the module: puts what follows the module's prefix in @text,
 * and returns the level, or -EAGAIN when there is no more.
 */
static inline int kmsg_next(int kmsg, const char *module, char *text, size_t size)
{
	char record[8192], prefix[64];
	unsigned int priority;
	ssize_t length;
	char *line;

	snprintf(prefix, sizeof(prefix), "%s: ", module);
	while ((length = RESULT(read(kmsg, record, sizeof(record) - 1))) > 0) {
		record[length] = '\0';
		line = strchr(record, ';');
		if (!line || strncmp(line + 1, prefix, strlen(prefix)))
			continue;
		if (sscanf(record, "%u,", &priority) != 1)
			return -EPROTO;
		line += 1 + strlen(prefix);
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s", line);
		return priority & 7;
	}

	return length;
}

#define EXPECT_LINE(kmsg, module, level, expected) do {				\
	char _text[1024] = "";							\
										\
	EXPECT_EQ(level, kmsg_next(kmsg, module, _text, sizeof(_text)));	\
	EXPECT_STREQ(expected, _text);						\
} while (0)

#define EXPECT_NO_LINE(kmsg, module)	EXPECT_LINE(kmsg, module, -EAGAIN, "")

#endif /* _LKMDEMO_SELFTEST_KMSG_H */
