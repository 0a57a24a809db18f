/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_KUNIT_HELPERS_H
#define _LKMDEMO_KUNIT_HELPERS_H

#include <linux/types.h>
#include <uapi/linux/lkmdemo.h>

struct file;
struct iov_iter;
struct kunit;
struct kunit_suite;
struct lkmdemo_device;

/* Content of lkmdemo_kunit_bytes(); no byte of a first message. */
#define LKMDEMO_KUNIT_UNTOUCHED	0xff

/* Byte @i of the first message of a device; never zero. */
static inline u8 lkmdemo_kunit_byte(size_t i)
{
	return i % 251 + 1;
}

void *lkmdemo_kunit_zalloc(struct kunit *test, size_t size);
u8 *lkmdemo_kunit_bytes(struct kunit *test, size_t count);
void lkmdemo_kunit_fill(u8 *bytes, size_t start, size_t count);

/*
 * Whether lkmdemo_kunit_is_locked() may ask about a lock that is held: without SMP a
 * spinlock has no state, and DEBUG_SPINLOCK reports a trylock that fails.
 */
#define LKMDEMO_KUNIT_LOCKS_HAVE_STATE \
	(IS_ENABLED(CONFIG_SMP) || IS_ENABLED(CONFIG_PREEMPT_RT))

int lkmdemo_kunit_suite_init(struct kunit_suite *suite);
void lkmdemo_kunit_suite_exit(struct kunit_suite *suite);

struct lkmdemo_device *lkmdemo_kunit_device(struct kunit *test, size_t capacity, size_t length);
bool lkmdemo_kunit_is_locked(struct lkmdemo_device *dev);
struct file *lkmdemo_kunit_open_node(dev_t node, int flags);
struct file *lkmdemo_kunit_filp_open(struct lkmdemo_device *dev, int flags);
struct file *lkmdemo_kunit_open(struct kunit *test, struct lkmdemo_device *dev, int flags);
void lkmdemo_kunit_close(struct kunit *test, struct file *file);
struct file *lkmdemo_kunit_file(struct kunit *test, size_t capacity, size_t length);

ssize_t lkmdemo_kunit_write_at(struct file *file, const void *bytes, size_t count, loff_t pos);
ssize_t lkmdemo_kunit_append(struct file *file, const void *bytes, size_t count);
ssize_t lkmdemo_kunit_read_user(struct file *file, char __user *user, size_t count, loff_t *pos);
ssize_t lkmdemo_kunit_write_user(struct file *file, char __user *user, size_t count, loff_t *pos);
long lkmdemo_kunit_clear(struct file *file);
struct lkmdemo_info lkmdemo_kunit_info(struct kunit *test, struct file *file);
bool lkmdemo_kunit_is_urgent(struct file *file);
void lkmdemo_kunit_expect_message(struct kunit *test, struct file *file, const u8 *bytes,
				  size_t length, u64 generation);

char __user *lkmdemo_kunit_user_pages(struct kunit *test, size_t nr);
char __user *lkmdemo_kunit_user_hole(struct kunit *test);
char __user *lkmdemo_kunit_slow_pages(struct kunit *test, size_t nr, bool (*arrive)(void *data),
				      void *data);
void lkmdemo_kunit_expect_user_bytes(struct kunit *test, const char __user *user, const u8 *bytes,
				     size_t count);

void lkmdemo_kunit_race(struct kunit *test, unsigned int nr,
			void (*fn)(void *data, unsigned int i), void *data);
void lkmdemo_kunit_race_on(struct kunit *test, unsigned int nr,
			   void (*fn)(void *data, unsigned int i), void *data);

#endif /* _LKMDEMO_KUNIT_HELPERS_H */
