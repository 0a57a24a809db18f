# What a session shows: stop in the write path when user space writes, print the
# message and the count, go on.

break lkmdemo_write
continue
set $device = ((struct lkmdemo_file *)file->private_data)->dev
printf "write of %lu bytes, the message now is: %s", count, $device->message.data
delete
