// SPDX-License-Identifier: GPL-2.0-only
/* A try that fails leaves nothing. */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int show(struct seq_file *file, void *unused)
{
	seq_puts(file, "Hello from kernel\n");
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice devices[] = {
	{ .minor = 199, .name = KBUILD_MODNAME "_first", .fops = &device_fops },
	{ .minor = MISC_DYNAMIC_MINOR, .name = KBUILD_MODNAME, .fops = &device_fops },
};

static int setup(int minor)
{
	int ret;

	if (!proc_create_single(KBUILD_MODNAME, 0444, NULL, show))
		return -ENOMEM;
	devices[1].minor = minor;
	ret = misc_register(&devices[1]);
	if (ret)
		goto remove;
	return 0;

remove:
	remove_proc_entry(KBUILD_MODNAME, NULL);
	return ret;
}

static int __init demo_init(void)
{
	int ret = misc_register(&devices[0]);

	if (ret)
		return ret;
	/* The first number is taken. */
	ret = setup(199);
	if (ret)
		ret = setup(MISC_DYNAMIC_MINOR);
	if (ret)
		misc_deregister(&devices[0]);
	return ret;
}
module_init(demo_init);

static void __exit demo_exit(void)
{
	misc_deregister(&devices[1]);
	remove_proc_entry(KBUILD_MODNAME, NULL);
	misc_deregister(&devices[0]);
}
module_exit(demo_exit);

MODULE_DESCRIPTION("Device and entry in /proc");
MODULE_LICENSE("GPL");
