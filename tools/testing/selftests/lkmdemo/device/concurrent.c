// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrent opens, reads, writes and appends of /dev/lkmdemo.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "device.h"

#define THREADS	4

static void setup_race(struct __test_metadata *_metadata, const char *parameters)
{
	setup_device(_metadata, parameters);
	use_all_processors(_metadata);
}

FIXTURE(race) {
};

FIXTURE_SETUP(race)
{
	setup_race(_metadata, "");
}

FIXTURE_TEARDOWN_PARENT(race)
{
	EXPECT_EQ(0, modules_restore());
}

#define ROUNDS	20

struct opener {
	pthread_t thread;
	pthread_barrier_t *barrier;
	int fd[ROUNDS];
};

static void *open_in_rounds(void *arg)
{
	struct opener *opener = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(opener->barrier);
		opener->fd[i] = open_device(O_RDWR);
		pthread_barrier_wait(opener->barrier);
		if (opener->fd[i] >= 0)
			close(opener->fd[i]);
	}

	return NULL;
}

TEST_F(race, of_opens_has_one_winner_each_time)
{
	static struct opener openers[THREADS];
	pthread_barrier_t barrier;
	int i, j, won, busy;

	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, THREADS));
	for (i = 0; i < THREADS; i++) {
		openers[i].barrier = &barrier;
		ASSERT_EQ(0, pthread_create(&openers[i].thread, NULL, open_in_rounds,
					    &openers[i]));
	}
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_join(openers[i].thread, NULL));

	for (j = 0; j < ROUNDS; j++) {
		for (won = 0, busy = 0, i = 0; i < THREADS; i++) {
			won += openers[i].fd[j] >= 0;
			busy += openers[i].fd[j] == -EBUSY;
		}
		ASSERT_EQ(1, won);
		ASSERT_EQ(THREADS - 1, busy);
	}
}

/* A full message is written repeatedly, all of one letter or of another. */
FIXTURE(atomicity) {
};

FIXTURE_VARIANT(atomicity) {
	unsigned int reads;
	/* The destination is not resident at each read. */
	bool absent;
};

FIXTURE_VARIANT_ADD(atomicity, of_reads_into_resident_pages) {
	.reads = 100,
	.absent = false,
};

FIXTURE_VARIANT_ADD(atomicity, of_reads_into_pages_that_are_not_resident) {
	.reads = 50,
	.absent = true,
};

FIXTURE_SETUP(atomicity)
{
	setup_race(_metadata, "exclusive=N capacity=65536");
}

FIXTURE_TEARDOWN_PARENT(atomicity)
{
	EXPECT_EQ(0, modules_restore());
}

static atomic_bool stop_writing;

struct writer {
	pthread_t thread;
	unsigned int failed;
};

static void *write_letters(void *arg)
{
	static char letters[2][CAPACITY_MAX];
	struct writer *writer = arg;
	int fd = open_device(O_WRONLY);
	unsigned int i;

	memset(letters[0], 'A', CAPACITY_MAX);
	memset(letters[1], 'B', CAPACITY_MAX);

	/* A wake-up interrupts a read on a single processor as well. */
	for (i = 0; !stop_writing; i++) {
		if (RESULT(pwrite(fd, letters[i % 2], CAPACITY_MAX, 0)) != CAPACITY_MAX)
			writer->failed++;
		usleep(50);
	}

	return NULL;
}

#define CHANGES	8

struct reader {
	pthread_t thread;
	unsigned int reads;
	bool absent;
	unsigned int failed, torn;
};

static void *read_letters(void *arg)
{
	struct reader *reader = arg;
	int fd = open_device(O_RDONLY);
	unsigned int i, changes = 0;
	char *pages, last = 'A';

	pages = mmap(NULL, CAPACITY_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);

	/* Reads show nothing unless the writer runs meanwhile. */
	for (i = 0; i < reader->reads || changes < CHANGES; i++) {
		if (reader->absent)
			madvise(pages, CAPACITY_MAX, MADV_DONTNEED);
		if (RESULT(pread(fd, pages, CAPACITY_MAX, 0)) != CAPACITY_MAX)
			reader->failed++;
		else if (memcmp(pages, pages + 1, CAPACITY_MAX - 1))
			reader->torn++;
		changes += pages[0] != last;
		last = pages[0];
	}

	return NULL;
}

TEST_F(atomicity, shows_all_of_one_write_or_all_of_another)
{
	struct reader readers[THREADS] = {};
	struct writer writer = {};
	static char letters[CAPACITY_MAX];
	int i, fd;

	fd = open_device(O_WRONLY);
	memset(letters, 'A', CAPACITY_MAX);
	ASSERT_EQ(CAPACITY_MAX, write(fd, letters, CAPACITY_MAX));

	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, write_letters, &writer));
	for (i = 0; i < THREADS; i++) {
		readers[i].reads = variant->reads;
		readers[i].absent = variant->absent;
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, read_letters,
					    &readers[i]));
	}
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_join(readers[i].thread, NULL));
	stop_writing = true;
	ASSERT_EQ(0, pthread_join(writer.thread, NULL));

	EXPECT_EQ(0, writer.failed);
	for (i = 0; i < THREADS; i++) {
		EXPECT_EQ(0, readers[i].failed);
		EXPECT_EQ(0, readers[i].torn);
	}
}

FIXTURE(appenders) {
};

FIXTURE_SETUP(appenders)
{
	setup_race(_metadata, "exclusive=N capacity=65536");
}

FIXTURE_TEARDOWN_PARENT(appenders)
{
	EXPECT_EQ(0, modules_restore());
}

#define APPENDED	(64 * 1024)
#define RECORD		32
#define RECORDS		(APPENDED / RECORD / THREADS)

struct appender {
	pthread_t thread;
	char letter;
	unsigned int failed;
};

static void *append_records(void *arg)
{
	struct appender *appender = arg;
	int i, fd = open_device(O_WRONLY | O_APPEND);
	char record[RECORD];

	memset(record, appender->letter, RECORD);
	for (i = 0; i < RECORDS; i++)
		if (RESULT(write(fd, record, RECORD)) != RECORD)
			appender->failed++;

	return NULL;
}

TEST_F(appenders, lose_and_mix_no_record)
{
	struct appender appenders[THREADS] = {};
	unsigned int records[THREADS] = {};
	static char seen[APPENDED + 1];
	int i, fd;

	fd = open_device(O_RDWR | O_TRUNC);
	ASSERT_LE(0, fd);

	for (i = 0; i < THREADS; i++) {
		appenders[i].letter = 'a' + i;
		ASSERT_EQ(0, pthread_create(&appenders[i].thread, NULL, append_records,
					    &appenders[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(appenders[i].thread, NULL));
		EXPECT_EQ(0, appenders[i].failed);
	}

	ASSERT_EQ(APPENDED, read(fd, seen, sizeof(seen)));
	for (i = 0; i < APPENDED; i += RECORD) {
		ASSERT_LE('a', seen[i]);
		ASSERT_GT('a' + THREADS, seen[i]);
		ASSERT_EQ(0, memcmp(seen + i, seen + i + 1, RECORD - 1));
		records[seen[i] - 'a']++;
	}
	for (i = 0; i < THREADS; i++)
		EXPECT_EQ(RECORDS, records[i]);
}

FIXTURE(offline) {
	int fd;
};

FIXTURE_SETUP(offline)
{
	setup_race(_metadata, "");
	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(offline)
{
	EXPECT_EQ(0, modules_restore());
}

#define ONLINE	"/sys/devices/system/cpu/cpu1/online"
#define WRITES	"/sys/class/misc/lkmdemo/counters/writes"

TEST_F(offline, processor_keeps_its_part_of_the_counters)
{
	char before[32] = "", after[32] = "";
	cpu_set_t second;

	if (access(ONLINE, W_OK))
		SKIP(return, "no processor 1 that can be taken off");
	CPU_ZERO(&second);
	CPU_SET(1, &second);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(second), &second));
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	ASSERT_LT(0, file_read(WRITES, before, sizeof(before)));

	ASSERT_LT(0, file_write(ONLINE, "0"));
	EXPECT_LT(0, file_read(WRITES, after, sizeof(after)));
	EXPECT_LT(0, file_write(ONLINE, "1"));
	EXPECT_STREQ(before, after);
}

TEST_HARNESS_MAIN
