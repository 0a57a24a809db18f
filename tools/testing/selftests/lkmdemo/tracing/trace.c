// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trace events and debug messages of /dev/lkmdemo.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "device.h"
#include "kmsg.h"

/* A private instance, which leaves other events and settings alone. */
#define INSTANCE	"/sys/kernel/tracing/instances/lkmdemo_selftest"
#define EVENTS		INSTANCE "/events/lkmdemo"

#define EXPECTED_SIZE	2048

FIXTURE(trace) {
	char expected[EXPECTED_SIZE];
};

FIXTURE_SETUP(trace)
{
	skip_if(_metadata, tracefs_unusable());
	setup_device(_metadata, "exclusive=N");

	/* A run that was killed leaves it. */
	rmdir(INSTANCE);
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	/* This clock orders the events of all processors. */
	ASSERT_EQ(7, file_write(INSTANCE "/trace_clock", "counter"));
}

FIXTURE_TEARDOWN_PARENT(trace)
{
	rmdir(INSTANCE);
	EXPECT_EQ(0, modules_restore());
}

static void __printf(2, 3)
expect_event(char expected[EXPECTED_SIZE], const char *format, ...)
{
	size_t length = strlen(expected);
	va_list args;

	va_start(args, format);
	vsnprintf(expected + length, EXPECTED_SIZE - length, format, args);
	va_end(args);
}

/* The recorded events, one in each line, from the name of the event on. */
static char *recorded(void)
{
	static char trace[65536], events[sizeof(trace)];
	char *line, *event, *end = events;

	if (file_read(INSTANCE "/trace", trace, sizeof(trace)) < 0)
		return NULL;

	for (line = strtok(trace, "\n"); line; line = strtok(NULL, "\n")) {
		event = strstr(line, " lkmdemo_");
		if (line[0] != '#')
			end += sprintf(end, "%s\n", event ? event + 1 : line);
	}
	*end = '\0';

	return events;
}

/* Make calls of every kind, half of which fail, and note the events to expect. */
static void make_calls(struct __test_metadata *_metadata, char expected[EXPECTED_SIZE],
		       bool refused_only)
{
	struct lkmdemo_info info;
	static char much[CAPACITY + 1];
	char seen[CAPACITY];
	unsigned int flags;
	int fd;

	fd = open_device(O_RDWR | O_APPEND);
	ASSERT_LE(0, fd);
	flags = fcntl(fd, F_GETFL);
	ASSERT_EQ(1, parameter_write("lkmdemo", "exclusive", "Y"));
	ASSERT_EQ(-EBUSY, open_device(O_RDWR | O_APPEND));

	ASSERT_EQ(5, read(fd, seen, 5));
	ASSERT_EQ(13, read(fd, seen, sizeof(seen)));
	ASSERT_EQ(0, pread(fd, seen, 9, 500));
	ASSERT_EQ(-EFAULT, RESULT(pread(fd, edge_buffer(0), 2, 3)));
	ASSERT_EQ(4, write(fd, "more", 4));
	/* Zero bytes: no event. */
	ASSERT_EQ(0, write(fd, "", 0));
	ASSERT_EQ(0, read(fd, seen, 0));
	ASSERT_EQ(-EINVAL, RESULT(write(fd, much, sizeof(much))));
	ASSERT_EQ(-ENOSPC, RESULT(write(fd, much, CAPACITY)));
	ASSERT_EQ(0, ioctl(fd, LKMDEMO_IOC_GET_INFO, &info));
	ASSERT_EQ(0, ioctl(fd, LKMDEMO_IOC_CLEAR));
	ASSERT_EQ(-ENOTTY, RESULT(ioctl(fd, 0x1234)));
	ASSERT_EQ(0, close(fd));

	if (!refused_only)
		expect_event(expected, "lkmdemo_open: flags=%#x ret=0\n", flags);
	expect_event(expected, "lkmdemo_open: flags=%#x ret=%d\n", flags, -EBUSY);
	if (!refused_only) {
		expect_event(expected, "lkmdemo_read: pos=0 count=5 ret=5\n");
		expect_event(expected, "lkmdemo_read: pos=5 count=1024 ret=13\n");
		expect_event(expected, "lkmdemo_read: pos=500 count=9 ret=0\n");
	}
	expect_event(expected, "lkmdemo_read: pos=3 count=2 ret=%d\n", -EFAULT);
	if (!refused_only)
		expect_event(expected, "lkmdemo_write: pos=18 count=4 ret=4\n");
	expect_event(expected, "lkmdemo_write: pos=22 count=1025 ret=%d\n", -EINVAL);
	expect_event(expected, "lkmdemo_write: pos=22 count=1024 ret=%d\n", -ENOSPC);
	if (!refused_only) {
		expect_event(expected, "lkmdemo_ioctl: cmd=%#x ret=0\n",
			     (unsigned int)LKMDEMO_IOC_GET_INFO);
		expect_event(expected, "lkmdemo_ioctl: cmd=%#x ret=0\n",
			     (unsigned int)LKMDEMO_IOC_CLEAR);
	}
	expect_event(expected, "lkmdemo_ioctl: cmd=0x1234 ret=%d\n", -ENOTTY);
	if (!refused_only)
		expect_event(expected, "lkmdemo_release: flags=%#x\n", flags);
}

TEST_F(trace, events_are_off_by_default)
{
	char enabled[8];

	ASSERT_EQ(2, file_read(EVENTS "/enable", enabled, sizeof(enabled)));
	EXPECT_STREQ("0\n", enabled);

	make_calls(_metadata, self->expected, false);
	EXPECT_STREQ("", recorded());
}

#define SECTIONS	"/sys/module/lkmdemo/sections/"

/* It writes to the trace of the system, whatever events are enabled. */
TEST_F(trace, module_has_no_trace_printk)
{
	if (access(SECTIONS, F_OK))
		SKIP(return, "the driver is no module");

	EXPECT_EQ(0, access(SECTIONS ".text", F_OK));
	EXPECT_NE(0, access(SECTIONS "__trace_printk_fmt", F_OK));
}

TEST_F(trace, events_match_the_calls_in_order)
{
	ASSERT_EQ(1, file_write(EVENTS "/enable", "1"));
	make_calls(_metadata, self->expected, false);

	EXPECT_STREQ(self->expected, recorded());
}

TEST_F(trace, events_can_be_filtered_by_their_result)
{
	static const char * const events[] = {
		EVENTS "/lkmdemo_open/filter",
		EVENTS "/lkmdemo_read/filter",
		EVENTS "/lkmdemo_write/filter",
		EVENTS "/lkmdemo_ioctl/filter",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		ASSERT_EQ(7, RESULT(file_write(events[i], "ret < 0")));
	ASSERT_EQ(1, file_write(EVENTS "/enable", "1"));
	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_release/enable", "0"));
	make_calls(_metadata, self->expected, true);

	EXPECT_STREQ(self->expected, recorded());
}

TEST_F(trace, event_can_be_enabled_alone)
{
	char seen[5];
	int fd;

	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_write/enable", "1"));
	fd = open_device(O_RDWR);
	ASSERT_EQ(5, pread(fd, seen, 5, 0));
	ASSERT_EQ(5, pwrite(fd, seen, 5, 7));

	EXPECT_STREQ("lkmdemo_write: pos=7 count=5 ret=5\n", recorded());
}

TEST_F(trace, events_are_the_same_for_all_system_calls)
{
	struct iovec iov[] = { { "one", 3 }, { "four", 4 } };
	off_t offset = 2;
	char seen[9];
	int pipes[2];
	int fd;

	iov[0].iov_base = seen;
	iov[1].iov_base = seen + 3;
	ASSERT_EQ(0, pipe(pipes));
	fd = open_device(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_read/enable", "1"));
	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_write/enable", "1"));

	ASSERT_EQ(7, pread(fd, seen, 7, 2));
	ASSERT_EQ(7, preadv(fd, iov, 2, 2));
	ASSERT_EQ(7, preadv2(fd, iov, 2, 2, RWF_NOWAIT));
	ASSERT_EQ(7, splice(fd, &offset, pipes[1], NULL, 7, 0));
	ASSERT_EQ(7, pwrite(fd, seen, 7, 3));
	ASSERT_EQ(7, pwritev(fd, iov, 2, 3));
	ASSERT_EQ(7, pwritev2(fd, iov, 2, 3, RWF_NOWAIT));
	offset = 3;
	ASSERT_EQ(7, splice(pipes[0], NULL, fd, &offset, 7, 0));
	ASSERT_EQ(7, pwritev2(fd, iov, 2, 3, RWF_APPEND));

	expect_event(self->expected, "lkmdemo_read: pos=2 count=7 ret=7\n"
				     "lkmdemo_read: pos=2 count=7 ret=7\n"
				     "lkmdemo_read: pos=2 count=7 ret=7\n"
				     "lkmdemo_read: pos=2 count=7 ret=7\n"
				     "lkmdemo_write: pos=3 count=7 ret=7\n"
				     "lkmdemo_write: pos=3 count=7 ret=7\n"
				     "lkmdemo_write: pos=3 count=7 ret=7\n"
				     "lkmdemo_write: pos=3 count=7 ret=7\n"
				     "lkmdemo_write: pos=18 count=7 ret=7\n");
	EXPECT_STREQ(self->expected, recorded());
}

TEST_F(trace, open_with_o_direct_is_recorded_as_refused)
{
	ASSERT_EQ(1, file_write(EVENTS "/enable", "1"));
	ASSERT_EQ(-EINVAL, open_device(O_RDONLY | O_DIRECT));

	EXPECT_NE(NULL, strstr(recorded(), "ret=-22\n"));
}

TEST_F(trace, refused_write_records_its_offset)
{
	int fd = open_device(O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_write/enable", "1"));
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(fd, "x", 1, CAPACITY)));

	EXPECT_STREQ("lkmdemo_write: pos=1024 count=1 ret=-28\n", recorded());
}

TEST_F(trace, events_carry_the_pid_of_the_caller)
{
	char trace[4096], pid[32];
	char byte;
	int fd;

	fd = open_device(O_RDWR);
	ASSERT_EQ(1, file_write(EVENTS "/lkmdemo_read/enable", "1"));
	ASSERT_EQ(1, pread(fd, &byte, 1, 0));

	ASSERT_LT(0, file_read(INSTANCE "/trace", trace, sizeof(trace)));
	snprintf(pid, sizeof(pid), "-%d ", gettid());
	EXPECT_NE(NULL, strstr(trace, pid));
}

#define CONTROL	"/proc/dynamic_debug/control"

/* Whether debug lines of the driver are enabled. */
static bool debug_lines_enabled(void)
{
	bool enabled = false;
	char line[1024];
	FILE *control;

	control = fopen(CONTROL, "re");
	while (control && !enabled && fgets(line, sizeof(line), control))
		enabled = strstr(line, "[lkmdemo]") && strstr(line, " =p");
	if (control)
		fclose(control);

	return enabled;
}

FIXTURE(debug) {
	int fd, kmsg;
};

FIXTURE_SETUP(debug)
{
	skip_if(_metadata, kmsg_unusable());
	skip_if(_metadata, dynamic_debug_unusable());
	setup_device(_metadata, "");
	if (module_fixed("lkmdemo") && debug_lines_enabled())
		SKIP(return, "the debug lines of the driver are enabled");

	self->fd = open_device(O_RDWR);
	ASSERT_LE(0, self->fd);
	self->kmsg = kmsg_open();
	ASSERT_LE(0, self->kmsg);
}

FIXTURE_TEARDOWN_PARENT(debug)
{
	/* A load disables them. */
	if (module_fixed("lkmdemo"))
		EXPECT_LT(0, file_write(CONTROL, "module lkmdemo =_"));
	EXPECT_EQ(0, modules_restore());
}

TEST_F(debug, line_of_a_write_is_off_by_default)
{
	ASSERT_EQ(5, write(self->fd, "Jello", 5));

	EXPECT_NO_LINE(self->kmsg, "lkmdemo");
}

TEST_F(debug, line_of_a_write_has_its_bytes_and_the_length)
{
	ASSERT_LT(0, RESULT(file_write(CONTROL, "module lkmdemo +p")));
	ASSERT_EQ(5, write(self->fd, "Jello", 5));

	EXPECT_EQ(1, kmsg_count(self->kmsg, LEVEL_DEBUG,
				"lkmdemo: wrote 5 bytes, length is 18\n"));
}

TEST_F(debug, line_of_a_write_has_a_stack_on_request)
{
	char text[1024];

	skip_if(_metadata, file_write(CONTROL, "module lkmdemo +pd") < 0 ?
			   "requires the flag d of dynamic debug" : NULL);
	ASSERT_EQ(5, write(self->fd, "Jello", 5));

	EXPECT_LE(0, kmsg_find(self->kmsg, "lkmdemo: wrote 5 bytes", text, sizeof(text)));
	EXPECT_LE(0, kmsg_find(self->kmsg, KMSG_STACK, text, sizeof(text)));
}

TEST_F(debug, line_does_not_appear_for_a_refused_write)
{
	ASSERT_LT(0, RESULT(file_write(CONTROL, "module lkmdemo +p")));
	ASSERT_EQ(-ENOSPC, RESULT(pwrite(self->fd, "x", 1, CAPACITY)));

	EXPECT_NO_LINE(self->kmsg, "lkmdemo");
}

TEST_F(debug, line_is_off_again_when_switched_off)
{
	ASSERT_LT(0, RESULT(file_write(CONTROL, "module lkmdemo +p")));
	ASSERT_LT(0, RESULT(file_write(CONTROL, "module lkmdemo -p")));
	ASSERT_EQ(5, write(self->fd, "Jello", 5));

	EXPECT_NO_LINE(self->kmsg, "lkmdemo");
}

TEST_HARNESS_MAIN
