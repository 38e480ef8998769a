"""GIF: counting its pictures without decoding them.

References:
    CompuServe, Graphics Interchange Format, version 89a, §18 to §25.
"""

from __future__ import annotations

from typing import BinaryIO

_PICTURE, _EXTENSION = b",", b"!"
_HAS_TABLE, _TABLE_SIZE = 0x80, 0x07


def has_more_pictures(stream: BinaryIO, most: int) -> bool:
    """Whether a GIF has more pictures than that; the reading ends there, or where the file is damaged."""
    stream.seek(6)
    screen = stream.read(7)
    if len(screen) == 7:
        _skip_table(stream, screen[4])
    count = 0
    while block := stream.read(1):
        if block == _PICTURE:
            count += 1
            descriptor = stream.read(9)
            if count > most or len(descriptor) < 9:
                break
            _skip_table(stream, descriptor[8])
            stream.seek(1, 1)  # width of the first codes
            _skip_blocks(stream)
        elif block == _EXTENSION:
            stream.seek(1, 1)  # which
            _skip_blocks(stream)
    return count > most


def _skip_table(stream: BinaryIO, flags: int) -> None:
    if flags & _HAS_TABLE:
        stream.seek(3 << ((flags & _TABLE_SIZE) + 1), 1)


def _skip_blocks(stream: BinaryIO) -> None:
    while (size := stream.read(1)) not in (b"", b"\0"):
        stream.seek(size[0], 1)
