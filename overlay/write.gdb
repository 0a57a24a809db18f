# Stop in the write path, print the message and the size of the write, and continue.

break lkmdemo_write_iter
continue
set $device = ((struct lkmdemo_file *)iocb->ki_filp->private_data)->dev
printf "write of %lu bytes, the message now is: %s", from->count, $device->message.data
delete
