/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a module in memory, where a case changes it before it loads it.
 */
#ifndef _LKMDEMO_SELFTEST_IMAGE_H
#define _LKMDEMO_SELFTEST_IMAGE_H

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness.h"

#define CLIENT		"lkmdemo_test_client"
#define CLOSED		"lkmdemo_test_closed"
#define FAMILY		"lkmdemo_test_family"
#define FOREVER		"lkmdemo_test_forever"
#define NOTIFIER	"lkmdemo_test_notifier"

struct image {
	char bytes[4 * 1024 * 1024];
	ssize_t size;
};

/* Reads a module that is built for the tests. The size is -errno after an error. */
static inline void image_read(struct image *image, const char *name)
{
	char program[PATH_MAX] = "", path[2 * PATH_MAX];
	int fd;

	image->size = RESULT(readlink("/proc/self/exe", program, sizeof(program) - 1));
	if (image->size < 0)
		return;

	snprintf(path, sizeof(path), "%s/modules/%s.ko", dirname(program), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	image->size = RESULT(fd < 0 ? fd : read(fd, image->bytes, sizeof(image->bytes)));
	if (fd >= 0)
		close(fd);
}

/* The address of the first such bytes, or NULL. */
static inline char *image_find(struct image *image, const void *bytes, size_t count)
{
	return memmem(image->bytes, image->size, bytes, count);
}

/* Replaces the first such text by one of the same length. False if that fails. */
static inline bool image_replace(struct image *image, const char *text, const char *by)
{
	char *found = image_find(image, text, strlen(text));

	if (!found || strlen(text) != strlen(by))
		return false;

	memcpy(found, by, strlen(text));

	return true;
}

/* Returns 0 or a negative errno. */
static inline int image_load(const struct image *image, const char *parameters)
{
	return RESULT(syscall(SYS_init_module, image->bytes, image->size, parameters));
}

/* Whether a machine policy refuses modules without a signature: see modules_probe(). */
static inline bool image_refused(struct image *image)
{
	int ret;

	/* This one has no dependencies, the lack of which would be logged. */
	image_read(image, FOREVER);
	ret = image_load(image, NULL);

	return ret == -EPERM || ret == -EACCES || ret == -EKEYREJECTED;
}

/* Reads the module, or returns the reason why a case cannot use it. */
static inline const char *image_unusable(struct image *image, const char *name)
{
	static char vermagic[sizeof("vermagic= ") + sizeof(struct utsname)];
	const char *reason = modules_unusable(0, 0);
	struct utsname uts;

	if (reason)
		return reason;

	image_read(image, name);
	if (image->size == -ENOENT)
		return "no modules were built for the tests: KDIR lacks the exports of the driver";
	if (image->size < 0)
		return strerror(-image->size);

	uname(&uts);
	snprintf(vermagic, sizeof(vermagic), "vermagic=%s ", uts.release);
	if (!image_find(image, vermagic, strlen(vermagic)))
		return "the modules of the tests were built for another kernel than this";
	if (image_refused(image))
		return "the kernel refuses modules without a signature";
	image_read(image, name);

	return NULL;
}

#endif /* _LKMDEMO_SELFTEST_IMAGE_H */
