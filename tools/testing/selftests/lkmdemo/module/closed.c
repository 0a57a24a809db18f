// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules without a GPL-compatible licence. Such a module disables lock debugging
 * until the next boot, so these cases do not run on a kernel that has it.
 */
#include "device.h"
#include "image.h"
#include "kmsg.h"

static struct image image;

static int setup_image(struct __test_metadata *_metadata, const char *user)
{
	int kmsg;

	if (!access("/proc/lockdep_stats", F_OK))
		skip_if(_metadata, "would disable lock debugging until the next boot");

	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, image_unusable(&image, user));
	setup_modules(_metadata, MODULE_COUNTER, MODULE_COUNTER);
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg);

	return kmsg;
}

FIXTURE(closed) {
	int kmsg;
};

FIXTURE_SETUP(closed)
{
	self->kmsg = setup_image(_metadata, CLOSED);
}

FIXTURE_TEARDOWN_PARENT(closed)
{
	module_unload(CLOSED);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(closed, module_can_use_export_symbol)
{
	char text[256] = "";

	ASSERT_EQ(0, image_load(&image, ""));

	EXPECT_EQ(LEVEL_INFO, kmsg_find(self->kmsg, CLOSED ": shared counter is ", text,
					sizeof(text)));
	EXPECT_STREQ("0", text);
}

TEST_F(closed, module_taints_with_a_p)
{
	struct module_line line;

	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_TRUE(module_line_read(CLOSED, &line));

	EXPECT_EQ(0, strncmp(line.taints, "(PO", strlen("(PO")));
}

TEST_F(closed, module_taints_the_kernel_even_after_its_unload)
{
	char taints[32] = "";

	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_EQ(0, module_unload(CLOSED));
	ASSERT_LT(0, file_read("/proc/sys/kernel/tainted", taints, sizeof(taints)));

	EXPECT_EQ(1, strtol(taints, NULL, 10) & 1);
}

FIXTURE(export_symbol_gpl) {
	int kmsg;
};

FIXTURE_VARIANT(export_symbol_gpl) {
	const char *user;
	const char *symbol;
};

FIXTURE_VARIANT_ADD(export_symbol_gpl, counter_add) { CLIENT, "lkmdemo_counter_add" };
FIXTURE_VARIANT_ADD(export_symbol_gpl, register) { NOTIFIER, "lkmdemo_register_notifier" };
FIXTURE_VARIANT_ADD(export_symbol_gpl, unregister) { NOTIFIER, "lkmdemo_unregister_notifier" };

FIXTURE_SETUP(export_symbol_gpl)
{
	self->kmsg = setup_image(_metadata, variant->user);
}

FIXTURE_TEARDOWN_PARENT(export_symbol_gpl)
{
	module_unload(variant->user);
	EXPECT_EQ(0, modules_restore());
}

/* modpost would have refused to link the module with this licence. */
TEST_F(export_symbol_gpl, is_refused)
{
	char beginning[128], text[256] = "";

	ASSERT_TRUE(image_replace(&image, "license=GPL", "license=Own"));
	snprintf(beginning, sizeof(beginning), "%s: Unknown symbol %s ", variant->user,
		 variant->symbol);

	EXPECT_EQ(-ENOENT, image_load(&image, ""));
	EXPECT_FALSE(module_loaded(variant->user));
	EXPECT_EQ(LEVEL_WARNING, kmsg_find(self->kmsg, beginning, text, sizeof(text)));
	EXPECT_STREQ("(err -2)", text);
}

TEST_HARNESS_MAIN
