/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What releases before 7.3 lack, for a build of the driver out of tree. It is included
 * before each source file. It includes no header of the kernel that depends on DEBUG or
 * pr_fmt, which the sources define.
 *
 * The directory missing/ has the headers that 6.1 lacks; include/ extends existing ones.
 */
#ifndef _LKMDEMO_COMPAT_H
#define _LKMDEMO_COMPAT_H

#include <linux/types.h>
#include <linux/version.h>

struct file;
struct genl_info;
struct pipe_inode_info;
struct sk_buff;
struct vm_area_struct;
struct vm_operations_struct;

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)

#define kmalloc_obj(object)		kmalloc(sizeof(object), GFP_KERNEL)
#define kzalloc_obj(object, gfp)	kzalloc(sizeof(object), gfp)
#define kvmalloc_objs(object, count)	kvmalloc_array(count, sizeof(object), GFP_KERNEL)

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)

/* The first pass takes no lock. The second pass, after a change, takes it: ss_lock. */
#define scoped_seqlock_read(lock, target)						\
	for (int _seq = 0, _pass = 1;							\
	     _pass && (read_seqbegin_or_lock(lock, &_seq), 1);				\
	     _pass = need_seqretry(lock, _seq) ? (_seq = 1) : (done_seqretry(lock, _seq), 0))

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)

/* The fields that the driver uses. */
struct vm_area_desc {
	struct file *file;
	unsigned long pages;
	unsigned long pgoff;
	unsigned long flags;
	const struct vm_operations_struct *vm_ops;
	void *private_data;
};

#define VMA_WRITE_BIT			VM_WRITE
#define VMA_MAYWRITE_BIT		VM_MAYWRITE
#define VMA_DONTEXPAND_BIT		VM_DONTEXPAND

#define vma_desc_pages(desc)		((desc)->pages)
#define vma_desc_test_any(desc, flag)	((desc)->flags & (flag))
#define vma_desc_set_flags(desc, flag)	((desc)->flags |= (flag))
#define vma_desc_clear_flags(desc, flag) ((desc)->flags &= ~(flag))

int lkmdemo_compat_mmap(struct file *file, struct vm_area_struct *vma,
			int (*prepare)(struct vm_area_desc *desc));

/*
 * The definition of the function is that of lkmdemo_prepare(). The name itself, without
 * parentheses behind it, is that of a function for .mmap.
 */
#define lkmdemo_mmap_prepare(desc)							\
lkmdemo_prepare(desc);									\
static int lkmdemo_mmap_prepare(struct file *file, struct vm_area_struct *vma)		\
{											\
	return lkmdemo_compat_mmap(file, vma, lkmdemo_prepare);				\
}											\
static int lkmdemo_prepare(desc)

#define mmap_prepare			mmap

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

#define iter_iov_addr(iter)		((iter)->iov->iov_base + (iter)->iov_offset)
#define nla_put_uint			lkmdemo_compat_put_uint
#define genlmsg_iput(skb, info)								\
	genlmsg_put_reply(skb, info, &lkmdemo_nl_family, 0, (info)->genlhdr->cmd)

int lkmdemo_compat_put_uint(struct sk_buff *skb, int type, u64 value);
ssize_t copy_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags);

#endif

#endif /* _LKMDEMO_COMPAT_H */
