#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Wait until the message of /dev/lkmdemo changes, and print it."""

import os
import select
import sys
import time

fd = os.open('/dev/lkmdemo', os.O_RDONLY)
poll = select.poll()
poll.register(fd, select.POLLPRI)
print('watch: waiting', flush=True)
start = time.monotonic()
if not poll.poll(10_000):
    sys.exit('watch: no change within 10 s')
waited = round(time.monotonic() - start, 1)
print(f'watch: poll returned after {waited} s, the message is', os.pread(fd, 1024, 0))
