"""What a JPEG says beside its pixels, and how finely it was compressed.

References:
    ITU-T T.81, annex B (markers) and K.1 (quantization tables); Adobe, XMP Specification Part 3, §1.1.3 (JPEG).
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

from hue_cli.images.exif import PREFIX as EXIF_PREFIX
from hue_cli.images.resources import SIGNATURE as PHOTOSHOP_PREFIX
from hue_cli.images.xmp import Namespace, merged

XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_PREFIX = b"http://ns.adobe.com/xmp/extension/\0"
_NOTE = "http://ns.adobe.com/xmp/note/"
MOST_BYTES = 65_533
"""That a segment holds."""
MOST_PROFILE = 255 * (MOST_BYTES - 14)
"""Bytes of a colour profile, in as many segments as are counted."""
LONGEST = 65_500
"""Pixels of a side that libjpeg writes."""

END = b"\xff\xd9"
"""The marker that closes a file."""
_START_OF_SCAN, _END = 0xDA, 0xD9
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_MOST_SEGMENTS = 10_000

# Table K.1, luminance, in the order of its sum only: 64 steps of quality 50.
_STANDARD = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


@dataclass(slots=True)
class Segments:
    """The segments before the pixels.

    Attributes:
        exif: without its prefix.
        xmp: the packet.
        extension: contents of the segments in which a long XMP packet goes on, prefix included.
        photoshop: image resources, joined.
        comments: as bytes.
        quality: of libjpeg's scale, 1 to 100, whose steps are at least as fine; None where there is no table.
        sampling: luminance samples for each of chroma, across and down; None of a grey picture.
        is_progressive: whether it is.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    extension: list[bytes] = field(default_factory=list)
    photoshop: bytes = b""
    comments: list[bytes] = field(default_factory=list)
    quality: int | None = None
    sampling: tuple[int, int] | None = None
    is_progressive: bool = False


def read_segments(stream: BinaryIO) -> Segments:
    """Read what stands before the pixels of a JPEG; what is damaged ends the reading."""
    found, tables, luminance = Segments(), dict[int, int](), 0
    for marker, data in _segments(stream):
        if marker == 0xE1:
            _add_application_1(found, data)
        elif marker == 0xED and data.startswith(PHOTOSHOP_PREFIX):
            found.photoshop += data.removeprefix(PHOTOSHOP_PREFIX)
        elif marker == 0xFE:
            found.comments.append(data)
        elif marker == 0xDB:
            tables |= _sums(data)
        elif marker in _FRAMES and len(data) >= 9:
            found.is_progressive = marker in _PROGRESSIVE
            luminance, found.sampling = data[8], _sampling(data)
    if luminance in tables:
        found.quality = quality_of(tables[luminance])
    return found


def tables_quality(tables: bytes) -> int | None:
    """Return the quality of the tables that a TIFF keeps apart from its pixels."""
    sums: dict[int, int] = {}
    for marker, data in _segments(io.BytesIO(tables)):
        if marker == 0xDB:
            sums |= _sums(data)
    return quality_of(sums[0]) if 0 in sums else None


def _add_application_1(found: Segments, data: bytes) -> None:
    if data.startswith(EXIF_PREFIX):
        more = data.removeprefix(EXIF_PREFIX)
        if found.exif is None:
            found.exif = more
        elif not more.startswith((b"II*\0", b"MM\0*")):  # which began another block
            found.exif += more
    elif data.startswith(XMP_PREFIX):
        found.xmp = found.xmp or data.removeprefix(XMP_PREFIX)
    elif data.startswith(EXTENSION_PREFIX):
        found.extension.append(data)


def _segments(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of the segments up to the pixels."""
    stream.seek(2)
    for _ in range(_MOST_SEGMENTS):
        marker = _next_marker(stream)
        if marker is None or marker in (_START_OF_SCAN, _END):
            return
        if marker in _BARE:
            continue
        length = stream.read(2)
        if len(length) < 2 or (size := struct.unpack(">H", length)[0] - 2) < 0:
            return
        data = stream.read(size)
        if len(data) < size:
            return
        yield marker, data


def _next_marker(stream: BinaryIO) -> int | None:
    """Return the next marker; filling, and what some programs leave between segments, is passed over."""
    before = stream.read(1)
    for _ in range(MOST_BYTES):
        byte = stream.read(1)
        if not byte:
            return None
        if before == b"\xff" and byte not in (b"\xff", b"\0"):
            return byte[0]
        before = byte
    return None


def _sums(data: bytes) -> dict[int, int]:
    """Return the sum of each quantization table's steps, by its number."""
    sums, at = {}, 0
    while at < len(data):
        wide, number = divmod(data[at], 16)
        size = 128 if wide else 64
        table = data[at + 1 : at + 1 + size]
        if len(table) == size:
            sums[number] = sum(struct.unpack(">64H", table) if wide else table)
        at += 1 + size
    return sums


def quality_of(steps: int) -> int:
    """Return the lowest quality of libjpeg's scale whose 64 luminance steps sum up to no more than these."""
    return next((quality for quality, total in enumerate(_totals(), start=1) if total <= steps), 100)


@cache
def _totals() -> tuple[int, ...]:
    """Return the sum of libjpeg's luminance steps at each quality from 1 to 99."""
    scales = (5000 // quality if quality < 50 else 200 - 2 * quality for quality in range(1, 100))
    return tuple(sum(min(max((step * scale + 50) // 100, 1), 255) for step in _STANDARD) for scale in scales)


def _sampling(frame: bytes) -> tuple[int, int] | None:
    components = frame[5]
    if components != 3 or len(frame) < 6 + 3 * components:
        return None
    (across, down), (blue_across, blue_down) = divmod(frame[7], 16), divmod(frame[10], 16)
    return (max(1, across // max(1, blue_across)), max(1, down // max(1, blue_down)))


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment; its content has at most :data:`MOST_BYTES` bytes."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def xmp_segments(packet: bytes, extension: Iterable[bytes], brief: bytes | None) -> Iterator[bytes]:
    """Yield the contents of the segments that carry an XMP packet.

    Args:
        packet: one that is too long for a segment goes on in others.
        extension: the photograph's own such others.
        brief: what then stands in the first.
    """
    if len(XMP_PREFIX) + len(packet) <= MOST_BYTES:
        yield XMP_PREFIX + packet
        yield from extension
        return
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
    yield XMP_PREFIX + merged(brief, {Namespace("xmpNote", _NOTE): {"HasExtendedXMP": digest}})
    room = MOST_BYTES - len(EXTENSION_PREFIX) - 40
    for at in range(0, len(packet), room):
        head = digest.encode() + struct.pack(">II", len(packet), at)
        yield EXTENSION_PREFIX + head + packet[at : at + room]
