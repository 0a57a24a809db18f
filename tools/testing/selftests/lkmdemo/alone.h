/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of a module that stands alone: having it to oneself, and its
 * parameters.
 */
#ifndef _LKMDEMO_SELFTEST_ALONE_H
#define _LKMDEMO_SELFTEST_ALONE_H

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"

/* Returns 0, also when there was nothing to unload, or a negative errno. */
static inline int module_drop(const char *module)
{
	int ret = module_unload(module);

	return ret == -ENOENT ? 0 : ret;
}

/*
 * For FIXTURE_SETUP: notes in @found whether the module is loaded, and unloads
 * it. FIXTURE_TEARDOWN_PARENT gives @found to put_back().
 */
static inline void setup_alone(struct __test_metadata *_metadata, const char *module, bool *found)
{
	char directory[PATH_MAX];

	if (geteuid())
		SKIP(return, "needs root");

	*found = module_loaded(module);
	snprintf(directory, sizeof(directory), "/sys/module/%s", module);
	if (!*found && !access(directory, F_OK))
		SKIP(return, "%s is built in, needs it as a module", module);

	ASSERT_EQ(0, module_drop(module));
}

static inline int put_back(const char *module, bool found)
{
	int ret = module_drop(module);

	return ret || !found ? ret : module_load(module, "");
}

#define EXPECT_PARAMETER(module, name, expected) do {				\
	char _value[4096];							\
										\
	ASSERT_LE(0, parameter_read(module, name, _value, sizeof(_value)));	\
	EXPECT_STREQ(expected, _value);						\
} while (0)

#endif /* _LKMDEMO_SELFTEST_ALONE_H */
