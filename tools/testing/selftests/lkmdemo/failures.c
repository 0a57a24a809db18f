// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads in which one allocation after the other fails, the first, the second and
 * so on, until one needs no more of them: each ends in an error, or in a module
 * that does without, and none leaves anything behind.
 */
#include "device.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_NTH	"/proc/self/fail-nth"
#define FAILURES_MAX	5000

FIXTURE(failures) {
	unsigned int found;
	char ignore_gfp_wait[8];
	char verbose[16];
};

FIXTURE_VARIANT(failures) {
	const char *module;
	const char *parameters;
	const char *made;	/* what the load makes, beside the node of the device */
};

FIXTURE_VARIANT_ADD(failures, device) { "lkmdemo", "", "/sys/class/misc/lkmdemo" };
FIXTURE_VARIANT_ADD(failures, inc) {
	"lkmdemo_inc", "", "/sys/module/lkmdemo_counter/holders/lkmdemo_inc"
};

FIXTURE_VARIANT_ADD(failures, hello) {
	"lkmdemo_hello", "name=another", "/sys/module/lkmdemo_hello"
};

FIXTURE_VARIANT_ADD(failures, pool) { "lkmdemo_pool", "", "/sys/kernel/debug/lkmdemo_pool" };

FIXTURE_SETUP(failures)
{
	if (access(FAIL_NTH, F_OK) || access(FAILSLAB, F_OK))
		SKIP(return, "needs CONFIG_FAILSLAB and CONFIG_FAULT_INJECTION_DEBUG_FS");

	if (!setup_modules(_metadata, &self->found, MODULE_COUNTER, NULL))
		return;
	if (module_loaded(variant->module))
		ASSERT_EQ(0, module_unload(variant->module));

	/* Those that may sleep fail too, and do so without a report in the log. */
	ASSERT_LT(0, file_read(FAILSLAB "ignore-gfp-wait", self->ignore_gfp_wait,
			       sizeof(self->ignore_gfp_wait)));
	ASSERT_LT(0, file_read(FAILSLAB "verbose", self->verbose, sizeof(self->verbose)));
	ASSERT_LT(0, file_write(FAILSLAB "ignore-gfp-wait", "N"));
	ASSERT_LT(0, file_write(FAILSLAB "verbose", "0"));
}

FIXTURE_TEARDOWN_PARENT(failures)
{
	file_write(FAILSLAB "ignore-gfp-wait", self->ignore_gfp_wait);
	file_write(FAILSLAB "verbose", self->verbose);
	module_unload(variant->module);
	EXPECT_EQ(0, modules_set(self->found));
}

/*
 * Loads the module, the allocation of this number failing. *@reached: whether
 * there were so many. Returns 0 or a negative errno.
 */
static int load_failing(struct __test_metadata *_metadata, const char *module,
			const char *parameters, int number, bool *reached)
{
	char rest[32];
	int fd, ret;

	snprintf(rest, sizeof(rest), "%d", number);
	fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, write(fd, rest, strlen(rest)));
	ret = module_load(module, parameters);

	memset(rest, 0, sizeof(rest));
	ASSERT_LT(0, pread(fd, rest, sizeof(rest) - 1, 0));
	*reached = !strtol(rest, NULL, 10);
	ASSERT_EQ(1, pwrite(fd, "0", 1, 0));
	close(fd);

	return ret;
}

TEST_F_TIMEOUT(failures, load_ends_in_enomem_or_works_and_leaves_nothing, 100)
{
	bool reached = true;
	int number, ret = 0;
	int refused = 0;

	for (number = 1; reached && number < FAILURES_MAX; number++) {
		ret = load_failing(_metadata, variant->module, variant->parameters, number,
				   &reached);
		if (!ret) {
			ASSERT_TRUE(module_loaded(variant->module));
			ASSERT_EQ(0, module_unload(variant->module));
		} else {
			ASSERT_EQ(-ENOMEM, ret)
				TH_LOG("allocation %d", number);
			refused++;
		}
		ASSERT_FALSE(module_loaded(variant->module))
			TH_LOG("allocation %d", number);
		ASSERT_NE(0, access(variant->made, F_OK))
			TH_LOG("allocation %d left %s", number, variant->made);
		ASSERT_NE(0, access(DEVICE, F_OK))
			TH_LOG("allocation %d left " DEVICE, number);
	}

	TH_LOG("%d allocations, %d of which the load can't do without", number - 2, refused);
	/* The last one had all it wanted, so those before it were in no way. */
	EXPECT_EQ(0, ret);
	EXPECT_LT(0, refused);
}

TEST_HARNESS_MAIN
