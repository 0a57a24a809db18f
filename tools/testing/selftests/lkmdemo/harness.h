/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Additions to kselftest_harness.h that all programs of this directory use.
 */
#ifndef _LKMDEMO_SELFTEST_HARNESS_H
#define _LKMDEMO_SELFTEST_HARNESS_H

#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"

/*
 * Skips the case if there is a reason to. Like ASSERT_EQ(), this ends the process of
 * the case, so that it works in helpers of FIXTURE_SETUP() and of a case. The parent
 * process runs FIXTURE_TEARDOWN_PARENT().
 */
static inline void skip_if(struct __test_metadata *_metadata, const char *reason)
{
	if (reason)
		SKIP(_exit(KSFT_SKIP), "%s", reason);
}

/* See modules_unusable() and modules_set(). */
static inline void setup_modules(struct __test_metadata *_metadata, unsigned int needs,
				 unsigned int set)
{
	skip_if(_metadata, modules_unusable(needs, set));
	ASSERT_EQ(0, modules_set(needs, set))
		TH_LOG("cannot unload or load the modules");
}

/* See module_unusable() and module_set(). */
static inline void setup_module(struct __test_metadata *_metadata, const char *name,
				const char *parameters)
{
	skip_if(_metadata, module_unusable(name, parameters));
	ASSERT_EQ(0, module_set(name, parameters))
		TH_LOG("cannot unload or load %s", name);
}

#define EXPECT_PARAMETER(module, name, expected) do {				\
	char _value[4096];							\
										\
	ASSERT_LE(0, parameter_read(module, name, _value, sizeof(_value)));	\
	EXPECT_STREQ(expected, _value);						\
} while (0)

/* The harness ends with KSFT_PASS when it skipped every case. */
static inline void exit_if_skipped(void)
{
	if (!ksft_get_xskip_cnt() || ksft_get_xskip_cnt() != ksft_test_num())
		return;

	fflush(NULL);
	_exit(KSFT_SKIP);
}

static void __attribute__((constructor)) harness_init(void)
{
	/* The last function that runs at exit, since it is the first one here. */
	atexit(exit_if_skipped);
	modules_init();
}

#endif /* _LKMDEMO_SELFTEST_HARNESS_H */
