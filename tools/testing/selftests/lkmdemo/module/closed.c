// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules without a GPL-compatible licence. Such a module disables lock debugging
 * until the next boot, so these cases do not run on a kernel that has it.
 */
#include "device.h"
#include "image.h"
#include "kmsg.h"

static struct image image;

FIXTURE(closed) {
	int kmsg;
};

FIXTURE_SETUP(closed)
{
	if (!access("/proc/lockdep_stats", F_OK))
		SKIP(return, "would disable lock debugging until the next boot");

	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, image_unusable(&image, CLOSED));
	setup_modules(_metadata, MODULE_COUNTER, MODULE_COUNTER);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
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

/* modpost would have refused to link the module with this licence. */
TEST_F(closed, module_cannot_use_export_symbol_gpl)
{
	char text[256] = "";

	image_read(&image, CLIENT);
	ASSERT_LT(0, image.size);
	ASSERT_TRUE(image_replace(&image, "license=GPL", "license=Own"));

	EXPECT_EQ(-ENOENT, image_load(&image, ""));
	EXPECT_FALSE(module_loaded(CLIENT));
	EXPECT_EQ(LEVEL_WARNING, kmsg_find(self->kmsg, CLIENT ": Unknown symbol ", text,
					   sizeof(text)));
	EXPECT_STREQ("lkmdemo_counter_add (err -2)", text);
}

TEST_HARNESS_MAIN
