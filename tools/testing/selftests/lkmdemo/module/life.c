// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lifetime of a module: what its load creates and its unload removes, and what the
 * kernel shows of it in between.
 */
#include <sys/sysmacros.h>
#include <sys/stat.h>

#include "device.h"
#include "image.h"

#define CLASS_ENTRY	"/sys/class/misc/lkmdemo"
#define DEBUGFS		"/sys/kernel/debug/lkmdemo"

FIXTURE(loaded) {
	struct module_line line;
};

FIXTURE_SETUP(loaded)
{
	skip_if(_metadata, devtmpfs_missing());
	setup_modules(_metadata, MODULE_COUNTER | MODULE_INC | MODULE_DEVICE,
		      MODULE_COUNTER | MODULE_INC);
	ASSERT_EQ(0, module_load("lkmdemo", ""));
}

FIXTURE_TEARDOWN_PARENT(loaded)
{
	EXPECT_EQ(0, modules_restore());
}

/* Reads a file that contains one number, in any base. */
static long long file_number(const char *path)
{
	char text[64];
	ssize_t ret = file_read(path, text, sizeof(text));

	return ret < 0 ? ret : strtoll(text, NULL, 0);
}

TEST_F(loaded, exporter_shows_its_size)
{
	ASSERT_TRUE(module_line_read("lkmdemo_counter", &self->line));

	EXPECT_LT(0, self->line.size);
	EXPECT_EQ(file_number("/sys/module/lkmdemo_counter/coresize"), self->line.size);
}

TEST_F(loaded, exporter_lists_its_users_last_first)
{
	ASSERT_TRUE(module_line_read("lkmdemo_counter", &self->line));

	EXPECT_EQ(2, self->line.uses);
	EXPECT_STREQ("lkmdemo,lkmdemo_inc,", self->line.users);
}

TEST_F(loaded, exporter_has_a_holder_for_each_user)
{
	EXPECT_EQ(0, access("/sys/module/lkmdemo_counter/holders/lkmdemo", F_OK));
	EXPECT_EQ(0, access("/sys/module/lkmdemo_counter/holders/lkmdemo_inc", F_OK));
	EXPECT_NE(0, access("/sys/module/lkmdemo_counter/holders/lkmdemo_dec", F_OK));
}

TEST_F(loaded, module_is_live)
{
	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));

	EXPECT_STREQ("Live", self->line.state);
}

TEST_F(loaded, module_shows_its_address_to_root)
{
	skip_if(_metadata, addresses_hidden());
	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));

	EXPECT_NE(0, self->line.address);
}

TEST_F(loaded, module_hides_its_address_from_others)
{
	skip_if(_metadata, addresses_public());
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));

	EXPECT_EQ(0, self->line.address);
}

TEST_F(loaded, module_has_a_use_for_each_open_file)
{
	int fd;

	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));
	EXPECT_EQ(0, self->line.uses);
	EXPECT_STREQ("-", self->line.users);

	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));
	EXPECT_EQ(1, self->line.uses);
	EXPECT_STREQ("-", self->line.users);

	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, file_number("/sys/module/lkmdemo/refcnt"));
}

TEST_F(loaded, module_in_tree_has_no_taint)
{
	char taints[16] = "?";

	skip_if(_metadata, in_tree_missing("lkmdemo"));
	ASSERT_TRUE(module_line_read("lkmdemo", &self->line));
	ASSERT_LE(0, file_read("/sys/module/lkmdemo/taint", taints, sizeof(taints)));

	EXPECT_STREQ("", self->line.taints);
	EXPECT_STREQ("\n", taints);
}

TEST_F(loaded, module_frees_the_memory_of_its_init)
{
	EXPECT_EQ(0, file_number("/sys/module/lkmdemo/initsize"));
}

/* The symbols of a module in /proc/kallsyms, each between two spaces. */
static const char *symbols_of(struct __test_metadata *_metadata, const char *module)
{
	static char names[16384];
	char line[512], of[128], name[128];
	size_t length = 1;
	FILE *symbols;

	symbols = fopen("/proc/kallsyms", "re");
	ASSERT_NE(NULL, symbols);

	snprintf(of, sizeof(of), "[%s]\n", module);
	names[0] = ' ';
	while (fgets(line, sizeof(line), symbols)) {
		if (!strstr(line, of) || sscanf(line, "%*s %*s %127s", name) != 1)
			continue;
		length += snprintf(names + length, sizeof(names) - length, "%s ", name);
		ASSERT_GT(sizeof(names), length);
	}
	fclose(symbols);

	return names;
}

TEST_F(loaded, init_function_is_no_longer_a_symbol)
{
	const char *symbols;

	skip_if(_metadata, kallsyms_missing());
	symbols = symbols_of(_metadata, "lkmdemo");
	ASSERT_NE(NULL, strstr(symbols, " lkmdemo_exit "));

	EXPECT_EQ(NULL, strstr(symbols, " lkmdemo_init "));
}

TEST_F(loaded, exports_are_symbols)
{
	const char *symbols;

	skip_if(_metadata, kallsyms_missing());
	symbols = symbols_of(_metadata, "lkmdemo_counter");
	EXPECT_NE(NULL, strstr(symbols, " lkmdemo_counter_add "));
	EXPECT_NE(NULL, strstr(symbols, " lkmdemo_counter_read "));
	EXPECT_NE(NULL, strstr(symbols, " lkmdemo_register_notifier "));
	EXPECT_NE(NULL, strstr(symbols, " lkmdemo_unregister_notifier "));
}

TEST_F(loaded, exports_are_no_symbols_after_unload)
{
	skip_if(_metadata, kallsyms_missing());
	ASSERT_EQ(0, modules_set(MODULE_STACK, 0));

	EXPECT_STREQ(" ", symbols_of(_metadata, "lkmdemo_counter"));
}

/* The exporter alone is loaded. */
FIXTURE(device) {
};

FIXTURE_SETUP(device)
{
	skip_if(_metadata, devtmpfs_missing());
	setup_modules(_metadata, MODULE_DEVICE, MODULE_COUNTER);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, modules_restore());
}

/* Whether a line of the file ends with the name of the device. */
static bool lists_device(const char *path)
{
	char text[4096];

	return file_read(path, text, sizeof(text)) > 0 && strstr(text, " lkmdemo\n");
}

#define EXPECT_DEVICE(expected) do {						\
	bool there = (expected);						\
										\
	EXPECT_EQ(there, !access(DEVICE, F_OK));				\
	EXPECT_EQ(there, !access(CLASS_ENTRY, F_OK));				\
	EXPECT_EQ(there, !access("/sys/devices/virtual/misc/lkmdemo", F_OK));	\
	EXPECT_EQ(there, lists_device("/proc/misc"));				\
	if (!debugfs_unusable())						\
		EXPECT_EQ(there, !access(DEBUGFS, F_OK));			\
} while (0)

TEST_F(device, exists_while_the_module_is_loaded_every_time)
{
	int i;

	EXPECT_DEVICE(false);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, module_load("lkmdemo", ""));
		EXPECT_DEVICE(true);
		ASSERT_EQ(0, module_unload("lkmdemo"));
		EXPECT_DEVICE(false);
	}
}

TEST_F(device, class_entry_shows_the_number_of_the_node)
{
	char shown[32] = "", expected[32];
	struct stat node;

	ASSERT_EQ(0, module_load("lkmdemo", ""));
	ASSERT_EQ(0, stat(DEVICE, &node));
	ASSERT_LT(0, file_read(CLASS_ENTRY "/dev", shown, sizeof(shown)));

	snprintf(expected, sizeof(expected), "10:%u\n", minor(node.st_rdev));
	EXPECT_STREQ(expected, shown);
}

TEST_F(device, does_not_exist_after_a_load_that_failed)
{
	ASSERT_EQ(-EINVAL, module_load("lkmdemo", "capacity=0"));

	EXPECT_DEVICE(false);
}

TEST_F(device, works_after_a_load_that_failed)
{
	ASSERT_EQ(-ENOENT, module_load("lkmdemo", "payload=lkmdemo-there-is-no-such-file"));

	ASSERT_EQ(0, module_load("lkmdemo", ""));
	EXPECT_DEVICE(true);
	ASSERT_EQ(0, module_unload("lkmdemo"));
	EXPECT_DEVICE(false);
}

/* A module that was built out of tree, under the GPL. */
static struct image image;

FIXTURE(out_of_tree) {
};

FIXTURE_SETUP(out_of_tree)
{
	skip_if(_metadata, image_unusable(&image, CLIENT));
	setup_modules(_metadata, 0, MODULE_COUNTER);
}

FIXTURE_TEARDOWN_PARENT(out_of_tree)
{
	module_unload(CLIENT);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(out_of_tree, module_taints_with_an_o)
{
	struct module_line line;

	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_TRUE(module_line_read(CLIENT, &line));

	EXPECT_NE(NULL, strchr(line.taints, 'O'));
	EXPECT_EQ(NULL, strchr(line.taints, 'P'));
}

TEST_F(out_of_tree, module_taints_the_kernel_even_after_its_unload)
{
	long long taints;

	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_EQ(0, module_unload(CLIENT));
	taints = file_number("/proc/sys/kernel/tainted");

	ASSERT_LE(0, taints);
	EXPECT_NE(0, taints & (1 << 12));
}

TEST_F(out_of_tree, module_uses_the_exports_like_any_other)
{
	struct module_line line;

	skip_if(_metadata, module_fixed("lkmdemo_counter"));
	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_TRUE(module_line_read("lkmdemo_counter", &line));

	EXPECT_STREQ(CLIENT ",", line.users);
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
}

TEST_HARNESS_MAIN
