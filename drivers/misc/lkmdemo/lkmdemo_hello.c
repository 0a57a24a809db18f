// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest module there is, and every kind of parameter that one can have.
 *
 * Parameters that root may write while the module is loaded change under the
 * module's parameter lock: code that uses one of more than a machine word takes
 * kernel_param_lock(THIS_MODULE).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* Without this, pr_debug() prints only where dynamic debug is told to. */
#define DEBUG

#include <generated/utsrelease.h>
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "hello.h"

#define LKMDEMO_TEXT_SIZE	16
#define LKMDEMO_NUMBERS_MAX	8

static int value = 42;
module_param(value, int, 0644);
MODULE_PARM_DESC(value, "an int (default 42)");

static char *name = "default";
module_param(name, charp, 0644);
MODULE_PARM_DESC(name, "a string of up to 1024 bytes (default \"default\")");

static bool flag;
module_param(flag, bool, 0644);
MODULE_PARM_DESC(flag, "a bool (default N)");

/* Holds the opposite of what user space sees. */
static bool upright = true;
module_param_named(inverted, upright, invbool, 0644);
MODULE_PARM_DESC(inverted, "a bool that the module keeps inverted (default N)");

static short small;
module_param(small, short, 0644);
MODULE_PARM_DESC(small, "a short (default 0)");

static unsigned short usmall;
module_param(usmall, ushort, 0644);
MODULE_PARM_DESC(usmall, "an unsigned short (default 0)");

static unsigned int uvalue;
module_param(uvalue, uint, 0644);
MODULE_PARM_DESC(uvalue, "an unsigned int (default 0)");

static long big;
module_param(big, long, 0644);
MODULE_PARM_DESC(big, "a long (default 0)");

static unsigned long ubig;
module_param(ubig, ulong, 0644);
MODULE_PARM_DESC(ubig, "an unsigned long (default 0)");

static char text[LKMDEMO_TEXT_SIZE];
module_param_string(text, text, sizeof(text), 0644);
MODULE_PARM_DESC(text, "a string kept in 16 bytes, so up to 15 (default empty)");

/* Not 0644: a list refused at its last member has changed those before it. */
static int numbers[LKMDEMO_NUMBERS_MAX];
static unsigned int nr_numbers;
module_param_array(numbers, int, &nr_numbers, 0444);
MODULE_PARM_DESC(numbers, "1 to 8 ints, separated by commas (default none)");

static int percent_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, LKMDEMO_PERCENT_MAX);
}

const struct kernel_param_ops lkmdemo_percent_ops = {
	.set = percent_set,
	.get = param_get_uint,
};
EXPORT_SYMBOL_IF_KUNIT(lkmdemo_percent_ops);

static unsigned int percent = 50;
module_param_cb(percent, &lkmdemo_percent_ops, &percent, 0644);
__MODULE_PARM_TYPE(percent, "uint");
MODULE_PARM_DESC(percent, "an unsigned int from 0 to 100, checked whenever it is set (default 50)");

static bool loglevels;
module_param(loglevels, bool, 0444);
MODULE_PARM_DESC(loglevels, "print a line at each log level (default N)");

static void __init hello_loglevels(void)
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
	if (loglevels)
		hello_loglevels();

	return 0;
}
module_init(lkmdemo_hello_init);

static void __exit lkmdemo_hello_exit(void)
{
	pr_info("Goodbye, Kernel!\n");
}
module_exit(lkmdemo_hello_exit);

MODULE_AUTHOR("LKMDEMO maintainers <lkmdemo@example.org>");
MODULE_DESCRIPTION("A module's life cycle, parameters and log levels");
MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
