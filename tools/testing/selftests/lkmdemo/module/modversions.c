// SPDX-License-Identifier: GPL-2.0-only
/*
 * With CONFIG_MODVERSIONS a module contains the checksum of each symbol that it uses, as
 * of its build. The kernel refuses the module if a checksum is different now.
 */
#include "device.h"
#include "image.h"
#include "kmsg.h"

#define SYMBOL		"lkmdemo_counter_add"

static struct image image;

FIXTURE(modversions) {
	char *name;	/* of the symbol, behind its checksum of a long */
	int kmsg;
};

FIXTURE_SETUP(modversions)
{
	static const char entry[] = "\0\0\0\0" SYMBOL;

	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, image_unusable(&image, CLIENT));
	if (!image_find(&image, " modversions ", strlen(" modversions ")))
		SKIP(return, "requires CONFIG_MODVERSIONS");

	setup_modules(_metadata, 0, MODULE_COUNTER);

	/* The upper half of the checksum is 0. */
	self->name = image_find(&image, entry, sizeof(entry));
	ASSERT_NE(NULL, self->name);
	self->name += 4;
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(modversions)
{
	module_unload(CLIENT);
	EXPECT_EQ(0, modules_restore());
}

TEST_F(modversions, right_checksum_loads_the_module)
{
	EXPECT_EQ(0, image_load(&image, ""));
}

TEST_F(modversions, another_checksum_is_einval)
{
	self->name[-8] ^= 1;

	EXPECT_EQ(-EINVAL, image_load(&image, ""));
	EXPECT_FALSE(module_loaded(CLIENT));
	EXPECT_LINE(self->kmsg, CLIENT, LEVEL_WARNING, "disagrees about version of symbol " SYMBOL);
	EXPECT_LINE(self->kmsg, CLIENT, LEVEL_WARNING, "Unknown symbol " SYMBOL " (err -22)");
}

TEST_F(modversions, no_checksum_is_einval)
{
	self->name[0] = 'L';

	EXPECT_EQ(-EINVAL, image_load(&image, ""));
	EXPECT_FALSE(module_loaded(CLIENT));
	EXPECT_LINE(self->kmsg, CLIENT, LEVEL_WARNING, "no symbol version for " SYMBOL);
}

TEST_HARNESS_MAIN
