// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module without an exit function. It stays loaded until the next boot, so a run
 * of all tests leaves this program out.
 */
#include "image.h"

static struct image image;

/* An earlier case may have loaded the module. */
FIXTURE(forever) {
};

FIXTURE_SETUP(forever)
{
	int ret;

	skip_if(_metadata, image_unusable(&image, FOREVER));
	ret = image_load(&image, "");
	ASSERT_TRUE(!ret || ret == -EEXIST);
}

FIXTURE_TEARDOWN(forever)
{
}

TEST_F(forever, module_without_an_exit_function_unload_is_ebusy)
{
	EXPECT_EQ(-EBUSY, module_unload(FOREVER));
	EXPECT_TRUE(module_loaded(FOREVER));
}

TEST_F(forever, module_without_an_exit_function_shows_as_permanent)
{
	struct module_line line;

	ASSERT_TRUE(module_line_read(FOREVER, &line));

	EXPECT_STREQ("[permanent],", line.users);
}

TEST_HARNESS_MAIN
