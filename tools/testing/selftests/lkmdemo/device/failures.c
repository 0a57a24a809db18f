// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads in which the first allocation of the init function fails, then the second,
 * and so on, until init makes no further allocation. Each load ends in an error, or
 * in a module that does without the allocation, and none leaves anything behind.
 */
#include "device.h"
#include "failslab.h"
#include "image.h"

#define NEVER		1000000

/*
 * The removal of a refused module makes at most half this number of allocations, and
 * loads differ by a few in those of the kernel.
 */
#define AFTERWARDS	16

FIXTURE(failures) {
	struct failslab failslab;
};

FIXTURE_VARIANT(failures) {
	const char *module;
	unsigned int bit;
	const char *refused;	/* parameters that init refuses before all else */
	const char *made;	/* what init makes */
};

FIXTURE_VARIANT_ADD(failures, device) {
	"lkmdemo", MODULE_DEVICE, "capacity=0", "/sys/class/misc/lkmdemo"
};

FIXTURE_VARIANT_ADD(failures, pool) {
	"lkmdemo_pool", MODULE_POOL, "nr_items=0", "/sys/kernel/debug/lkmdemo_pool"
};

FIXTURE_SETUP(failures)
{
	skip_if(_metadata, failslab_unusable());
	setup_modules(_metadata, MODULE_COUNTER | variant->bit, MODULE_COUNTER);

	ASSERT_TRUE(failslab_set(&self->failslab));
}

FIXTURE_TEARDOWN_PARENT(failures)
{
	failslab_restore(&self->failslab);
	module_unload(variant->module);
	EXPECT_EQ(0, modules_restore());
}

/*
 * Loads the module, and lets the allocation of this number fail. Sets @left to the
 * number of allocations before that which were not made, 0 if it failed. Returns 0 or
 * a negative errno.
 */
static int load_failing(struct __test_metadata *_metadata, const struct image *image,
			const char *parameters, int number, int *left)
{
	int ret;

	ASSERT_TRUE(fail_start(number));
	ret = image_load(image, parameters);
	*left = fail_stop();

	return ret;
}

TEST_F_TIMEOUT(failures, of_allocations_in_init_leave_nothing, 100)
{
	/* Checkers make further allocations. */
	bool checked = !access("/sys/kernel/debug/kmemleak", F_OK);
	int number, first, left, left_of_load, ret, before;
	static struct image image;
	bool made = false;
	int refused = 0;

	/* From memory, since the file system allocates as well. */
	image.size = module_read(variant->module, image.bytes, sizeof(image.bytes));
	ASSERT_LT(0, image.size);

	/* The first unload makes further allocations where it stores counters of gcov. */
	ASSERT_EQ(0, image_load(&image, ""));
	ASSERT_EQ(0, module_unload(variant->module));

	/*
	 * Skip the allocations of the kernel before it calls init. With checkers, a load
	 * that is refused may make more of them than one that succeeds.
	 */
	ASSERT_EQ(0, load_failing(_metadata, &image, "", NEVER, &left_of_load));
	ASSERT_EQ(0, module_unload(variant->module));
	ASSERT_EQ(-EINVAL, load_failing(_metadata, &image, variant->refused, NEVER,
					&left));
	if (left < left_of_load)
		left = left_of_load;
	first = NEVER - left - AFTERWARDS * (checked ? 4 : 1);
	ASSERT_LT(0, first);
	before = buffers();

	for (number = first, left = 0; !left; number++) {
		ret = load_failing(_metadata, &image, "", number, &left);
		if (ret) {
			ASSERT_EQ(-ENOMEM, ret)
				TH_LOG("allocation %d", number);
			refused++;
		} else {
			made = !access(variant->made, F_OK);
			ASSERT_EQ(0, module_unload(variant->module));
		}
		ASSERT_FALSE(module_loaded(variant->module))
			TH_LOG("allocation %d", number);
		ASSERT_NE(0, access(variant->made, F_OK))
			TH_LOG("allocation %d left %s", number, variant->made);
		ASSERT_NE(0, access(DEVICE, F_OK))
			TH_LOG("allocation %d left " DEVICE, number);
		ASSERT_EQ(before, buffers())
			TH_LOG("allocation %d left a buffer", number);
	}

	TH_LOG("%d allocations from %d on, %d of them needed", number - 1 - first, first, refused);
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(made);
	EXPECT_LT(0, refused);
}

TEST_HARNESS_MAIN
