// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

static int demo_fault(struct vm_area_struct *vma, struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

struct vm_operations_struct demo_ops = {
	.fault = demo_fault,
};
