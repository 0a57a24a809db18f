// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills the begin of the area for modules. QEMU 7.2 truncates the offset of the s390
 * instruction larl to 32 bits: the modules there are too far from the variables of each
 * processor, which are 2 GiB and some MiB away.
 */
#include <linux/init.h>
#include <linux/module.h>

static char filler[16 << 20] __used;

static int __init filler_init(void)
{
	return 0;
}
module_init(filler_init);

/* The module does not taint the kernel, as the tests of the taint require. */
MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("Fills the begin of the area for modules");
MODULE_LICENSE("GPL");
