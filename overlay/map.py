#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Map the message of /dev/lkmdemo, and check that a write changes the mapping."""

import mmap
import os
import sys

fd = os.open('/dev/lkmdemo', os.O_RDWR)
view = mmap.mmap(fd, 1024, mmap.MAP_SHARED, mmap.PROT_READ)
print('map: before the write:', view[:20])
os.pwrite(fd, b'mapped', 4)
print('map: after the write: ', view[:20])
if view[4:10] != b'mapped':
    sys.exit('map: the mapping does not show the write')
