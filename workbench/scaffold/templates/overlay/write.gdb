# Stop in the write path when user space writes, print the count and the length of the
# content, and continue.

break @name@_write_iter
continue
set $device = (struct @name@_device *)iocb->ki_filp->private_data
printf "write of %lu bytes, the buffer has %lu\n", from->count, $device->length
delete
