# SPDX-License-Identifier: GPL-2.0-only
"""The kinds of machines, by the value of TARGET."""

from machine.distro import DISTRO
from machine.machine import Machine
from machine.qemu import X86_64
from machine.um import UM

MACHINES: dict[str, Machine] = {machine.name: machine for machine in (UM, X86_64, DISTRO)}
