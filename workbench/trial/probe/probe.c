// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does to a character device what user space does to devices, and prints what no
 * device may do. Usage: probe DEVICE [MODULE]...
 *
 * It does not know the device: one that refuses everything has no finding. Each check
 * is a process with a time limit, so that a hang is a finding as well. The kernel log
 * has a line for each check, in front of what the kernel reports meanwhile. With the
 * names of its modules, the references to them are checked, and their parameters are
 * written while the device is used. Prints, with tabs:
 *
 *	check	NAME
 *	finding	ID	what was done	what came back	why it is wrong
 *	probed	NUMBER of checks
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "probe.h"

#define PATIENCE 3		/* seconds for a call that must not wait */

static const struct {
	const char *id;
	const char *why;
} rules[NR_RULES] = {
	[HANG] = { "hang",
		"O_NONBLOCK forbids to wait, and a signal ends any other wait." },
	[CRASH] = { "crash",
		"A call must return to its caller, and change no memory but what it was given." },
	[NEGATIVE] = { "negative",
		"User space knows the errnos 1 to 133 only." },
	[NOT_HELD] = { "not-held",
		"An open file must hold its module (.owner), or rmmod removes code in use." },
	[REFERENCE] = { "leak-reference",
		"All files are closed; a module with a reference cannot be unloaded." },
	[STAYS_BUSY] = { "stays-busy",
		"All files are closed, so that nobody uses the device." },
	[TWO_OPENERS] = { "two-openers",
		"The device refuses an open while it is open, and is open twice." },
	[READ_NO_END] = { "read-no-end",
		"A read at the end must return 0, or a program that reads to the end never ends." },
	[READ_COUNT] = { "read-count",
		"A read must not return more bytes than it was asked for." },
	[READ_BEYOND] = { "read-beyond",
		"A read must not store bytes that its result does not count." },
	[READ_POSITION] = { "read-position",
		"A read must move the position by the bytes that it returns." },
	[READ_STEPS] = { "read-steps",
		"Small reads must return the same bytes as a large one." },
	[READ_SHARED] = { "read-shared-position",
		"Each open file has a position of its own, which other readers must not move." },
	[READ_OFFSET] = { "read-offset",
		"pread(2) must return the bytes at its offset." },
	[READ_PAST_END] = { "read-past-end",
		"A read past the end must return 0." },
	[READ_FAULT] = { "read-swallowed-fault",
		"The bytes cannot be stored there: the read must fail with EFAULT, or be short." },
	[LEAK_ADDRESS] = { "leak-kernel-address",
		"User space must not get an address of the kernel, which helps an attacker." },
	[SEEK] = { "position",
		"lseek(2) must return the new position, 0 or more, or fail and leave it." },
	[MMAP_OVERSIZE] = { "mmap-oversize",
		"A mapping must not be larger than the buffer, or it shows other memory." },
	[MMAP_WRITABLE] = { "mmap-becomes-writable",
		"A driver that refuses PROT_WRITE must clear VM_MAYWRITE as well." },
	[WRITE_COUNT] = { "write-count",
		"A write must not return more bytes than it was given." },
	[WRITE_ZERO] = { "write-zero",
		"A write of more than zero bytes must not return 0: programs then repeat it endlessly." },
	[WRITE_POSITION] = { "write-position",
		"A write must move the position by the bytes that it returns." },
	[WRITE_FAULT] = { "write-swallowed-fault",
		"The bytes cannot be read there: the write must fail with EFAULT, or be short." },
	[WRITE_PARTIAL] = { "write-partial",
		"A write that fails must change nothing." },
	[WRITE_OVERSIZE] = { "write-oversize",
		"A write must fail, or return how many bytes it has stored." },
	[IOCTL_UNKNOWN] = { "ioctl-unknown-ok",
		"A command that the driver does not know must fail with ENOTTY." },
	[IOCTL_FAULT] = { "ioctl-swallowed-fault",
		"The command accesses its argument there: it must fail with EFAULT." },
	[IOCTL_BEYOND] = { "ioctl-beyond",
		"The number says how many bytes the command may change (_IOC_SIZE)." },
};

/* The gentle ones first, those that change the device last. */
static const struct check {
	const char *name;
	void (*run)(void);
	enum {
		READS = 1,	/* is made again once the device has data */
		WAITS = 2,	/* may wait for as long as nobody kills it */
	} flags;
} checks[] = {
	{ "open and close", check_open, 0 },
	{ "the module of an open file", check_held, 0 },
	{ "read to the end", check_end, READS },
	{ "read in steps", check_steps, READS },
	{ "two readers", check_two_readers, READS },
	{ "read at offsets", check_offsets, READS },
	{ "addresses of the kernel", check_leaks, READS },
	{ "lseek", check_seek, 0 },
	{ "poll", check_poll, 0 },
	{ "second open", check_second_open, 0 },
	{ "racing opens", check_racing_opens, 0 },
	{ "oversized mmap", check_mmap_size, 0 },
	{ "mmap that becomes writable", check_mmap_protection, 0 },
	{ "read into bad memory", check_read_fault, READS },
	{ "read that waits", check_blocking_read, WAITS },
	{ "write of many sizes", check_write_sizes, 0 },
	{ "write from bad memory", check_write_fault, 0 },
	{ "write at offsets", check_write_offsets, 0 },
	{ "ioctl", check_ioctl, WAITS },
	{ "open with flags", check_open_flags, 0 },
	{ "threads", check_threads, 0 },
};

struct shared *shared;
const char *device;
char **modules;
unsigned char *edge, *constant;

/* Note the first finding of a rule: what came back from what was being done. */
void report(enum rule rule, const char *format, ...)
{
	char outcome[128];
	va_list args;

	if (shared->found[rule])
		return;
	shared->found[rule] = true;
	va_start(args, format);
	vsnprintf(outcome, sizeof(outcome), format, args);
	va_end(args);
	shared->length += snprintf(shared->findings + shared->length,
				   sizeof(shared->findings) - shared->length,
				   "finding\t%s\t%s\t%s\t%s\n", rules[rule].id,
				   shared->doing, outcome, rules[rule].why);
}

static void print_findings(void)
{
	fwrite(shared->findings, 1, shared->length, stdout);
	fflush(stdout);
	shared->length = 0;
}

static void announce(const char *name)
{
	int log = open("/dev/kmsg", O_WRONLY);
	char line[PATH_MAX];
	int n;

	printf("check\t%s\n", name);
	fflush(stdout);
	n = snprintf(line, sizeof(line), "probe: %s: %s\n", device, name);
	if (log >= 0 && write(log, line, n) < 0)
		warn("/dev/kmsg");
	close(log);
}

/* Let KASAN see the variables of modules, see helper.c. */
static void renew_redzones(void)
{
	int file = open("/sys/module/trial_helper/parameters/redzones", O_WRONLY);

	if (file >= 0 && write(file, "1", 1) < 0)
		warn("redzones");
	close(file);
}

/* Wait for a process until it ends, or makes no new call for a time. */
static bool has_ended(int pidfd, int seconds)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	unsigned int calls;

	do {
		calls = shared->calls;
		if (poll(&pfd, 1, seconds * 1000) > 0)
			return true;
	} while (shared->calls != calls);

	return false;
}

/* Returns whether the device can still be used. */
static bool run(const struct check *check)
{
	int status, pidfd, null, patience;
	bool is_killed;
	pid_t pid;

	announce(check->name);
	renew_redzones();
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		/* A process that cannot be killed must not keep our output open. */
		null = open("/dev/null", O_RDWR);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		check->run();
		exit(0);
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	patience = check->flags & WAITS || shared->found[HANG] ? 1 : PATIENCE;
	is_killed = !has_ended(pidfd, patience);
	if (is_killed) {
		kill(pid, SIGKILL);
		if (!has_ended(pidfd, PATIENCE)) {
			report(HANG, "nothing; the process cannot be killed");
			return false;
		}
		if (!(check->flags & WAITS))
			report(HANG, "nothing, until the process is killed");
	}
	close(pidfd);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && !is_killed)
		report(CRASH, "signal %d, the end of the process", WTERMSIG(status));

	return true;
}

int main(int argc, char **argv)
{
	bool is_usable = true, is_first;
	int references_before, done = 0;
	size_t i;

	if (argc < 2)
		errx(1, "usage: probe DEVICE [MODULE]...");
	device = argv[1];
	modules = argv + 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* INT_MAX bytes from its end on have no memory either. */
	edge = mmap(NULL, PAGE + (1UL << 31), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || edge == MAP_FAILED || constant == MAP_FAILED ||
	    mprotect(edge, PAGE, PROT_READ | PROT_WRITE))
		err(1, "mmap");
	edge += PAGE;
	references_before = references();
	/* The second time with something to read, if there was nothing. */
	for (is_first = true; is_usable && (is_first || shared->feeds); is_first = false) {
		for (i = 0; i < ARRAY_SIZE(checks) && is_usable; i++)
			if (is_first || checks[i].flags & READS) {
				is_usable = run(&checks[i]);
				print_findings();
				done++;
				/* Each open of a device without a driver calls modprobe. */
				is_usable = is_usable && shared->opens;
			}
		shared->feeds = is_first && !shared->has_data && !shared->found[HANG];
	}
	doing("all checks");
	if (is_usable && references() > references_before)
		report(REFERENCE, "the module has more references than before");
	print_findings();
	printf("probed\t%d\n", done);

	return 0;
}
