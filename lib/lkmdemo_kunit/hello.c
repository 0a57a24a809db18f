// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parameter of lkmdemo_hello with a check of its own.
 */
#include <kunit/test.h>
#include <linux/moduleparam.h>

#include "hello.h"
#include "helpers.h"

#define OLD_VALUE	77

/* A parameter like that of the module, which does not change. */
struct percent {
	unsigned int value;
	struct kernel_param kp;
};

static int hello_init(struct kunit *test)
{
	struct percent *percent = lkmdemo_kunit_zalloc(test, sizeof(*percent));

	percent->value = OLD_VALUE;
	percent->kp.arg = &percent->value;
	test->priv = percent;

	return 0;
}

static int set(struct kunit *test, const char *val)
{
	struct percent *percent = test->priv;

	return lkmdemo_percent_ops.set(val, &percent->kp);
}

struct good_case {
	const char *val;
	unsigned int value;
};

static const struct good_case good_cases[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "99", 99 },
	{ "100", 100 },
	{ "100\n", 100 },
	{ "+7", 7 },
	{ "0x64", 100 },
	{ "010", 8 },
};

KUNIT_ARRAY_PARAM_DESC(good, good_cases, val);

static void percent_accepts(struct kunit *test)
{
	const struct good_case *c = test->param_value;
	struct percent *percent = test->priv;

	KUNIT_EXPECT_EQ(test, set(test, c->val), 0);
	KUNIT_EXPECT_EQ(test, percent->value, c->value);
}

struct bad_case {
	const char *desc;
	const char *val;
	int error;
};

static const struct bad_case bad_cases[] = {
	{ "101", "101", -EINVAL },
	{ "UINT_MAX", "4294967295", -EINVAL },
	{ "over 32 bits", "4294967296", -ERANGE },
	{ "over 32 bits, its low half fits", "4294967346", -ERANGE },
	{ "-1", "-1", -EINVAL },
	{ "-0", "-0", -EINVAL },
	{ "not a number", "half", -EINVAL },
	{ "a unit", "50%", -EINVAL },
	{ "a fraction", "0.5", -EINVAL },
	{ "two numbers", "1 2", -EINVAL },
	{ "empty", "", -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bad, bad_cases, desc);

static void percent_refuses(struct kunit *test)
{
	const struct bad_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, set(test, c->val), c->error);
}

static void percent_keeps_the_old_value(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	struct percent *percent = test->priv;

	set(test, c->val);

	KUNIT_EXPECT_EQ(test, percent->value, OLD_VALUE);
}

static void percent_reads_as_a_line(struct kunit *test)
{
	struct percent *percent = test->priv;
	char *page = lkmdemo_kunit_zalloc(test, PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, lkmdemo_percent_ops.get(page, &percent->kp), 3);
	KUNIT_EXPECT_STREQ(test, page, "77\n");
}

static struct kunit_case hello_test_cases[] = {
	KUNIT_CASE_PARAM(percent_accepts, good_gen_params),
	KUNIT_CASE_PARAM(percent_refuses, bad_gen_params),
	KUNIT_CASE_PARAM(percent_keeps_the_old_value, bad_gen_params),
	KUNIT_CASE(percent_reads_as_a_line),
	{}
};

static struct kunit_suite hello_suite = {
	.name = "lkmdemo_hello",
	.init = hello_init,
	.test_cases = hello_test_cases,
};

kunit_test_suite(hello_suite);
