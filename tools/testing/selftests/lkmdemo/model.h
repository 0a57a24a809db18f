/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the message in user memory, and random calls that read, write and seek.
 */
#ifndef _LKMDEMO_SELFTEST_MODEL_H
#define _LKMDEMO_SELFTEST_MODEL_H

#include <limits.h>
#include <sys/uio.h>
#include <time.h>

#include "device.h"

#define SEGMENTS	4
#define MODEL_MAX	10000

struct model {
	unsigned char bytes[MODEL_MAX];
	size_t capacity;
	size_t length;
	off_t position;
	bool append;
	/* The last read ended in a fault. */
	bool faulted;
};

enum operation { READ, PREAD, READV, WRITE, PWRITE, WRITEV, LSEEK, SET_APPEND, REOPEN };

static __maybe_unused const char * const operations[] = {
	"read", "pread", "readv", "write", "pwrite", "writev", "lseek", "O_APPEND", "open",
};

struct call {
	enum operation operation;
	struct iovec iov[SEGMENTS];
	size_t accessible[SEGMENTS];
	int segments;
	off_t offset;
	int whence;
	bool append;
	bool truncate;
};

static inline uint64_t choose_seed(void)
{
	const char *given = getenv("LKMDEMO_SEED");
	struct timespec now;

	if (given)
		return strtoull(given, NULL, 0);

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* SplitMix64, which works with any seed. Returns 0 to below - 1. */
static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return (value ^ value >> 31) % below;
}

static inline bool one_in(uint64_t *random, uint64_t n)
{
	return !random_below(random, n);
}

static inline bool is_read(const struct call *call)
{
	return call->operation <= READV;
}

static inline size_t call_count(const struct call *call)
{
	size_t count = 0;
	int i;

	for (i = 0; i < call->segments; i++)
		count += call->iov[i].iov_len;

	return count;
}

/* The number of bytes before the first fault. */
static inline size_t call_accessible(const struct call *call)
{
	size_t count = 0;
	int i;

	for (i = 0; i < call->segments; i++) {
		count += call->accessible[i];
		if (call->accessible[i] < call->iov[i].iov_len)
			break;
	}

	return count;
}

static inline off_t choose_offset(uint64_t *random, size_t capacity)
{
	if (one_in(random, 64))
		return one_in(random, 2) ? -1 : LLONG_MAX - random_below(random, 3);

	return random_below(random, capacity + 8);
}

static inline size_t choose_count(uint64_t *random, size_t capacity)
{
	return random_below(random, one_in(random, 2) ? 17 : capacity + 4);
}

static inline void choose_seek(uint64_t *random, struct call *call, size_t capacity)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 99 };

	call->whence = whences[random_below(random, one_in(random, 8) ? 6 : 3)];
	if (one_in(random, 32))
		call->offset = one_in(random, 2) ? LLONG_MIN : LLONG_MAX;
	else
		call->offset = (off_t)random_below(random, 2 * capacity) - (off_t)capacity / 2;
}

static inline void choose_memory(uint64_t *random, struct call *call, unsigned char *edge[],
				 size_t capacity)
{
	bool vector = call->operation == READV || call->operation == WRITEV;
	size_t count, accessible;
	int i;

	call->segments = vector ? random_below(random, SEGMENTS + 1) : 1;
	for (i = 0; i < call->segments; i++) {
		count = choose_count(random, capacity);
		if (vector)
			count /= 2;
		accessible = one_in(random, 12) ? random_below(random, count + 1) : count;

		call->iov[i].iov_base = edge[i] - accessible;
		if (accessible == count)
			call->iov[i].iov_base -= random_below(random, 9);
		call->iov[i].iov_len = count;
		call->accessible[i] = accessible;
	}
}

static inline void choose_call(uint64_t *random, struct call *call, unsigned char *edge[],
			       size_t capacity)
{
	memset(call, 0, sizeof(*call));

	if (one_in(random, 64)) {
		call->operation = REOPEN;
		call->truncate = one_in(random, 2);
		call->append = one_in(random, 4);
	} else if (one_in(random, 32)) {
		call->operation = SET_APPEND;
		call->append = one_in(random, 3);
	} else {
		call->operation = random_below(random, LSEEK + 1);
		call->offset = choose_offset(random, capacity);
		if (call->operation == LSEEK)
			choose_seek(random, call, capacity);
		else
			choose_memory(random, call, edge, capacity);
	}
}

/* The source of a write gets random bytes. */
static inline void fill_memory(uint64_t *random, const struct call *call)
{
	unsigned char *byte, first;
	size_t j;
	int i;

	for (i = 0; i < call->segments; i++) {
		byte = call->iov[i].iov_base;
		if (is_read(call))
			continue;
		first = random_below(random, 256);
		for (j = 0; j < call->accessible[i]; j++)
			byte[j] = first + j * 7;
	}
}

static inline void gather(const struct call *call, unsigned char *bytes)
{
	int i;

	for (i = 0; i < call->segments; i++) {
		memcpy(bytes, call->iov[i].iov_base, call->accessible[i]);
		bytes += call->accessible[i];
	}
}

static inline ssize_t model_read(struct model *model, const struct call *call, off_t position)
{
	size_t count = call_count(call), accessible = call_accessible(call);

	model->faulted = false;
	if (position < 0 || position > LLONG_MAX - (off_t)count)
		return -EINVAL;
	if (position >= (off_t)model->length)
		return 0;
	if (count > model->length - position)
		count = model->length - position;
	if (count && !accessible)
		return -EFAULT;

	model->faulted = accessible < count;

	return model->faulted ? accessible : count;
}

/*
 * How close a read gets to a fault depends on the architecture: it may be shorter
 * than the model expects, but not empty.
 */
static inline ssize_t accept_shorter(const struct model *model, ssize_t expected, ssize_t result)
{
	return model->faulted && result > 0 && result < expected ? result : expected;
}

static inline ssize_t model_write(struct model *model, const struct call *call, off_t *position)
{
	size_t count = call_count(call);
	off_t start = *position;

	if (start < 0 || start > LLONG_MAX - (off_t)count)
		return -EINVAL;
	if (!count)
		return 0;
	if (count > model->capacity)
		return -EINVAL;
	if (call_accessible(call) < count)
		return -EFAULT;
	if (model->append)
		start = model->length;
	if (start > (off_t)(model->capacity - count))
		return -ENOSPC;

	gather(call, model->bytes + start);
	if (start + count > model->length)
		model->length = start + count;
	*position = start + count;
	return count;
}

static inline ssize_t model_seek(struct model *model, const struct call *call)
{
	off_t base, position;

	switch (call->whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = model->position;
		break;
	case SEEK_END:
		base = model->length;
		break;
	default:
		return -EINVAL;
	}

	if (__builtin_add_overflow(base, call->offset, &position))
		return -EINVAL;
	if (position < 0 || position > (off_t)model->capacity)
		return -EINVAL;

	model->position = position;
	return position;
}

static inline ssize_t model_open(struct model *model, const struct call *call)
{
	if (call->truncate) {
		memset(model->bytes, 0, model->length);
		model->length = 0;
	}
	model->position = 0;
	model->append = call->append;
	return 0;
}

static inline ssize_t predict(struct model *model, const struct call *call)
{
	off_t offset = call->offset;

	switch (call->operation) {
	case READ:
	case READV:
		return model_read(model, call, model->position);
	case PREAD:
		return model_read(model, call, offset);
	case WRITE:
	case WRITEV:
		return model_write(model, call, &model->position);
	case PWRITE:
		return model_write(model, call, &offset);
	case LSEEK:
		return model_seek(model, call);
	case SET_APPEND:
		model->append = call->append;
		return 0;
	case REOPEN:
	default:
		return model_open(model, call);
	}
}

static inline ssize_t perform(int *fd, const struct call *call)
{
	const struct iovec *iov = call->iov;
	int append = call->append ? O_APPEND : 0;

	switch (call->operation) {
	case READ:
		return RESULT(read(*fd, iov->iov_base, iov->iov_len));
	case READV:
		return RESULT(readv(*fd, iov, call->segments));
	case PREAD:
		return RESULT(pread(*fd, iov->iov_base, iov->iov_len, call->offset));
	case WRITE:
		return RESULT(write(*fd, iov->iov_base, iov->iov_len));
	case WRITEV:
		return RESULT(writev(*fd, iov, call->segments));
	case PWRITE:
		return RESULT(pwrite(*fd, iov->iov_base, iov->iov_len, call->offset));
	case LSEEK:
		return RESULT(lseek(*fd, call->offset, call->whence));
	case SET_APPEND:
		return RESULT(fcntl(*fd, F_SETFL, append));
	case REOPEN:
	default:
		close(*fd);
		*fd = open_device(O_RDWR | append | (call->truncate ? O_TRUNC : 0));
		return *fd < 0 ? *fd : 0;
	}
}

/* Bytes of the buffer past the result are unspecified. */
static inline bool read_agrees(const struct model *model, const struct call *call, off_t offset,
			       ssize_t result)
{
	static unsigned char seen[SEGMENTS * (MODEL_MAX + 4)];

	gather(call, seen);

	return result <= 0 || !memcmp(seen, model->bytes + offset, result);
}

static inline bool message_agrees(int fd, const struct model *model)
{
	ssize_t count = RESULT(pread(fd, message_seen, model->capacity + 1, 0));

	return count == (ssize_t)model->length && !memcmp(message_seen, model->bytes, count);
}

static const char *describe(const struct call *call)
{
	static char text[512];
	int i, length;

	length = snprintf(text, sizeof(text), "%s offset=%lld whence=%d append=%d truncate=%d",
			  operations[call->operation], (long long)call->offset, call->whence,
			  call->append, call->truncate);
	for (i = 0; i < call->segments; i++)
		length += snprintf(text + length, sizeof(text) - length,
				   " segment=%zu/%zu at %p", call->accessible[i],
				   call->iov[i].iov_len, call->iov[i].iov_base);

	return text;
}

#endif /* _LKMDEMO_SELFTEST_MODEL_H */
