// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that releases before 7.3 lack: see compat.h.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <net/netlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)

#undef lkmdemo_mmap_prepare
#undef mmap_prepare

/* Map a file with a function for .mmap_prepare. */
int lkmdemo_compat_mmap(struct file *file, struct vm_area_struct *vma,
			int (*prepare)(struct vm_area_desc *desc))
{
	struct vm_area_desc desc = {
		.file = file,
		.pages = vma_pages(vma),
		.pgoff = vma->vm_pgoff,
		.flags = vma->vm_flags,
	};
	int ret = prepare(&desc);

	if (ret)
		return ret;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	vma->vm_flags = desc.flags;
#else
	vm_flags_init(vma, desc.flags);
#endif
	vma->vm_ops = desc.vm_ops;
	vma->vm_private_data = desc.private_data;

	return 0;
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

int lkmdemo_compat_put_uint(struct sk_buff *skb, int type, u64 value)
{
	return value == (u32)value ? nla_put_u32(skb, type, value) :
				     nla_put(skb, type, sizeof(value), &value);
}

static void lkmdemo_splice_release(struct splice_pipe_desc *spd, unsigned int i)
{
	__free_page(spd->pages[i]);
}

/* Read into new pages, and move these into the pipe. */
ssize_t copy_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags)
{
	struct page *pages[PIPE_DEF_BUFFERS];
	struct partial_page partial[PIPE_DEF_BUFFERS];
	struct bio_vec vecs[PIPE_DEF_BUFFERS];
	struct splice_pipe_desc spd = {
		.pages = pages,
		.partial = partial,
		.nr_pages_max = PIPE_DEF_BUFFERS,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = lkmdemo_splice_release,
	};
	unsigned int i, nr, used, room;
	struct iov_iter to;
	struct kiocb kiocb;
	ssize_t ret, rest;

	room = pipe->max_usage - min(pipe->max_usage, pipe_occupancy(pipe->head, pipe->tail));
	used = min3((size_t)room, (size_t)PIPE_DEF_BUFFERS, DIV_ROUND_UP(len, PAGE_SIZE));
	len = min_t(size_t, len, used * PAGE_SIZE);
	for (nr = 0; nr < used; nr++) {
		pages[nr] = alloc_page(GFP_USER);
		if (!pages[nr])
			break;
		vecs[nr].bv_page = pages[nr];
		vecs[nr].bv_offset = 0;
		vecs[nr].bv_len = min_t(size_t, len - nr * PAGE_SIZE, PAGE_SIZE);
	}
	if (!nr)
		return used ? -ENOMEM : -EAGAIN;
	len = min_t(size_t, len, nr * PAGE_SIZE);

	iov_iter_bvec(&to, ITER_DEST, vecs, nr, len);
	init_sync_kiocb(&kiocb, in);
	kiocb.ki_pos = *ppos;
	ret = in->f_op->read_iter(&kiocb, &to);
	if (ret > 0)
		*ppos = kiocb.ki_pos;

	rest = max(ret, 0);
	for (i = 0; i < nr && rest; i++) {
		partial[i].offset = 0;
		partial[i].len = min_t(size_t, rest, PAGE_SIZE);
		rest -= partial[i].len;
	}
	spd.nr_pages = i;
	while (nr > i)
		__free_page(pages[--nr]);

	/* The pages fit: the caller holds the lock of the pipe. */
	return ret > 0 ? splice_to_pipe(pipe, &spd) : ret;
}

#endif
