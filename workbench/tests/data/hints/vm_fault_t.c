// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

static int demo_fault(struct vm_fault *vmf)
{
	return 0;
}

struct vm_operations_struct demo_ops = {
	.fault = demo_fault,
};
