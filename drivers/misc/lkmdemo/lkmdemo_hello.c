// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifecycle, metadata, every type of module parameter, and the log levels.
 *
 * A write to sysfs changes a parameter under the module's parameter lock. Code
 * that reads one of more than a machine word takes kernel_param_lock(THIS_MODULE).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* Without DEBUG, pr_debug() prints only where dynamic debug enables it. */
#define DEBUG

#include <generated/utsrelease.h>
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "hello.h"

#define LKMDEMO_TEXT_SIZE	16
#define LKMDEMO_NUMBERS_MAX	8

static int lkmdemo_hello_value = 42;
module_param_named(value, lkmdemo_hello_value, int, 0644);
MODULE_PARM_DESC(value, "an int (default 42)");

static char *lkmdemo_hello_name = "default";
module_param_named(name, lkmdemo_hello_name, charp, 0644);
MODULE_PARM_DESC(name, "a string of up to 1024 bytes (default \"default\")");

static bool lkmdemo_hello_flag;
module_param_named(flag, lkmdemo_hello_flag, bool, 0644);
MODULE_PARM_DESC(flag, "a bool (default N)");

/* The opposite of the value in sysfs. */
static bool lkmdemo_hello_upright = true;
module_param_named(inverted, lkmdemo_hello_upright, invbool, 0644);
MODULE_PARM_DESC(inverted, "a bool that the module stores inverted (default N)");

static short lkmdemo_hello_small;
module_param_named(small, lkmdemo_hello_small, short, 0644);
MODULE_PARM_DESC(small, "a short (default 0)");

static unsigned short lkmdemo_hello_usmall;
module_param_named(usmall, lkmdemo_hello_usmall, ushort, 0644);
MODULE_PARM_DESC(usmall, "an unsigned short (default 0)");

static unsigned int lkmdemo_hello_uvalue;
module_param_named(uvalue, lkmdemo_hello_uvalue, uint, 0644);
MODULE_PARM_DESC(uvalue, "an unsigned int (default 0)");

static long lkmdemo_hello_big;
module_param_named(big, lkmdemo_hello_big, long, 0644);
MODULE_PARM_DESC(big, "a long (default 0)");

static unsigned long lkmdemo_hello_ubig;
module_param_named(ubig, lkmdemo_hello_ubig, ulong, 0644);
MODULE_PARM_DESC(ubig, "an unsigned long (default 0)");

static char lkmdemo_hello_text[LKMDEMO_TEXT_SIZE];
module_param_string(text, lkmdemo_hello_text, sizeof(lkmdemo_hello_text), 0644);
MODULE_PARM_DESC(text, "a string of up to 15 bytes in a buffer of 16 (default empty)");

/* Not 0644: a list that is refused at one member has changed those before it. */
static int lkmdemo_hello_numbers[LKMDEMO_NUMBERS_MAX];
static unsigned int lkmdemo_hello_nr_numbers;
module_param_array_named(numbers, lkmdemo_hello_numbers, int, &lkmdemo_hello_nr_numbers, 0444);
MODULE_PARM_DESC(numbers, "1 to 8 ints, separated by commas (default none)");

static int lkmdemo_percent_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, LKMDEMO_PERCENT_MAX);
}

const struct kernel_param_ops lkmdemo_percent_ops = {
	.set = lkmdemo_percent_set,
	.get = param_get_uint,
};
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_percent_ops);

static unsigned int lkmdemo_hello_percent = 50;
module_param_cb(percent, &lkmdemo_percent_ops, &lkmdemo_hello_percent, 0644);
__MODULE_PARM_TYPE(percent, "uint");
MODULE_PARM_DESC(percent, "an unsigned int from 0 to 100, checked on every set (default 50)");

static bool lkmdemo_hello_loglevels;
module_param_named(loglevels, lkmdemo_hello_loglevels, bool, 0444);
MODULE_PARM_DESC(loglevels, "print a line at each log level (default N)");

static void __init lkmdemo_hello_print_loglevels(void)
{
	pr_emerg("level 0: the system is unusable (example only)\n");
	pr_alert("level 1: action is required immediately\n");
	pr_crit("level 2: critical condition\n");
	pr_err("level 3: error\n");
	pr_warn("level 4: warning\n");
	pr_notice("level 5: normal but significant condition\n");
	pr_info("level 6: information\n");
	pr_debug("level 7: debugging\n");
}

static int __init lkmdemo_hello_init(void)
{
	pr_info("Hello, Kernel!\n");
	pr_info("built for Linux %s\n", UTS_RELEASE);
	if (lkmdemo_hello_loglevels)
		lkmdemo_hello_print_loglevels();

	return 0;
}
module_init(lkmdemo_hello_init);

static void __exit lkmdemo_hello_exit(void)
{
	pr_info("Goodbye, Kernel!\n");
}
module_exit(lkmdemo_hello_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("Lifecycle, parameters and log levels of a module");
MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
