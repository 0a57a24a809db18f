// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a mapping.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_ref.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "helpers.h"
#include "lkmdemo.h"

/* Otherwise the end of the mapping frees the page, which the buffer still contains. */
static void mapping_has_a_reference_to_its_page(struct kunit *test)
{
	struct lkmdemo_device *dev = lkmdemo_kunit_device(test, PAGE_SIZE, PAGE_SIZE);
	struct file *file = lkmdemo_kunit_open(test, dev, O_RDONLY);
	struct page *page = vmalloc_to_page(dev->message.data);
	int before = page_ref_count(page);
	unsigned long addr;
	u8 byte;

	addr = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(test, copy_from_user(&byte, (void __user *)addr, 1), 0);

	KUNIT_EXPECT_EQ(test, page_ref_count(page), before + 1);
	/* Keep the page if the driver does not. */
	if (page_ref_count(page) == before)
		get_page(page);

	KUNIT_EXPECT_EQ(test, vm_munmap(addr, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), before);
}

static struct kunit_case mmap_cases[] = {
	KUNIT_CASE(mapping_has_a_reference_to_its_page),
	{}
};

static struct kunit_suite mmap_suite = {
	.name = "lkmdemo_mmap",
	.suite_init = lkmdemo_kunit_suite_init,
	.suite_exit = lkmdemo_kunit_suite_exit,
	.test_cases = mmap_cases,
};

kunit_test_suite(mmap_suite);
