// SPDX-License-Identifier: GPL-2.0-only
/* A mapping of any size is accepted. */

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

static unsigned long page;

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	size_t size = vma->vm_end - vma->vm_start;

	return remap_pfn_range(vma, vma->vm_start, virt_to_phys((void *)page) >> PAGE_SHIFT, size,
			       vma->vm_page_prot);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.mmap = device_mmap,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &device_fops,
};

static int __init device_init(void)
{
	int ret;

	page = get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	strscpy((char *)page, "Hello from kernel\n", PAGE_SIZE);
	ret = misc_register(&device);
	if (ret)
		free_page(page);
	return ret;
}
module_init(device_init);

static void __exit device_exit(void)
{
	misc_deregister(&device);
	free_page(page);
}
module_exit(device_exit);

MODULE_DESCRIPTION("Device with a page");
MODULE_LICENSE("GPL");
