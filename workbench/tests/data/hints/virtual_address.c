// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>

static struct vm_fault *vmf;

static int __init demo_init(void)
{
	return vmf->virtual_address ? 0 : -EFAULT;
}
module_init(demo_init);
