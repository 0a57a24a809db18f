// SPDX-License-Identifier: GPL-2.0-only
/* KUnit tests of the text of the device. */

#include <kunit/test.h>

#include "sprocket.h"

static void sprocket_prints_the_number(struct kunit *test)
{
	char text[32];

	KUNIT_EXPECT_EQ(test, sprocket_print(text, sizeof(text), 7), 8);
	KUNIT_EXPECT_STREQ(test, text, "7 teeth\n");
}

static void sprocket_ends_a_text_that_does_not_fit(struct kunit *test)
{
	char text[4];

	KUNIT_EXPECT_EQ(test, sprocket_print(text, sizeof(text), 7), 3);
	KUNIT_EXPECT_STREQ(test, text, "7 t");
}

static struct kunit_case sprocket_cases[] = {
	KUNIT_CASE(sprocket_prints_the_number),
	KUNIT_CASE(sprocket_ends_a_text_that_does_not_fit),
	{}
};

static struct kunit_suite sprocket_suite = {
	.name = "sprocket",
	.test_cases = sprocket_cases,
};
kunit_test_suite(sprocket_suite);

MODULE_DESCRIPTION("KUnit tests of the device that counts teeth");
MODULE_LICENSE("GPL");
