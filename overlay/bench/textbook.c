// SPDX-License-Identifier: GPL-2.0-only
/*
 * A character device as in textbooks, for comparison: a buffer, and a mutex that is
 * held while user memory is copied. It has no counters, no trace events and no
 * guarantees.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

static DEFINE_MUTEX(textbook_lock);
static char textbook_data[4096];
static size_t textbook_length;

static ssize_t textbook_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	ssize_t ret = 0;

	mutex_lock(&textbook_lock);
	if (*ppos >= textbook_length)
		goto unlock;
	count = min_t(size_t, count, textbook_length - *ppos);
	ret = -EFAULT;
	if (copy_to_user(buf, textbook_data + *ppos, count))
		goto unlock;
	*ppos += count;
	ret = count;
unlock:
	mutex_unlock(&textbook_lock);

	return ret;
}

static ssize_t textbook_write(struct file *file, const char __user *buf, size_t count,
			      loff_t *ppos)
{
	ssize_t ret = -ENOSPC;

	mutex_lock(&textbook_lock);
	if (*ppos >= sizeof(textbook_data))
		goto unlock;
	count = min_t(size_t, count, sizeof(textbook_data) - *ppos);
	ret = -EFAULT;
	if (copy_from_user(textbook_data + *ppos, buf, count))
		goto unlock;
	*ppos += count;
	textbook_length = max_t(size_t, textbook_length, *ppos);
	ret = count;
unlock:
	mutex_unlock(&textbook_lock);

	return ret;
}

static const struct file_operations textbook_fops = {
	.owner	= THIS_MODULE,
	.read	= textbook_read,
	.write	= textbook_write,
	.llseek	= default_llseek,
};

static struct miscdevice textbook_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "textbook",
	.fops	= &textbook_fops,
};
module_misc_device(textbook_misc);

MODULE_DESCRIPTION("Textbook device for comparison");
MODULE_LICENSE("GPL");
