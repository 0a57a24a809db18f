// SPDX-License-Identifier: GPL-2.0-only
/*
 * lkmdemo_hello: what it says, and its parameters.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "harness.h"
#include "kmsg.h"

#define HELLO		"lkmdemo_hello"

#define TEXT_15		"0123456789abcde"
#define TEXT_31		TEXT_15 "f" TEXT_15
#define TEXT_127	TEXT_31 "f" TEXT_31 "f" TEXT_31 "f" TEXT_31
#define TEXT_511	TEXT_127 "f" TEXT_127 "f" TEXT_127 "f" TEXT_127
#define TEXT_1023	TEXT_511 "f" TEXT_511

#if __SIZEOF_LONG__ == 8
#define BIG_MIN		"-9223372036854775808"
#define BIG_OVER	"9223372036854775808"
#define UBIG_MAX	"18446744073709551615"
#define UBIG_OVER	"18446744073709551616"
#else
#define BIG_MIN		"-2147483648"
#define BIG_OVER	"2147483648"
#define UBIG_MAX	"4294967295"
#define UBIG_OVER	"4294967296"
#endif

FIXTURE(hello) {
	int kmsg;
};

FIXTURE_SETUP(hello)
{
	skip_if(_metadata, kmsg_unusable());
	setup_modules(_metadata, MODULE_HELLO, 0);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(hello)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(hello, load_prints_hello_and_the_release_it_is_built_for)
{
	char built[sizeof(struct utsname)];
	struct utsname uts;

	ASSERT_EQ(0, uname(&uts));
	snprintf(built, sizeof(built), "built for Linux %s", uts.release);

	ASSERT_EQ(0, module_load(HELLO, ""));

	EXPECT_LINE(self->kmsg, HELLO, 6, "Hello, Kernel!");
	EXPECT_LINE(self->kmsg, HELLO, 6, built);
	EXPECT_NO_LINE(self->kmsg, HELLO);
}

TEST_F(hello, unload_prints_goodbye)
{
	int kmsg;

	ASSERT_EQ(0, module_load(HELLO, ""));
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg);
	ASSERT_EQ(0, module_unload(HELLO));

	EXPECT_LINE(kmsg, HELLO, 6, "Goodbye, Kernel!");
	EXPECT_NO_LINE(kmsg, HELLO);
}

TEST_F(hello, loads_and_unloads_many_times)
{
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, module_load(HELLO, ""));
		ASSERT_EQ(0, module_unload(HELLO));
	}

	EXPECT_NE(0, access("/sys/module/" HELLO, F_OK));
}

TEST_F(hello, second_load_is_refused)
{
	ASSERT_EQ(0, module_load(HELLO, ""));

	EXPECT_EQ(-EEXIST, module_load(HELLO, ""));
}

TEST_F(hello, version_shows_in_sysfs)
{
	char version[16] = "";
	int fd;

	ASSERT_EQ(0, module_load(HELLO, ""));
	fd = open("/sys/module/" HELLO "/version", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, version, sizeof(version) - 1));

	EXPECT_STREQ("1.0\n", version);
}

TEST_F(hello, loglevels_prints_eight_lines_most_severe_first)
{
	char text[1024];
	int level;

	ASSERT_EQ(0, module_load(HELLO, "loglevels=1"));
	EXPECT_EQ(6, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));
	EXPECT_EQ(6, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));

	for (level = 0; level < 8; level++)
		EXPECT_EQ(level, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));
	EXPECT_NO_LINE(self->kmsg, HELLO);
}

TEST_F(hello, loglevels_prints_seven_lines_without_dynamic_debug)
{
	char text[1024];
	int level;

	skip_if(_metadata, dynamic_debug_unusable());
	ASSERT_EQ(0, module_load(HELLO, "loglevels=1 dyndbg=-p"));
	EXPECT_EQ(6, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));
	EXPECT_EQ(6, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));

	for (level = 0; level < 7; level++)
		EXPECT_EQ(level, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));
	EXPECT_NO_LINE(self->kmsg, HELLO);
}

TEST_F(hello, loglevels_prints_a_stack_on_request)
{
	char text[1024];

	skip_if(_metadata, dynamic_debug_unusable());
	skip_if(_metadata, file_write("/proc/dynamic_debug/control", "module " HELLO " +d") < 0 ?
			   "requires the flag d of dynamic debug" : NULL);
	ASSERT_EQ(0, module_load(HELLO, "loglevels=1 dyndbg=+pd"));

	EXPECT_LE(0, kmsg_find(self->kmsg, HELLO ": level 7: debugging", text, sizeof(text)));
	EXPECT_LE(0, kmsg_find(self->kmsg, KMSG_STACK, text, sizeof(text)));
}

/* A mistyped name does not fail the load. Only the log shows it. */
TEST_F(hello, unknown_parameter_is_ignored_and_logged)
{
	EXPECT_EQ(0, module_load(HELLO, "values=7"));

	EXPECT_PARAMETER(HELLO, "value", "42");
	EXPECT_LINE(self->kmsg, HELLO, 4, "unknown parameter 'values' ignored");
}

FIXTURE(loglevel) {
	int kmsg;
};

FIXTURE_VARIANT(loglevel) {
	int level;
	const char *text;
};

FIXTURE_VARIANT_ADD(loglevel, emerg) {
	0, "level 0: the system is unusable (example only)"
};

FIXTURE_VARIANT_ADD(loglevel, alert) { 1, "level 1: action is required immediately" };
FIXTURE_VARIANT_ADD(loglevel, crit) { 2, "level 2: critical condition" };
FIXTURE_VARIANT_ADD(loglevel, err) { 3, "level 3: error" };
FIXTURE_VARIANT_ADD(loglevel, warn) { 4, "level 4: warning" };
FIXTURE_VARIANT_ADD(loglevel, notice) { 5, "level 5: normal but significant condition" };
FIXTURE_VARIANT_ADD(loglevel, info) { 6, "level 6: information" };
FIXTURE_VARIANT_ADD(loglevel, debug) { 7, "level 7: debugging" };

FIXTURE_SETUP(loglevel)
{
	skip_if(_metadata, kmsg_unusable());
	setup_modules(_metadata, MODULE_HELLO, 0);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(loglevel)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(loglevel, has_its_line)
{
	char text[1024];
	int skip;

	ASSERT_EQ(0, module_load(HELLO, "loglevels=1"));
	for (skip = 0; skip < 2 + variant->level; skip++)
		ASSERT_LE(0, kmsg_next(self->kmsg, HELLO, text, sizeof(text)));

	EXPECT_LINE(self->kmsg, HELLO, variant->level, variant->text);
}

FIXTURE(parameter) {
};

FIXTURE_VARIANT(parameter) {
	const char *name;
	int mode;
	const char *initial;
	const char *given;
	const char *shown;
};

FIXTURE_VARIANT_ADD(parameter, value) { "value", 0644, "42", "-7", "-7" };
FIXTURE_VARIANT_ADD(parameter, name) { "name", 0644, "default", "another", "another" };
FIXTURE_VARIANT_ADD(parameter, flag) { "flag", 0644, "N", "1", "Y" };
FIXTURE_VARIANT_ADD(parameter, inverted) { "inverted", 0644, "N", "y", "Y" };
FIXTURE_VARIANT_ADD(parameter, small) { "small", 0644, "0", "-32768", "-32768" };
FIXTURE_VARIANT_ADD(parameter, usmall) { "usmall", 0644, "0", "65535", "65535" };
FIXTURE_VARIANT_ADD(parameter, uvalue) { "uvalue", 0644, "0", "0xffffffff", "4294967295" };
FIXTURE_VARIANT_ADD(parameter, big) { "big", 0644, "0", BIG_MIN, BIG_MIN };
FIXTURE_VARIANT_ADD(parameter, ubig) { "ubig", 0644, "0", UBIG_MAX, UBIG_MAX };
FIXTURE_VARIANT_ADD(parameter, text) { "text", 0644, "", TEXT_15, TEXT_15 };
FIXTURE_VARIANT_ADD(parameter, numbers) {
	"numbers", 0444, "", "8,-7,6,5,4,3,2,1", "8,-7,6,5,4,3,2,1"
};

FIXTURE_VARIANT_ADD(parameter, percent) { "percent", 0644, "50", "100", "100" };
FIXTURE_VARIANT_ADD(parameter, loglevels) { "loglevels", 0444, "N", "1", "Y" };

FIXTURE_SETUP(parameter)
{
}

FIXTURE_TEARDOWN_PARENT(parameter)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(parameter, has_its_default)
{
	skip_if(_metadata, module_fixed(HELLO));
	ASSERT_EQ(0, module_set(HELLO, ""));

	EXPECT_PARAMETER(HELLO, variant->name, variant->initial);
}

TEST_F(parameter, has_its_mode)
{
	setup_module(_metadata, HELLO, "");

	EXPECT_EQ(variant->mode, parameter_mode(HELLO, variant->name));
}

TEST_F(parameter, has_the_value_given_at_load)
{
	char given[128];

	snprintf(given, sizeof(given), "%s=%s", variant->name, variant->given);
	skip_if(_metadata, module_fixed(HELLO));
	ASSERT_EQ(0, module_set(HELLO, given));

	EXPECT_PARAMETER(HELLO, variant->name, variant->shown);
}

TEST_F(parameter, has_the_value_written_if_it_can_be)
{
	bool writable = variant->mode & 0222;
	ssize_t length = strlen(variant->given);
	char before[64];

	setup_module(_metadata, HELLO, "");
	ASSERT_LE(0, parameter_read(HELLO, variant->name, before, sizeof(before)));
	EXPECT_EQ(writable ? length : -EACCES,
		  parameter_write(HELLO, variant->name, variant->given));

	EXPECT_PARAMETER(HELLO, variant->name, writable ? variant->shown : before);
}

FIXTURE(good) {
};

FIXTURE_VARIANT(good) {
	const char *name;
	const char *given;
	const char *shown;
};

FIXTURE_VARIANT_ADD(good, value_max) { "value", "value=2147483647", "2147483647" };
FIXTURE_VARIANT_ADD(good, value_in_hex) { "value", "value=0x2a", "42" };
FIXTURE_VARIANT_ADD(good, value_in_octal) { "value", "value=052", "42" };
FIXTURE_VARIANT_ADD(good, value_given_twice) { "value", "value=1 value=2", "2" };
FIXTURE_VARIANT_ADD(good, name_empty) { "name", "name=", "" };
FIXTURE_VARIANT_ADD(good, name_of_words) { "name", "name=\"two words\"", "two words" };
FIXTURE_VARIANT_ADD(good, name_longest) { "name", "name=" TEXT_1023 "f", TEXT_1023 "f" };
FIXTURE_VARIANT_ADD(good, flag_without_value) { "flag", "flag", "Y" };
FIXTURE_VARIANT_ADD(good, flag_on) { "flag", "flag=on", "Y" };
FIXTURE_VARIANT_ADD(good, inverted_on) { "inverted", "inverted=on", "Y" };
FIXTURE_VARIANT_ADD(good, inverted_off) { "inverted", "inverted=off", "N" };
FIXTURE_VARIANT_ADD(good, text_empty) { "text", "text=", "" };
FIXTURE_VARIANT_ADD(good, numbers_one) { "numbers", "numbers=5", "5" };
FIXTURE_VARIANT_ADD(good, numbers_three) { "numbers", "numbers=5,6,7", "5,6,7" };
FIXTURE_VARIANT_ADD(good, percent_0) { "percent", "percent=0", "0" };
FIXTURE_VARIANT_ADD(good, percent_1) { "percent", "percent=1", "1" };
FIXTURE_VARIANT_ADD(good, percent_99) { "percent", "percent=99", "99" };

FIXTURE_SETUP(good)
{
	setup_modules(_metadata, MODULE_HELLO, 0);
}

FIXTURE_TEARDOWN_PARENT(good)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(good, value_is_taken)
{
	ASSERT_EQ(0, module_load(HELLO, variant->given));

	EXPECT_PARAMETER(HELLO, variant->name, variant->shown);
}

FIXTURE(bad) {
};

FIXTURE_VARIANT(bad) {
	const char *name;
	const char *value;
	int error;
};

FIXTURE_VARIANT_ADD(bad, value_word) { "value", "many", -EINVAL };
FIXTURE_VARIANT_ADD(bad, value_fraction) { "value", "1.5", -EINVAL };
FIXTURE_VARIANT_ADD(bad, value_with_rest) { "value", "1x", -EINVAL };
FIXTURE_VARIANT_ADD(bad, value_over_max) { "value", "2147483648", -ERANGE };
FIXTURE_VARIANT_ADD(bad, value_below_min) { "value", "-2147483649", -ERANGE };
FIXTURE_VARIANT_ADD(bad, name_too_long) { "name", TEXT_1023 "ff", -ENOSPC };
FIXTURE_VARIANT_ADD(bad, flag_number) { "flag", "2", -EINVAL };
FIXTURE_VARIANT_ADD(bad, flag_word) { "flag", "maybe", -EINVAL };
FIXTURE_VARIANT_ADD(bad, inverted_word) { "inverted", "maybe", -EINVAL };
FIXTURE_VARIANT_ADD(bad, small_over_max) { "small", "32768", -ERANGE };
FIXTURE_VARIANT_ADD(bad, small_below_min) { "small", "-32769", -ERANGE };
FIXTURE_VARIANT_ADD(bad, usmall_over_max) { "usmall", "65536", -ERANGE };
FIXTURE_VARIANT_ADD(bad, usmall_negative) { "usmall", "-1", -EINVAL };
FIXTURE_VARIANT_ADD(bad, uvalue_over_max) { "uvalue", "4294967296", -ERANGE };
FIXTURE_VARIANT_ADD(bad, uvalue_negative) { "uvalue", "-1", -EINVAL };
FIXTURE_VARIANT_ADD(bad, big_over_max) { "big", BIG_OVER, -ERANGE };
FIXTURE_VARIANT_ADD(bad, ubig_over_max) { "ubig", UBIG_OVER, -ERANGE };
FIXTURE_VARIANT_ADD(bad, ubig_negative) { "ubig", "-1", -EINVAL };
FIXTURE_VARIANT_ADD(bad, text_too_long) { "text", TEXT_15 "f", -ENOSPC };
FIXTURE_VARIANT_ADD(bad, percent_101) { "percent", "101", -EINVAL };
FIXTURE_VARIANT_ADD(bad, percent_negative) { "percent", "-1", -EINVAL };
FIXTURE_VARIANT_ADD(bad, percent_word) { "percent", "half", -EINVAL };
FIXTURE_VARIANT_ADD(bad, percent_over_32_bits) { "percent", "4294967296", -ERANGE };

FIXTURE_SETUP(bad)
{
}

FIXTURE_TEARDOWN_PARENT(bad)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(bad, load_is_refused)
{
	char given[2048];

	snprintf(given, sizeof(given), "%s=%s", variant->name, variant->value);

	setup_modules(_metadata, MODULE_HELLO, 0);
	EXPECT_EQ(variant->error, module_load(HELLO, given));
	EXPECT_FALSE(module_loaded(HELLO));
}

TEST_F(bad, write_is_refused)
{
	setup_module(_metadata, HELLO, "");

	EXPECT_EQ(variant->error, parameter_write(HELLO, variant->name, variant->value));
}

TEST_F(bad, write_keeps_the_old_value)
{
	char before[64];

	setup_module(_metadata, HELLO, "name=old flag=1 inverted=1 small=1 usmall=1 text=old");
	ASSERT_LE(0, parameter_read(HELLO, variant->name, before, sizeof(before)));
	parameter_write(HELLO, variant->name, variant->value);

	EXPECT_PARAMETER(HELLO, variant->name, before);
}

/* Parameters that only a load can have. */
FIXTURE(bad_load) {
};

FIXTURE_VARIANT(bad_load) {
	const char *given;
};

FIXTURE_VARIANT_ADD(bad_load, value_empty) { "value=" };
FIXTURE_VARIANT_ADD(bad_load, value_without_value) { "value" };
FIXTURE_VARIANT_ADD(bad_load, name_without_value) { "name" };
FIXTURE_VARIANT_ADD(bad_load, flag_empty) { "flag=" };
FIXTURE_VARIANT_ADD(bad_load, inverted_without_value) { "inverted" };
FIXTURE_VARIANT_ADD(bad_load, text_without_value) { "text" };
FIXTURE_VARIANT_ADD(bad_load, numbers_nine) { "numbers=1,2,3,4,5,6,7,8,9" };
FIXTURE_VARIANT_ADD(bad_load, numbers_empty) { "numbers=" };
FIXTURE_VARIANT_ADD(bad_load, numbers_with_a_gap) { "numbers=1,,3" };
FIXTURE_VARIANT_ADD(bad_load, numbers_with_a_comma_behind) { "numbers=1," };
FIXTURE_VARIANT_ADD(bad_load, numbers_with_a_word) { "numbers=1,two" };
FIXTURE_VARIANT_ADD(bad_load, percent_without_value) { "percent" };
FIXTURE_VARIANT_ADD(bad_load, loglevels_word) { "loglevels=maybe" };

FIXTURE_SETUP(bad_load)
{
	setup_modules(_metadata, MODULE_HELLO, 0);
}

FIXTURE_TEARDOWN_PARENT(bad_load)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(bad_load, is_einval)
{
	EXPECT_EQ(-EINVAL, module_load(HELLO, variant->given));
	EXPECT_FALSE(module_loaded(HELLO));
}

TEST_HARNESS_MAIN
