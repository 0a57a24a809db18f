/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of a module in memory, to be changed before it is loaded.
 */
#ifndef _LKMDEMO_SELFTEST_IMAGE_H
#define _LKMDEMO_SELFTEST_IMAGE_H

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"

#define CLIENT		"lkmdemo_test_client"
#define CLOSED		"lkmdemo_test_closed"
#define FOREVER		"lkmdemo_test_forever"
#define NOTIFIER	"lkmdemo_test_notifier"

struct image {
	char bytes[4 * 1024 * 1024];
	ssize_t size;
};

/* Its size is -errno if the file can't be read. */
static inline void image_read_file(struct image *image, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	image->size = RESULT(fd < 0 ? fd : read(fd, image->bytes, sizeof(image->bytes)));
	if (fd >= 0)
		close(fd);
}

/* The same for one of the modules that are built for the tests. */
static inline void image_read(struct image *image, const char *name)
{
	char program[PATH_MAX] = "", path[2 * PATH_MAX];

	image->size = RESULT(readlink("/proc/self/exe", program, sizeof(program) - 1));
	if (image->size < 0)
		return;

	snprintf(path, sizeof(path), "%s/modules/%s.ko", dirname(program), name);
	image_read_file(image, path);
}

/* Where these bytes are, NULL if nowhere. */
static inline char *image_find(struct image *image, const void *bytes, size_t count)
{
	return memmem(image->bytes, image->size, bytes, count);
}

/* Replaces a text by one as long, where it is first. False if it can't. */
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

/* For FIXTURE_SETUP: reads the module into @image, or skips the test. */
static inline void setup_image(struct __test_metadata *_metadata, struct image *image,
			       const char *name)
{
	image_read(image, name);
	if (image->size == -ENOENT)
		SKIP(return, "no %s.ko was built: KDIR had no built kernel", name);

	ASSERT_LT(0, image->size);
}

#endif /* _LKMDEMO_SELFTEST_IMAGE_H */
