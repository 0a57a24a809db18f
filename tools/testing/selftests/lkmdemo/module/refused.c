// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules that the kernel refuses to load, and what it logs about them.
 */
#include "device.h"
#include "image.h"
#include "kmsg.h"

static struct image image;

/* The exporter is loaded, its client is in the image. */
FIXTURE(refused) {
	int kmsg;
};

FIXTURE_SETUP(refused)
{
	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, image_unusable(&image, CLIENT));
	setup_modules(_metadata, 0, MODULE_COUNTER);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(refused)
{
	module_unload(CLIENT);
	EXPECT_EQ(0, modules_restore());
}

#define EXPECT_REFUSED(error) do {					\
	EXPECT_EQ(error, image_load(&image, ""));			\
	EXPECT_FALSE(module_loaded(CLIENT));				\
} while (0)

TEST_F(refused, nothing_of_a_module_that_is_right)
{
	EXPECT_EQ(0, image_load(&image, ""));
	EXPECT_TRUE(module_loaded(CLIENT));
}

TEST_F(refused, vermagic_of_another_configuration_is_enoexec)
{
	ASSERT_TRUE(image_replace(&image, "mod_unload ", "mod_unlace "));

	EXPECT_REFUSED(-ENOEXEC);
}

TEST_F(refused, vermagic_of_another_configuration_is_logged_beside_the_right_one)
{
	char text[1024] = "";

	ASSERT_TRUE(image_replace(&image, "mod_unload ", "mod_unlace "));
	image_load(&image, "");

	EXPECT_EQ(LEVEL_ERR, kmsg_next(self->kmsg, CLIENT, text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "version magic '", strlen("version magic '")));
	EXPECT_LT(strstr(text, "mod_unlace "), strstr(text, "' should be '"));
	EXPECT_LT(strstr(text, "' should be '"), strstr(text, "mod_unload "));
}

/* With CONFIG_MODVERSIONS the checksums of the symbols decide instead. */
TEST_F(refused, vermagic_of_another_release_is_enoexec_unless_symbols_have_versions)
{
	bool versions = image_find(&image, " modversions ", strlen(" modversions "));
	char *vermagic = image_find(&image, "vermagic=", strlen("vermagic="));

	ASSERT_NE(NULL, vermagic);
	vermagic[strlen("vermagic=")] ^= 1;

	EXPECT_EQ(versions ? 0 : -ENOEXEC, image_load(&image, ""));
}

TEST_F(refused, symbol_without_an_exporter_is_enoent)
{
	skip_if(_metadata, module_fixed("lkmdemo_counter"));
	ASSERT_EQ(0, modules_set(MODULE_STACK, 0));

	EXPECT_REFUSED(-ENOENT);
	EXPECT_LINE(self->kmsg, CLIENT, LEVEL_WARNING,
		    "Unknown symbol lkmdemo_counter_add (err -2)");
}

TEST_F(refused, text_is_enoexec)
{
	image.size = snprintf(image.bytes, sizeof(image.bytes), "Hello");

	EXPECT_REFUSED(-ENOEXEC);
}

TEST_F(refused, truncated_module_is_enoexec)
{
	image.size /= 2;

	EXPECT_REFUSED(-ENOEXEC);
}

TEST_F(refused, module_of_another_machine_is_enoexec)
{
	/* e_machine, in either byte order. */
	image.bytes[18] ^= 0x7f;

	EXPECT_REFUSED(-ENOEXEC);
}

TEST_HARNESS_MAIN
