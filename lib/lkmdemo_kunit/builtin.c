// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules built in: parameters on the kernel command line, and an exit function, which
 * is discarded.
 */
#include <kunit/test.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#define PARAMETER	"lkmdemo_hello.percent"

static const struct kernel_param *find_parameter(const char *name)
{
	const struct kernel_param *kp;

	for (kp = __start___param; kp < __stop___param; kp++)
		if (!strcmp(kp->name, name))
			return kp;

	return NULL;
}

static void command_line_sets_a_parameter(struct kunit *test)
{
	const struct kernel_param *kp = find_parameter(PARAMETER);
	const char *given = strstr(saved_command_line, PARAMETER "=");
	char *value;

	KUNIT_ASSERT_NOT_NULL(test, kp);
	if (!given)
		kunit_skip(test, "needs kunit.py run --kernel_args=%s=73", PARAMETER);

	value = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, value);
	KUNIT_ASSERT_LT(test, 0, kp->ops->get(value, kp));

	given += strlen(PARAMETER "=");
	KUNIT_EXPECT_STRNEQ(test, "50\n", value);
	KUNIT_EXPECT_EQ(test, 0, strncmp(given, value, strcspn(given, " ")));
	KUNIT_EXPECT_STREQ(test, "\n", value + strcspn(given, " "));
}

static void shared_counter_cannot_be_set(struct kunit *test)
{
	const struct kernel_param *kp = find_parameter("lkmdemo_counter.shared");

	KUNIT_ASSERT_NOT_NULL(test, kp);
	KUNIT_EXPECT_EQ(test, kp->ops->set("7", kp), -EPERM);
}

/* Without CONFIG_KALLSYMS_ALL, kallsyms has the symbols of all text sections. */
static void exit_function_is_discarded(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_KALLSYMS) || IS_ENABLED(CONFIG_KALLSYMS_ALL))
		kunit_skip(test, "needs CONFIG_KALLSYMS without CONFIG_KALLSYMS_ALL");

	KUNIT_EXPECT_NE(test, 0UL, kallsyms_lookup_name("lkmdemo_hello_init"));
	KUNIT_EXPECT_EQ(test, 0UL, kallsyms_lookup_name("lkmdemo_hello_exit"));
}

static struct kunit_case builtin_cases[] = {
	KUNIT_CASE(command_line_sets_a_parameter),
	KUNIT_CASE(shared_counter_cannot_be_set),
	KUNIT_CASE(exit_function_is_discarded),
	{}
};

static struct kunit_suite builtin_suite = {
	.name = "lkmdemo_builtin",
	.test_cases = builtin_cases,
};

kunit_test_suite(builtin_suite);
