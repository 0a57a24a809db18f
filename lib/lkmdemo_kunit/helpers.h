/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_KUNIT_HELPERS_H
#define _LKMDEMO_KUNIT_HELPERS_H

#include <linux/types.h>

#include "message.h"

struct iov_iter;
struct kunit;

/* What lkmdemo_kunit_bytes() gives, and no message has. */
#define LKMDEMO_KUNIT_UNTOUCHED	0xff

/* Byte i of every message that is filled here; no byte of it is zero. */
static inline u8 lkmdemo_kunit_byte(size_t i)
{
	return i % 251 + 1;
}

static inline size_t lkmdemo_kunit_length(struct lkmdemo_message *msg)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(msg, &info);
	return info.length;
}

static inline u64 lkmdemo_kunit_generation(struct lkmdemo_message *msg)
{
	struct lkmdemo_info info;

	lkmdemo_message_info(msg, &info);
	return info.generation;
}

void *lkmdemo_kunit_zalloc(struct kunit *test, size_t size);
u8 *lkmdemo_kunit_bytes(struct kunit *test, size_t count);
void lkmdemo_kunit_fill(u8 *bytes, size_t start, size_t count);

struct iov_iter *lkmdemo_kunit_iter(struct kunit *test, unsigned int direction,
				    void *bytes, size_t count);
struct iov_iter *lkmdemo_kunit_user_iter(struct kunit *test,
					 unsigned int direction,
					 char __user *user, size_t count);

void lkmdemo_kunit_message_init(struct kunit *test, struct lkmdemo_message *msg,
				size_t capacity, size_t length);
struct lkmdemo_message *lkmdemo_kunit_message(struct kunit *test,
					      size_t capacity, size_t length);
ssize_t lkmdemo_kunit_read(struct lkmdemo_message *msg, loff_t *pos,
			   void *bytes, size_t count, int flags,
			   u64 *generation);
ssize_t lkmdemo_kunit_write(struct lkmdemo_message *msg, loff_t *pos,
			    const void *bytes, size_t count, int flags);

char __user *lkmdemo_kunit_user_pages(struct kunit *test, size_t nr);
char __user *lkmdemo_kunit_user_hole(struct kunit *test);
char __user *lkmdemo_kunit_slow_pages(struct kunit *test, size_t nr,
				      struct lkmdemo_message *msg);

void lkmdemo_kunit_race(struct kunit *test, unsigned int nr,
			void (*fn)(void *data, unsigned int i), void *data);
void lkmdemo_kunit_race_on(struct kunit *test, unsigned int nr,
			   void (*fn)(void *data, unsigned int i), void *data);

#endif /* _LKMDEMO_KUNIT_HELPERS_H */
