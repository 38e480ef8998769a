"""Photoshop's image resources, the box in which JPEG and TIFF carry IPTC captions.

References:
    Adobe Photoshop File Formats Specification, "Image Resources Section"; IPTC-NAA IIM 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

IPTC = 1028
SIGNATURE = b"Photoshop 3.0\0"

# Thumbnails of the grey picture; profile, EXIF and XMP, which are written apart.
_STALE = frozenset((1033, 1036, 1039, 1058, 1059, 1060))


def split(data: bytes) -> tuple[bytes | None, bytes]:
    """Return the IPTC captions, and the other resources as they were, without those that are no longer true.

    What is damaged ends the reading.
    """
    iptc, others = None, b""
    for number, block, content in _resources(data):
        if number == IPTC:
            iptc = content if iptc is None else iptc + content
        elif number not in _STALE:
            others += block
    return iptc or None, others


def _resources(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, whole block and content of each."""
    at = 0
    while at + 12 <= len(data) and data[at : at + 4] in (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"):
        name = data[at + 6] + 1
        size_at = at + 6 + name + name % 2
        if size_at + 4 > len(data):
            return
        (size,) = struct.unpack_from(">I", data, size_at)
        start, end = size_at + 4, size_at + 4 + size
        if end > len(data):
            return
        block = data[at:end] + b"\0" * (size % 2)
        yield struct.unpack_from(">H", data, at + 4)[0], block, data[start:end]
        at = end + size % 2


def pack_iptc(iptc: bytes) -> bytes:
    """Return IPTC captions as a resource."""
    return b"8BIM" + struct.pack(">HHI", IPTC, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
