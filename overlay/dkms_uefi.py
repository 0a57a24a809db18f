# SPDX-License-Identifier: GPL-2.0-only
"""The variables of the UEFI firmware of QEMU, in which the key of a machine owner is enrolled.

mokutil --import asks the user at the next boot, in MokManager, and MokManager then writes
the variable MokList. Here the variable is written directly to the image of the variables.
"""

import struct
import uuid

# The owner of the variables of shim, and its name for the keys of the machine owner.
SHIM = uuid.UUID('605dab50-e046-4300-abb6-3dd810dd8b23')
MOK_LIST = 'MokList'

# Not volatile, and not accessible after the boot loader.
NON_VOLATILE_AND_BOOT_SERVICE = 3

_X509 = uuid.UUID('a5c059a1-94e4-4aa7-87b5-ab155c2bf072')

# The offset of the size of the header in the header of a firmware volume.
_VOLUME_HEADER_SIZE = 48

# The store: identifier, size, format, state, reserved (2). A variable: mark, state, reserved, attributes,
# count, time, index of a key, size of the name in bytes, size of the data, owner.
_STORE = struct.Struct('<16sIBBHI')
_VARIABLE = struct.Struct('<HBBIQ16sIII16s')
_MARK, _ADDED, _ALIGNMENT = 0x55aa, 0x3f, 4


def signature_list(certificate: bytes, owner: uuid.UUID = SHIM) -> bytes:
    """Return an EFI_SIGNATURE_LIST with a certificate in DER."""
    size = 16 + len(certificate)
    # The type, the size of the list, that of its header, that of a signature.
    return _X509.bytes_le + struct.pack('<III', 28 + size, 0, size) + owner.bytes_le + certificate


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def add_variable(image: bytes, name: str, owner: uuid.UUID, data: bytes) -> bytes:
    """Return an image of the variables of OVMF with another variable; raise ValueError if it does not fit."""
    start, = struct.unpack_from('<H', image, _VOLUME_HEADER_SIZE)
    _, size, *_ = _STORE.unpack_from(image, start)
    offset = start + _STORE.size
    while struct.unpack_from('<H', image, offset)[0] == _MARK:
        fields = _VARIABLE.unpack_from(image, offset)
        offset = _aligned(offset + _VARIABLE.size + fields[7] + fields[8])
    encoded = f'{name}\0'.encode('utf-16-le')
    header = _VARIABLE.pack(_MARK, _ADDED, 0, NON_VOLATILE_AND_BOOT_SERVICE, 0, bytes(16), 0, len(encoded), len(data),
                            owner.bytes_le)
    variable = header + encoded + data
    if offset + len(variable) > start + size or set(image[offset:offset + len(variable)]) != {0xff}:
        raise ValueError('the image has no space for the variable')
    return image[:offset] + variable + image[offset + len(variable):]
