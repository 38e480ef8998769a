"""Writing 16 bits a channel: Pillow has no such RGB mode.

Three small encoders of the plain formats (PNG, TIFF, binary PPM). They take ``(H, W, 3)`` or, but for PPM,
``(H, W, 4)`` uint16 and write in strips.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import ImageError
from hue_cli.images.mark import MARK, MARK_TAG
from hue_cli.images.photo import Metadata

Deep = NDArray[np.uint16]

_ROWS = 64
_LEVEL = 4
_METRES_PER_INCH = 0.0254
_EXIF_PREFIX = b"Exif\0\0"


def write_png(pixels: Deep, metadata: Metadata, stream: BinaryIO) -> None:
    """Write a PNG; resolution, ICC profile and EXIF with it.

    References:
        W3C, Portable Network Graphics Specification (third edition), §11 (chunks), §9.2 (filter type Up).
    """
    height, width, channels = pixels.shape
    stream.write(b"\x89PNG\r\n\x1a\n")
    _chunk(stream, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0))
    if metadata.icc:
        _chunk(stream, b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        metres = [round(dots / _METRES_PER_INCH) for dots in metadata.dpi]
        _chunk(stream, b"pHYs", struct.pack(">IIB", *metres, 1))
    if metadata.exif:
        _chunk(stream, b"eXIf", metadata.exif.removeprefix(_EXIF_PREFIX))
    for data in _deflated(_filtered_rows(pixels)):
        _chunk(stream, b"IDAT", data)
    _chunk(stream, b"IEND", b"")


def _chunk(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def _filtered_rows(pixels: Deep) -> Iterator[bytes]:
    """Rows as differences to the row above, each behind its filter type (2, Up)."""
    height = pixels.shape[0]
    above = np.zeros((1, pixels.shape[1] * pixels.shape[2] * 2), np.uint8)
    for top in range(0, height, _ROWS):
        strip = pixels[top : top + _ROWS].astype(">u2").view(np.uint8).reshape(-1, above.shape[1])
        block = np.empty((len(strip), above.shape[1] + 1), np.uint8)
        block[:, 0] = 2
        block[:, 1:] = strip - np.concatenate([above, strip[:-1]])
        above = strip[-1:]
        yield block.tobytes()


def _deflated(blocks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL)
    for block in blocks:
        if data := packer.compress(block):
            yield data
    yield packer.flush()


def write_tiff(pixels: Deep, metadata: Metadata, stream: BinaryIO) -> None:
    """Write a little-endian TIFF, deflated, with resolution, ICC profile and hue's mark.

    References:
        TIFF revision 6.0, section 2 (file structure) and section 18 (alpha); Adobe's supplement 2 (deflate).

    Raises:
        ImageError: it would pass the 4 GiB that TIFF can address.
    """
    height = pixels.shape[0]
    start = stream.tell()
    stream.write(b"II*\0" + b"\0\0\0\0")
    size = 0
    rows = (pixels[top : top + _ROWS].astype("<u2").tobytes() for top in range(0, height, _ROWS))
    for data in _deflated(rows):
        size += stream.write(data)
    size_padded = size + size % 2
    stream.write(b"\0" * (size % 2))
    if size_padded > (1 << 32) - (1 << 24):
        raise ImageError("the picture is too large for a TIFF (4 GiB). Choose: --format png")
    directory_at = 8 + size_padded
    stream.write(_directory(directory_at, pixels.shape, size, metadata))
    stream.seek(start + 4)
    stream.write(struct.pack("<I", directory_at))
    stream.seek(0, 2)


def _directory(at: int, shape: tuple[int, ...], size: int, metadata: Metadata) -> bytes:
    """Return the image file directory, which lies ``at`` that offset, with what does not fit its entries.

    Args:
        at: offset in the file.
        shape: height, width, channels.
        size: of the deflated pixels, in bytes.
        metadata: resolution and ICC profile.
    """
    height, width, channels = shape
    ascii_, short, long, rational, undefined = 2, 3, 4, 5, 7
    # tag, type, number of values, packed values
    entries: list[tuple[int, int, int, bytes]] = [
        (MARK_TAG, ascii_, len(MARK) + 1, MARK.encode() + b"\0"),
        (256, long, 1, struct.pack("<I", width)),
        (257, long, 1, struct.pack("<I", height)),
        (258, short, channels, struct.pack(f"<{channels}H", *[16] * channels)),
        (259, short, 1, struct.pack("<H", 8)),  # compression: deflate
        (262, short, 1, struct.pack("<H", 2)),  # photometric interpretation: RGB
        (273, long, 1, struct.pack("<I", 8)),  # the strip begins behind the header
        (277, short, 1, struct.pack("<H", channels)),
        (278, long, 1, struct.pack("<I", height)),
        (279, long, 1, struct.pack("<I", size)),
        (284, short, 1, struct.pack("<H", 1)),  # channels interleaved
    ]
    if metadata.dpi:
        for tag, dots in zip((282, 283), metadata.dpi, strict=True):
            entries.append((tag, rational, 1, struct.pack("<II", round(dots * 1000), 1000)))
        entries.append((296, short, 1, struct.pack("<H", 2)))  # per inch
    if channels == 4:
        entries.append((338, short, 1, struct.pack("<H", 2)))  # alpha, not multiplied in
    if metadata.icc:
        entries.append((34675, undefined, len(metadata.icc), metadata.icc))
    entries.sort()
    beyond_at = at + 2 + 12 * len(entries) + 4
    table, beyond = struct.pack("<H", len(entries)), b""
    for tag, kind, count, value in entries:
        table += struct.pack("<HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack("<I", beyond_at + len(beyond))
            beyond += value + b"\0" * (len(value) % 2)
    return table + struct.pack("<I", 0) + beyond


def write_ppm(pixels: Deep, stream: BinaryIO) -> None:
    """Write a binary PPM with 65,536 values a channel, ``(H, W, 3)`` only."""
    height, width, _ = pixels.shape
    stream.write(f"P6\n{width} {height}\n65535\n".encode())
    for top in range(0, height, _ROWS):
        stream.write(pixels[top : top + _ROWS].astype(">u2").tobytes())
