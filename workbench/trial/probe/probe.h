/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the checks share: the rules, the calls, and the state of the device.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define __printf(format, first) __attribute__(( \
	__format__(__printf__, format, first)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define SIZE		65536		/* bytes of the largest transfer but for a few */
#define GUARD		64		/* bytes after the buffer, which nobody may change */
#define PATTERN		0xa5		/* the value of bytes that nobody has changed */
#define PAGE		4096
#define HERE		((off_t)-1)	/* at the position of the file */
#define THREADS		4

/* What no device may do. probe.c says why. */
enum rule {
	HANG, CRASH, NEGATIVE, NOT_HELD, REFERENCE, STAYS_BUSY, TWO_OPENERS,
	READ_NO_END, READ_COUNT, READ_BEYOND, READ_POSITION, READ_STEPS, READ_SHARED, READ_OFFSET,
	READ_PAST_END, READ_FAULT, LEAK_ADDRESS, SEEK, MMAP_OVERSIZE, MMAP_WRITABLE,
	WRITE_COUNT, WRITE_ZERO, WRITE_POSITION, WRITE_FAULT, WRITE_PARTIAL, WRITE_OVERSIZE,
	IOCTL_UNKNOWN, IOCTL_FAULT, IOCTL_BEYOND, NR_RULES
};

/* Shared by the processes of all checks. */
struct shared {
	char doing[160];	/* the call that is made, or that was made last */
	unsigned int calls;
	bool found[NR_RULES];
	char findings[8192];	/* lines of the check that runs */
	size_t length;
	bool opens;		/* an open has succeeded */
	bool has_data;		/* a read has returned some */
	bool feeds;		/* the checks of reads write something first */
};

/* What reads return from an open to the end. */
struct content {
	size_t size;
	bool ends;		/* the last read has returned 0 */
	off_t position;		/* of the file then */
	unsigned char bytes[2 * SIZE];
};

extern struct shared *shared;
extern const char *device;
extern char **modules;			/* names, then NULL; none if they are not known */
extern unsigned char buffer[SIZE + GUARD];	/* what get() has read */
extern unsigned char data[SIZE + 1];	/* what store() has written */
extern struct content content, again;
extern unsigned char *edge;		/* the end of a page; no memory follows */
extern unsigned char *constant;		/* a page that is read only */

void __printf(1, 2) doing(const char *format, ...);
void __printf(2, 3) report(enum rule rule, const char *format, ...);
bool judge(ssize_t ret, size_t limit, enum rule rule);
int open_device(int flags);
off_t position(int fd);
unsigned char *new_page(void);
bool is_present(unsigned char *page);
ssize_t get_to(void *to, int fd, size_t count, off_t offset, const char *where);
ssize_t get(int fd, size_t count, off_t offset);
ssize_t put(int fd, const void *from, size_t count, off_t offset, const char *where);
ssize_t store(size_t count, int seed);
void feed(void);
void load(struct content *to, size_t step);
bool is_steady(void);
bool begins_with(size_t count);
bool keeps_data(void);
void scan(const unsigned char *bytes, const unsigned char *other, size_t size);
int references(void);

void check_end(void);
void check_steps(void);
void check_two_readers(void);
void check_offsets(void);
void check_leaks(void);
void check_seek(void);
void check_read_fault(void);
void check_blocking_read(void);
void check_write_sizes(void);
void check_write_fault(void);
void check_write_offsets(void);
void check_open(void);
void check_held(void);
void check_second_open(void);
void check_racing_opens(void);
void check_open_flags(void);
void check_threads(void);
void check_poll(void);
void check_mmap_size(void);
void check_mmap_protection(void);
void check_ioctl(void);

#endif
