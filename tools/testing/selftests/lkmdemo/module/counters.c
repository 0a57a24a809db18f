// SPDX-License-Identifier: GPL-2.0-only
/*
 * lkmdemo_counter and its clients: the order of loading and unloading, and the
 * shared counter.
 */
#include "device.h"

static const struct client {
	const char *name;
	long long step;
} clients[] = {
	{ "lkmdemo_inc", 1 },
	{ "lkmdemo_dec", -1 },
	{ "lkmdemo", 0 },
};

#define EXPECT_SHARED(expected) do {							\
	char _expected[32], _value[32];							\
											\
	snprintf(_expected, sizeof(_expected), "%lld", (long long)(expected));		\
	ASSERT_LE(0, parameter_read("lkmdemo_counter", "shared", _value, sizeof(_value)));	\
	EXPECT_STREQ(_expected, _value);						\
} while (0)

/* Nothing is loaded. */
FIXTURE(counters) {
};

FIXTURE_SETUP(counters)
{
	setup_modules(_metadata, MODULE_STACK, 0);
}

FIXTURE_TEARDOWN_PARENT(counters)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(counters, shared_starts_at_zero)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	EXPECT_SHARED(0);
}

TEST_F(counters, shared_can_be_negative)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load("lkmdemo_dec", ""));

	EXPECT_SHARED(-1);
}

TEST_F(counters, shared_increases_with_each_load_of_inc)
{
	int i;

	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, module_load("lkmdemo_inc", ""));
		EXPECT_SHARED(i);
		ASSERT_EQ(0, module_unload("lkmdemo_inc"));
		EXPECT_SHARED(i);
	}
}

TEST_F(counters, shared_restarts_at_zero_after_unload)
{
	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_COUNTER | MODULE_INC));
	EXPECT_SHARED(1);

	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_COUNTER));
	EXPECT_SHARED(0);
}

TEST_F(counters, shared_does_not_change_with_the_device)
{
	char byte;
	int fd;

	skip_if(_metadata, devtmpfs_missing());
	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_COUNTER | MODULE_DEVICE));
	fd = open_device(O_RDWR | O_TRUNC);
	ASSERT_EQ(1, write(fd, "x", 1));
	ASSERT_EQ(1, pread(fd, &byte, 1, 0));
	ASSERT_EQ(-EBUSY, open_device(O_RDWR));

	EXPECT_SHARED(0);
}

TEST_F(counters, shared_can_not_be_set_at_load)
{
	EXPECT_EQ(-EPERM, module_load("lkmdemo_counter", "shared=5"));
	EXPECT_EQ(0, modules_loaded());
}

TEST_F(counters, load_succeeds_after_a_refused_load)
{
	ASSERT_EQ(-EPERM, module_load("lkmdemo_counter", "shared=5"));
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	EXPECT_SHARED(0);
}

TEST_F(counters, shared_can_not_be_written)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	EXPECT_EQ(0444, parameter_mode("lkmdemo_counter", "shared"));
	EXPECT_EQ(-EACCES, parameter_write("lkmdemo_counter", "shared", "5"));
	EXPECT_SHARED(0);
}

TEST_F(counters, exporter_alone_loads_and_unloads)
{
	EXPECT_EQ(0, module_load("lkmdemo_counter", ""));
	EXPECT_EQ(MODULE_COUNTER, modules_loaded());
	EXPECT_EQ(0, module_unload("lkmdemo_counter"));
	EXPECT_EQ(0, modules_loaded());
}

TEST_F(counters, exporter_twice_is_eexist)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	EXPECT_EQ(-EEXIST, module_load("lkmdemo_counter", ""));
}

TEST_F(counters, exporter_not_loaded_unload_is_enoent)
{
	EXPECT_EQ(-ENOENT, module_unload("lkmdemo_counter"));
}

TEST_F(counters, exporter_can_not_be_unloaded_before_its_last_client)
{
	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_STACK));

	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
	ASSERT_EQ(0, module_unload("lkmdemo_inc"));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
	ASSERT_EQ(0, module_unload("lkmdemo"));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
	ASSERT_EQ(0, module_unload("lkmdemo_dec"));
	EXPECT_EQ(0, module_unload("lkmdemo_counter"));
}

TEST_F(counters, device_can_not_be_unloaded_before_the_last_close)
{
	int fd, copy;

	skip_if(_metadata, devtmpfs_missing());
	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_COUNTER | MODULE_DEVICE));
	fd = open_device(O_RDWR);
	copy = dup(fd);
	ASSERT_LE(0, copy);

	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));
	ASSERT_EQ(0, close(copy));
	EXPECT_EQ(0, module_unload("lkmdemo"));
}

TEST_F(counters, device_works_after_a_refused_unload)
{
	int fd;

	skip_if(_metadata, devtmpfs_missing());
	ASSERT_EQ(0, modules_set(MODULE_STACK, MODULE_COUNTER | MODULE_DEVICE));
	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-EWOULDBLOCK, module_unload("lkmdemo"));

	EXPECT_GREETING(fd);
}

static void swap_bytes(unsigned char *a, unsigned char *b)
{
	unsigned char byte = *a;

	*a = *b;
	*b = byte;
}

/* Permute the bytes to the next lexical order. Return false after the last one. */
static bool next_arrangement(unsigned char *bytes, int count)
{
	int i = count - 2, j = count - 1, k;

	while (i >= 0 && bytes[i] >= bytes[i + 1])
		i--;
	if (i < 0)
		return false;

	while (bytes[j] <= bytes[i])
		j--;
	swap_bytes(&bytes[i], &bytes[j]);
	for (j = i + 1, k = count - 1; j < k; j++, k--)
		swap_bytes(&bytes[j], &bytes[k]);

	return true;
}

TEST_F_TIMEOUT(counters, shared_changes_at_load_only_in_every_order, 100)
{
	/* The first turn of a client loads it, the second one unloads it. */
	unsigned char order[] = { 0, 0, 1, 1, 2, 2 };
	const struct client *client;
	unsigned int i, orders = 0;
	long long shared = 0;

	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	do {
		for (i = 0; i < ARRAY_SIZE(order); i++) {
			client = &clients[order[i]];
			if (module_loaded(client->name)) {
				ASSERT_EQ(0, module_unload(client->name));
			} else {
				ASSERT_EQ(0, module_load(client->name, ""));
				shared += client->step;
			}
			EXPECT_SHARED(shared);
		}
		ASSERT_EQ(MODULE_COUNTER, modules_loaded());
		orders++;
	} while (next_arrangement(order, ARRAY_SIZE(order)));

	EXPECT_EQ(90, orders);
}

/* A module that depends on the exporter. */
FIXTURE(client) {
};

FIXTURE_VARIANT(client) {
	const struct client *client;
};

FIXTURE_VARIANT_ADD(client, inc) {
	.client = &clients[0],
};

FIXTURE_VARIANT_ADD(client, dec) {
	.client = &clients[1],
};

FIXTURE_VARIANT_ADD(client, device) {
	.client = &clients[2],
};

FIXTURE_SETUP(client)
{
	setup_modules(_metadata, MODULE_STACK, 0);
}

FIXTURE_TEARDOWN_PARENT(client)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F(client, without_the_exporter_is_enoent)
{
	EXPECT_EQ(-ENOENT, module_load(variant->client->name, ""));
	EXPECT_EQ(0, modules_loaded());
}

TEST_F(client, does_not_load_after_the_exporter_was_unloaded)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_unload("lkmdemo_counter"));

	EXPECT_EQ(-ENOENT, module_load(variant->client->name, ""));
}

TEST_F(client, not_loaded_unload_is_enoent)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));

	EXPECT_EQ(-ENOENT, module_unload(variant->client->name));
}

TEST_F(client, unloaded_twice_is_enoent)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load(variant->client->name, ""));
	ASSERT_EQ(0, module_unload(variant->client->name));

	EXPECT_EQ(-ENOENT, module_unload(variant->client->name));
}

TEST_F(client, loaded_twice_is_eexist)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load(variant->client->name, ""));

	EXPECT_EQ(-EEXIST, module_load(variant->client->name, ""));
	EXPECT_SHARED(variant->client->step);
}

TEST_F(client, keeps_the_exporter_loaded)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load(variant->client->name, ""));

	EXPECT_EQ(-EWOULDBLOCK, module_unload("lkmdemo_counter"));
	EXPECT_TRUE(module_loaded("lkmdemo_counter"));
}

TEST_F(client, releases_the_exporter_at_unload)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load(variant->client->name, ""));
	ASSERT_EQ(0, module_unload(variant->client->name));

	EXPECT_EQ(0, module_unload("lkmdemo_counter"));
}

TEST_F(client, does_not_revert_its_change_at_unload)
{
	ASSERT_EQ(0, module_load("lkmdemo_counter", ""));
	ASSERT_EQ(0, module_load(variant->client->name, ""));
	ASSERT_EQ(0, module_unload(variant->client->name));

	EXPECT_SHARED(variant->client->step);
}

TEST_HARNESS_MAIN
