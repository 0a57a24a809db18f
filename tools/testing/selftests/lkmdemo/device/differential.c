// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls to /dev/lkmdemo, each compared with a model in user memory: result,
 * bytes and position.
 *
 * The calls depend on the seed only. The test prints it, and takes one from the
 * environment variable LKMDEMO_SEED. LKMDEMO_CALLS is the number of calls.
 */
#include "model.h"

/* A wrong position or byte affects the calls in between as well. */
#define CALLS_PER_LOOK	16

FIXTURE(differential) {
	uint64_t random;
	struct model model;
	struct call call;
	/* Where the accessible memory of each segment ends. */
	unsigned char *edge[SEGMENTS];
	int fd;
};

FIXTURE_VARIANT(differential) {
	const char *parameters;
	size_t capacity;
	unsigned int calls;
};

/* Small enough to reach every bound often, and not a whole page. */
FIXTURE_VARIANT_ADD(differential, capacity_200) {
	.parameters = "capacity=200",
	.capacity = 200,
	.calls = 20000,
};

/* Crosses page boundaries. */
FIXTURE_VARIANT_ADD(differential, capacity_10000) {
	.parameters = "capacity=10000",
	.capacity = MODEL_MAX,
	.calls = 2000,
};

static unsigned int choose_calls(unsigned int usual)
{
	const char *given = getenv("LKMDEMO_CALLS");

	return given ? strtoul(given, NULL, 0) : usual;
}

FIXTURE_SETUP(differential)
{
	int i;

	setup_device(_metadata, variant->parameters);

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);

	self->model.capacity = variant->capacity;
	self->model.length = GREETING_LENGTH;
	memcpy(self->model.bytes, GREETING, GREETING_LENGTH);
	for (i = 0; i < SEGMENTS; i++)
		self->edge[i] = (unsigned char *)edge_buffer(variant->capacity + 64) +
				variant->capacity + 64;
}

FIXTURE_TEARDOWN_PARENT(differential)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F_TIMEOUT(differential, agrees_with_the_model, 100)
{
	struct model *model = &self->model;
	struct call *call = &self->call;
	unsigned int calls = choose_calls(variant->calls);
	uint64_t seed = choose_seed();
	ssize_t expected, result;
	off_t start;
	unsigned int i;

	TH_LOG("LKMDEMO_SEED=%llu", (unsigned long long)seed);
	self->random = seed;

	for (i = 0; i < calls; i++) {
		choose_call(&self->random, call, self->edge, model->capacity);
		fill_memory(&self->random, call);
		start = call->operation == PREAD ? call->offset : model->position;

		expected = predict(model, call);
		result = perform(&self->fd, call);
		if (is_read(call))
			expected = accept_shorter(model, expected, result);

		EXPECT_EQ(expected, result)
			goto mismatch;
		if (is_read(call) && call->operation != PREAD && result > 0)
			model->position += result;
		if (is_read(call))
			EXPECT_TRUE(read_agrees(model, call, start, result))
				goto mismatch;
		if (i % CALLS_PER_LOOK)
			continue;
		EXPECT_EQ(model->position, RESULT(lseek(self->fd, 0, SEEK_CUR)))
			goto mismatch;
		EXPECT_TRUE(message_agrees(self->fd, model))
			goto mismatch;
	}
	return;

mismatch:
	TH_LOG("LKMDEMO_SEED=%llu, call %u: %s", (unsigned long long)seed, i, describe(call));
	TH_LOG("model now: length=%zu position=%lld append=%d", model->length,
	       (long long)model->position, model->append);
}

TEST_HARNESS_MAIN
