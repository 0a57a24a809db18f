// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random calls by several processes on every interface of the device, each compared
 * with a model in shared memory. The device is unloaded and loaded again in between.
 *
 * One process calls at a time, so that the calls depend on the seed only. Another one
 * requests the state without a pause. LKMDEMO_SEED=N repeats the calls of a run, and
 * LKMDEMO_SECONDS=N lets it last so long.
 */
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "model.h"
#include "netlink.h"

#define ATTRIBUTES	"/sys/class/misc/lkmdemo/"
#define WORKERS		4
#define CALLS_PER_LOOK	16

/* The calls of a worker before another one continues. */
#define BURST		32

/* The calls of a run without LKMDEMO_SECONDS. */
#define CALLS		3000

#define POLL_ALWAYS	(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM)

enum counter { OPENS, OPENS_REFUSED, READS, WRITES, BYTES_READ, BYTES_WRITTEN, COUNTERS };

static const char * const counter_names[COUNTERS] = {
	"opens", "opens_refused", "reads", "writes", "bytes_read", "bytes_written",
};

/* What the processes share. */
struct soak {
	sem_t turns[WORKERS];
	uint64_t random;
	uint64_t calls;
	uint64_t loads;
	long long end;
	bool done;
	bool failed;
	/* The workers close their files, because the module is to be unloaded. */
	bool draining;
	/* The state of the device; the position in @model is that of the present worker. */
	struct model model;
	uint64_t generation;
	long long counters[COUNTERS];
	int openers;
	bool exclusive;
	/* A socket that receives the events. */
	int listener;
};

/* What a worker has of its own. */
struct worker {
	int number;
	int fd;
	off_t position;
	bool append;
	uint64_t seen;
	unsigned char *map;
	size_t mapped;
	unsigned char *edge[SEGMENTS];
	struct call call;
	const char *doing;
};

static struct soak *soak;
static struct worker self;

/* Ends the run with a difference. */
static bool differs(const char *what, long long expected, long long seen)
{
	printf("# LKMDEMO_SEED, call %llu, worker %d, %s: %s is %lld, not %lld\n",
	       (unsigned long long)soak->calls, self.number, self.doing, what, seen, expected);
	if (self.doing == operations[self.call.operation])
		printf("# %s\n", describe(&self.call));
	printf("# model: capacity=%zu length=%zu position=%lld append=%d openers=%d exclusive=%d\n",
	       soak->model.capacity, soak->model.length, (long long)soak->model.position,
	       soak->model.append, soak->openers, soak->exclusive);
	fflush(stdout);
	soak->failed = true;

	return false;
}

static bool same(const char *what, long long expected, long long seen)
{
	return expected == seen || differs(what, expected, seen);
}

static long long attribute(const char *name)
{
	char path[128], text[32];
	ssize_t ret;

	snprintf(path, sizeof(path), ATTRIBUTES "%s", name);
	ret = file_read(path, text, sizeof(text));

	return ret < 0 ? ret : atoll(text);
}

static long long counter(enum counter counter)
{
	char name[64];

	snprintf(name, sizeof(name), "counters/%s", counter_names[counter]);

	return attribute(name);
}

/* Counts a change, whose event has to be there already. */
static bool change(void)
{
	uint64_t length = 0, generation = 0;
	int ret;

	soak->generation++;
	ret = event_receive(soak->listener, &length, &generation);

	return same("event", 0, ret) && same("length of the event", soak->model.length, length) &&
	       same("generation of the event", soak->generation, generation);
}

static bool unmap(void)
{
	if (self.map && munmap(self.map, self.mapped))
		return differs("munmap()", 0, -errno);
	self.map = NULL;

	return true;
}

static bool close_file(void)
{
	if (!unmap() || self.fd < 0)
		return !soak->failed;
	soak->openers--;
	if (close(self.fd))
		return differs("close()", 0, -errno);
	self.fd = -1;

	return true;
}

static bool open_file(bool truncate, bool append)
{
	bool refused = soak->exclusive && soak->openers;
	bool emptied = truncate && soak->model.length && !refused;
	int ret;

	ret = open_device(O_RDWR | (truncate ? O_TRUNC : 0) | (append ? O_APPEND : 0));
	soak->counters[refused ? OPENS_REFUSED : OPENS]++;
	if (!same("open()", refused ? -EBUSY : 0, ret < 0 ? ret : 0))
		return false;
	if (refused)
		return true;

	self.fd = ret;
	soak->openers++;
	soak->model.position = 0;
	soak->model.append = append;
	if (emptied) {
		memset(soak->model.bytes, 0, soak->model.length);
		soak->model.length = 0;
		if (!change())
			return false;
	}
	self.seen = soak->generation;

	return true;
}

static void count(bool reading, ssize_t bytes)
{
	soak->counters[reading ? READS : WRITES]++;
	soak->counters[reading ? BYTES_READ : BYTES_WRITTEN] += bytes;
}

/* Makes a random call that the model knows. */
static bool transfer(void)
{
	struct model *model = &soak->model;
	struct call *call = &self.call;
	ssize_t expected, result;
	bool reading, seeks;
	off_t start;

	do {
		choose_call(&soak->random, call, self.edge, model->capacity);
	} while (call->operation == REOPEN);
	self.doing = operations[call->operation];
	fill_memory(&soak->random, call);
	reading = is_read(call);
	seeks = call->operation >= LSEEK;
	start = call->operation == PREAD ? call->offset : model->position;

	expected = predict(model, call);
	result = perform(&self.fd, call);
	if (reading)
		expected = accept_shorter(model, expected, result);
	if (!same("result", expected, result))
		return false;

	if (reading && call->operation != PREAD && result > 0)
		model->position += result;
	if (seeks || result < 0 || !call_count(call))
		return true;
	count(reading, result);
	if (!reading)
		return change();
	self.seen = soak->generation;

	return read_agrees(model, call, start, result) || differs("the bytes", 0, 1);
}

static bool poll_file(void)
{
	struct pollfd poll_fd = { self.fd, POLL_ALWAYS | POLLPRI, 0 };

	self.doing = "poll";

	return same("poll()", 1, RESULT(poll(&poll_fd, 1, 0))) &&
	       same("the mask", POLL_ALWAYS | (self.seen == soak->generation ? 0 : POLLPRI),
		    poll_fd.revents);
}

static bool same_info(const struct lkmdemo_info *info)
{
	return same("capacity", soak->model.capacity, info->capacity) &&
	       same("length", soak->model.length, info->length) &&
	       same("generation", soak->generation, info->generation);
}

static bool get_info(void)
{
	struct lkmdemo_info info;

	self.doing = "GET_INFO";

	return same("ioctl()", 0, RESULT(ioctl(self.fd, LKMDEMO_IOC_GET_INFO, &info))) &&
	       same_info(&info);
}

static bool clear(void)
{
	bool changes = soak->model.length;

	self.doing = "CLEAR";
	if (!same("ioctl()", 0, RESULT(ioctl(self.fd, LKMDEMO_IOC_CLEAR))))
		return false;
	memset(soak->model.bytes, 0, soak->model.length);
	soak->model.length = 0;

	return !changes || change();
}

static bool unknown_ioctl(void)
{
	self.doing = "an unknown ioctl";

	return same("ioctl()", -ENOTTY,
		    RESULT(ioctl(self.fd, _IO(0xed, 2 + random_below(&soak->random, 100)))));
}

static bool map_file(void)
{
	size_t page = sysconf(_SC_PAGESIZE), pages = (soak->model.capacity + page - 1) / page;
	size_t first = random_below(&soak->random, pages + 2);
	size_t nr = 1 + random_below(&soak->random, pages + 1);
	int prot = one_in(&soak->random, 8) ? PROT_READ | PROT_WRITE : PROT_READ;
	int expected = first + nr > pages ? -EINVAL : prot & PROT_WRITE ? -EPERM : 0;
	void *map;

	self.doing = "mmap";
	map = mmap(NULL, nr * page, prot, MAP_SHARED, self.fd, first * page);
	if (!same("mmap()", expected, map == MAP_FAILED ? -errno : 0) || map == MAP_FAILED)
		return !soak->failed;
	/* Only mappings from the start are kept. */
	if (first)
		return same("munmap()", 0, RESULT(munmap(map, nr * page)));
	if (!unmap())
		return false;
	self.map = map;
	self.mapped = nr * page;

	return true;
}

static bool request_info(void)
{
	struct lkmdemo_info info;

	self.doing = "info-get";

	return same("the reply", 0, info_get(&info)) && same_info(&info);
}

static bool read_attributes(void)
{
	enum counter i;

	self.doing = "sysfs";
	for (i = 0; i < COUNTERS; i++)
		if (!same(counter_names[i], soak->counters[i], counter(i)))
			return false;

	return same("capacity", soak->model.capacity, attribute("capacity")) &&
	       same("length", soak->model.length, attribute("length")) &&
	       same("generation", soak->generation, attribute("generation"));
}

static bool set_exclusive(void)
{
	soak->exclusive = one_in(&soak->random, 3);
	self.doing = "the parameter exclusive";

	return same("the write", 1, parameter_write("lkmdemo", "exclusive",
						    soak->exclusive ? "Y" : "N"));
}

static bool load_again(void)
{
	static const size_t capacities[] = { 64, 200, 4096, MODEL_MAX };
	char parameters[64];

	soak->model.capacity = capacities[random_below(&soak->random, 4)];
	soak->model.length = snprintf((char *)soak->model.bytes, MODEL_MAX, "greeting %llu\n",
				      (unsigned long long)soak->loads++);
	memset(soak->model.bytes + soak->model.length, 0, MODEL_MAX - soak->model.length);
	soak->generation = 1;
	soak->exclusive = one_in(&soak->random, 3);
	snprintf(parameters, sizeof(parameters),
		 "capacity=%zu greeting=\"greeting %llu\" exclusive=%c", soak->model.capacity,
		 (unsigned long long)soak->loads - 1, soak->exclusive ? 'Y' : 'N');

	return same("the load", 0, module_load("lkmdemo", parameters)) &&
	       same("the membership", 0, membership(soak->listener, NETLINK_ADD_MEMBERSHIP));
}

/* The module is in use while it is open or mapped. */
static bool unload(void)
{
	bool used = soak->openers;

	self.doing = "unload";
	if (!same("delete_module()", used ? -EWOULDBLOCK : 0, module_unload("lkmdemo")) || used)
		return !soak->failed;
	self.doing = "load";
	if (!same("capacity=0", -EINVAL, module_load("lkmdemo", "capacity=0")))
		return false;
	soak->draining = false;

	return load_again();
}

/* The message as its file and its mapping show it. */
static bool look(void)
{
	size_t page = sysconf(_SC_PAGESIZE), i, length;

	self.doing = "look";
	if (self.fd >= 0) {
		if (!message_agrees(self.fd, &soak->model))
			return differs("the message", 0, 1);
		count(true, soak->model.length);
		self.seen = soak->generation;
		if (!same("the position", soak->model.position,
			  RESULT(lseek(self.fd, 0, SEEK_CUR))))
			return false;
	}
	length = self.mapped < MODEL_MAX ? self.mapped : MODEL_MAX;
	if (self.map && memcmp(self.map, soak->model.bytes, length))
		return differs("the mapping", 0, 1);
	for (i = MODEL_MAX; self.map && i < self.mapped; i += page / 8)
		if (self.map[i])
			return differs("a byte behind the capacity", 0, self.map[i]);

	return true;
}

/* Makes one random call. Most of them transfer bytes. */
static bool step(void)
{
	static bool (* const others[])(void) = {
		poll_file, get_info, clear, unknown_ioctl, map_file, unmap, look,
	};
	uint64_t *random = &soak->random;

	soak->calls++;
	if (soak->draining && self.fd >= 0) {
		self.doing = "close";
		return close_file();
	}
	if (soak->draining || one_in(random, 200))
		return unload();
	if (one_in(random, 1000))
		soak->draining = true;
	if (one_in(random, 50))
		return request_info();
	if (one_in(random, 100))
		return read_attributes();
	if (one_in(random, 100))
		return set_exclusive();
	if (one_in(random, 40) || self.fd < 0) {
		self.doing = "open";
		if (!close_file())
			return false;
		return one_in(random, 4) || open_file(one_in(random, 3), one_in(random, 4));
	}
	if (one_in(random, 4))
		return others[random_below(random, sizeof(others) / sizeof(*others))]();

	return transfer();
}

/* Makes random calls until another worker continues. */
static void burst(void)
{
	uint64_t calls = 1 + random_below(&soak->random, BURST), i;

	soak->model.position = self.position;
	soak->model.append = self.append;
	for (i = 0; i < calls && step(); i++)
		if (soak->calls % CALLS_PER_LOOK == 0 && !look())
			break;
	self.position = soak->model.position;
	self.append = soak->model.append;
	if (soak->failed || (soak->end ? now() > soak->end : soak->calls > CALLS))
		soak->done = true;
}

static void work(int number)
{
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = (struct worker){ .number = number, .fd = -1, .doing = "" };
	for (i = 0; i < SEGMENTS; i++)
		self.edge[i] = (unsigned char *)edge_buffer(MODEL_MAX + 64) + MODEL_MAX + 64;

	for (;;) {
		sem_wait(&soak->turns[number]);
		if (!soak->done)
			burst();
		if (soak->done)
			break;
		sem_post(&soak->turns[random_below(&soak->random, WORKERS)]);
	}
	for (i = 0; i < WORKERS; i++)
		sem_post(&soak->turns[i]);
	_exit(0);
}

/* Requests the state at any time, also while the device is absent. */
static void disturb(void)
{
	struct lkmdemo_info info;
	long long length;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!soak->done) {
		length = attribute("length");
		if (length > MODEL_MAX) {
			self.doing = "sysfs at any time";
			differs("length", MODEL_MAX, length);
		}
		if (family_id() > 0 && !info_get(&info) && info.length > info.capacity) {
			self.doing = "info-get at any time";
			differs("length", info.capacity, info.length);
		}
	}
	_exit(0);
}

FIXTURE(soak) {
	uint64_t seed;
};

FIXTURE_SETUP(soak)
{
	const char *seconds = getenv("LKMDEMO_SECONDS");
	enum counter i;

	skip_if(_metadata, module_fixed("lkmdemo"));
	setup_device(_metadata, "");
	if (family_id() == -ENOENT)
		skip_if(_metadata, "requires CONFIG_LKMDEMO_NETLINK");
	soak = mmap(NULL, sizeof(*soak), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, soak);
	for (i = 0; i < WORKERS; i++)
		ASSERT_EQ(0, sem_init(&soak->turns[i], 1, 0));
	for (i = 0; i < COUNTERS; i++)
		soak->counters[i] = counter(i);
	self->seed = choose_seed();
	soak->random = self->seed;
	soak->listener = socket_open();
	soak->end = seconds ? now() + atoll(seconds) * SECOND : 0;
	ASSERT_EQ(0, module_unload("lkmdemo"));
	ASSERT_TRUE(load_again());
}

FIXTURE_TEARDOWN_PARENT(soak)
{
	EXPECT_EQ(0, modules_restore());
}

TEST_F_TIMEOUT(soak, agrees_with_the_model, 1000000)
{
	pid_t children[WORKERS + 1];
	int i, status, left;

	TH_LOG("LKMDEMO_SEED=%llu", (unsigned long long)self->seed);
	fflush(NULL);
	for (i = 0; i <= WORKERS; i++) {
		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i] && i < WORKERS)
			work(i);
		if (!children[i])
			disturb();
	}
	sem_post(&soak->turns[0]);

	for (left = WORKERS + 1; left; left--) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status)
			goto died;
	}
	EXPECT_FALSE(soak->failed);
	TH_LOG("%llu calls, %llu loads", (unsigned long long)soak->calls,
	       (unsigned long long)soak->loads);
	return;

died:
	for (i = 0; i <= WORKERS; i++)
		kill(children[i], SIGKILL);
}

TEST_HARNESS_MAIN
