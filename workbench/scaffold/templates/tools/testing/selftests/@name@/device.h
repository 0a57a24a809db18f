/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of all programs: the device, open and empty.
 */
#ifndef _@NAME@_SELFTEST_DEVICE_H
#define _@NAME@_SELFTEST_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define DEVICE		"/dev/@name@"
#define CAPACITY	4096

/* The result of a system call, with the errno as a negative number. */
#define RESULT(call) ({			\
	long _result = (call);		\
					\
	_result < 0 ? -errno : _result;	\
})

/* Memory that cannot be accessed. */
static __maybe_unused void *no_access(void)
{
	return mmap(NULL, CAPACITY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

@if sysfs debugfs trace
/* Read all of a small file, as a string; return its length or a negative errno. */
static __maybe_unused long read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	long ret = fd < 0 ? -errno : 1;

	while (ret > 0) {
		ret = RESULT(read(fd, text + length, size - 1 - length));
		length += ret > 0 ? ret : 0;
	}
	text[length] = '\0';
	close(fd);

	return ret ?: (long)length;
}

@end
FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	/* Requires root, and the module or a kernel with the driver. */
	if (access(DEVICE, F_OK) && system("modprobe -q @name@"))
		SKIP(return, "there is no " DEVICE);
	if (access(DEVICE, R_OK | W_OK))
		SKIP(return, "requires root");

	self->fd = RESULT(open(DEVICE, O_RDWR | O_TRUNC | O_CLOEXEC));
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

#endif /* _@NAME@_SELFTEST_DEVICE_H */
