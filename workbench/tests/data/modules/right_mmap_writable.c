// SPDX-License-Identifier: GPL-2.0-only
/* Nothing can make the mapping writable. */

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

static unsigned long page;

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	if (vma->vm_pgoff || vma_pages(vma) > 1)
		return -EINVAL;
	vm_flags_clear(vma, VM_MAYWRITE);
	return vm_insert_page(vma, vma->vm_start, virt_to_page((void *)page));
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
