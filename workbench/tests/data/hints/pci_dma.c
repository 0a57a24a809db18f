// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pci.h>
#include <linux/module.h>

static int __init demo_init(void)
{
	pci_alloc_consistent(NULL, 4096, NULL);
	return 0;
}
module_init(demo_init);
