// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/module.h>

static struct vm_area_struct *vma;

static int __init demo_init(void)
{
	vma->vm_flags |= VM_DONTDUMP;
	return 0;
}
module_init(demo_init);
