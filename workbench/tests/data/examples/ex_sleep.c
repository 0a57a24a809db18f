// SPDX-License-Identifier: GPL-2.0-only

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

static struct proc_dir_entry *entry;
static DECLARE_WAIT_QUEUE_HEAD(queue);
static bool written;

static ssize_t ex_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	static const char text[] = "awake\n";

	if (!*pos) {
		if (file->f_flags & O_NONBLOCK) {
			if (!READ_ONCE(written))
				return -EAGAIN;
		} else if (wait_event_interruptible(queue, READ_ONCE(written))) {
			return -ERESTARTSYS;
		}
	}
	return simple_read_from_buffer(buf, count, pos, text, sizeof(text) - 1);
}

static ssize_t ex_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	WRITE_ONCE(written, true);
	wake_up(&queue);
	return count;
}

static const struct proc_ops ex_ops = {
	.proc_read = ex_read,
	.proc_write = ex_write,
	.proc_lseek = default_llseek,
};

static int __init ex_init(void)
{
	entry = proc_create("ex_sleep", 0644, NULL, &ex_ops);
	return entry ? 0 : -ENOMEM;
}
module_init(ex_init);

static void __exit ex_exit(void)
{
	proc_remove(entry);
}
module_exit(ex_exit);

MODULE_DESCRIPTION("A file in /proc whose reader waits for a writer");
MODULE_LICENSE("GPL");
