"""PNG: its chunks beside the pixels, and a writer for every depth and for animations.

Pillow writes neither 16 bits of colour nor long animations, has the whole picture in memory, and takes twice as long.

References:
    W3C, Portable Network Graphics Specification (third edition), §11 (chunks, APNG's too), §9.2 (filter types).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from hue_cli.images.photo import Metadata
from hue_cli.images.resources import pack_iptc
from hue_cli.images.tint import Rows

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 3
"""Measured: docs/colour.md. For grain, with its many short matches, it is smaller than the lazy levels 4 and 5."""
_STRIP_PIXELS = 1 << 21
"""Asked for at once: so many that two threads share the painting."""
_BLOCK_BYTES = 1 << 18
"""Filtered at once: so few that they stay in the processor's cache until they are compressed."""
_SAMPLED = 64
"""One of so many rows is compressed with each filter, to choose one: a hundredth of the time."""
_LEAST_CHUNK = 1 << 16
_METRES_PER_INCH = 0.0254
_MOST_BYTES = 16 << 20
_MOST_CHUNKS = 1_000_000
_MOST_PACKED = 1 << 20
"""Bytes to which a packed text may unpack; Pillow and others refuse a file with more, as a bomb."""

_KEPT = frozenset((b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"))
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW = b"Raw profile type "
"""Where ImageMagick puts what had no place in PNG, as hexadecimal digits."""

Chunk = tuple[bytes, bytes]
"""Type and data."""


def read_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Yield texts, time and EXIF, as far as they are not larger than 16 MiB; packed texts of over 1 MiB unpacked."""
    stream.seek(len(_SIGNATURE))
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind in _KEPT:
            if size > _MOST_BYTES:
                return
            data = stream.read(size)
            if len(data) < size:
                return
            yield _unpacked(kind, data)
            stream.seek(4, 1)
        else:
            stream.seek(size + 4, 1)


def _unpacked(kind: bytes, data: bytes) -> Chunk:
    """Return a text that unpacks to more than others allow as it is when not packed; others unchanged."""
    keyword, _, rest = data.partition(b"\0")
    if kind == b"zTXt":
        plain, head, packed = b"tEXt", keyword + b"\0", rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        language, _, rest = rest[2:].partition(b"\0")
        translated, _, packed = rest.partition(b"\0")
        plain, head = kind, b"\0".join((keyword, b"\0", language, translated, b""))
    else:
        return kind, data
    try:
        text = zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except zlib.error:
        return kind, data
    return (plain, head + text) if len(text) > _MOST_PACKED else (kind, data)


def raw_profile(chunk: Chunk) -> tuple[str, bytes] | None:
    """Return kind and content of a raw profile in a text chunk; None where it is none, or damaged."""
    kind, data = chunk
    keyword, _, rest = data.partition(b"\0")
    if not keyword.startswith(_RAW) or kind not in (b"tEXt", b"zTXt"):
        return None
    try:
        text = zlib.decompressobj().decompress(rest[1:], _MOST_BYTES) if kind == b"zTXt" else rest
        _, _, digits = text.strip().split(b"\n", 2)
        return keyword.removeprefix(_RAW).decode("latin-1").lower(), bytes.fromhex(re.sub(rb"\s", b"", digits).decode())
    except (zlib.error, ValueError):
        return None


def is_xmp(chunk: Chunk) -> bool:
    """Whether a text chunk carries XMP."""
    return chunk[0] == b"iTXt" and chunk[1].startswith(_XMP_KEYWORD + b"\0")


def comment_of(chunk: Chunk) -> bytes | None:
    """Return the text of a plain comment."""
    keyword, _, text = chunk[1].partition(b"\0")
    return text if chunk[0] == b"tEXt" and keyword == b"Comment" else None


def text_chunks(metadata: Metadata) -> list[Chunk]:
    """Return metadata as chunks: texts, comments, IPTC captions, XMP."""
    chunks = list(metadata.texts)
    said = {comment_of(chunk) for chunk in chunks}
    chunks += [(b"tEXt", b"Comment\0" + text.replace(b"\0", b"")) for text in metadata.comments if text not in said]
    if metadata.iptc:
        data = pack_iptc(metadata.iptc)
        digits = "\n".join(re.findall(".{1,72}", data.hex()))
        profile = f"\niptc\n{len(data):8d}\n{digits}\n".encode()
        chunks.append((b"zTXt", _RAW + b"iptc\0\0" + zlib.compress(profile)))
    if metadata.xmp:
        chunks.append((b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp))
    return chunks


class PngWriter:
    """Writes a picture, or one after another as an animation; memory does not grow with their number.

    Args:
        stream: where to.
        metadata: resolution, profile and the rest.
        icc: the profile of the pixels.
        frames: how many pictures will come; more than one make an animation.
        loop: how often it is shown; 0 is for ever.
        default_first: the first picture is for programs that show no animation, and not part of it.
    """

    def __init__(
        self,
        stream: BinaryIO,
        metadata: Metadata,
        icc: bytes,
        *,
        frames: int = 1,
        loop: int = 0,
        default_first: bool = False,
    ) -> None:
        self._stream = stream
        self._metadata = metadata
        self._icc = icc
        self._frames = frames
        self._loop = loop
        self._default_first = default_first
        self._index = 0
        self._sequence = 0

    def add(self, pixels: Rows, duration: float = 0) -> None:
        """Add a picture.

        Args:
            pixels: ``(H, W, 3 or 4)`` uint8 or uint16, as large and deep as the first.
            duration: for which it is shown, in milliseconds.
        """
        if self._index == 0:
            self._begin(pixels)
        is_frame = self._frames > 1 and not (self._default_first and self._index == 0)
        if is_frame:
            self._control(pixels.shape[1], pixels.shape[0], duration)
        for data in _deflated(_filtered(pixels)):
            if self._index == 0:
                self._chunk(b"IDAT", data)
            else:
                self._chunk(b"fdAT", struct.pack(">I", self._next()) + data)
        self._index += 1

    def close(self) -> None:
        """Write the end; the stream stays open."""
        self._chunk(b"IEND", b"")

    def _begin(self, pixels: Rows) -> None:
        height, width, channels = pixels.shape
        metadata = self._metadata
        self._stream.write(_SIGNATURE)
        depth, kind = 8 * pixels.dtype.itemsize, 2 if channels == 3 else 6
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
        if self._frames > 1:
            self._chunk(b"acTL", struct.pack(">II", self._frames - self._default_first, self._loop))
        self._chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(self._icc))
        if metadata.dpi:
            metres = [round(dots / _METRES_PER_INCH) for dots in metadata.dpi]
            self._chunk(b"pHYs", struct.pack(">IIB", *metres, 1))
        if metadata.exif:
            self._chunk(b"eXIf", metadata.exif)
        for chunk in text_chunks(metadata):
            self._chunk(*chunk)

    def _control(self, width: int, height: int, duration: float) -> None:
        delay = Fraction(duration / 1000).limit_denominator(10_000)
        while delay.numerator > 65_535:
            delay = Fraction(min(round(delay * 10), 65_535), 10) if delay < 6553 else Fraction(65_535, 1)
        self._chunk(
            b"fcTL",
            struct.pack(">5IHHBB", self._next(), width, height, 0, 0, delay.numerator, delay.denominator, 0, 0),
        )

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _chunk(self, kind: bytes, data: bytes) -> None:
        check = zlib.crc32(data, zlib.crc32(kind))
        self._stream.write(struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", check))


_Bytes = NDArray[np.uint8]
"""Rows of a picture as they are stored, ``(n, bytes)``."""

_NONE, _UP, _AVERAGE = 0, 2, 3
"""Filter types for drawings, smooth pictures and grain; the others are smallest nowhere, and Paeth's takes long."""


def _filtered(pixels: Rows) -> Iterator[_Bytes]:
    """Yield blocks of rows as differences to their neighbours, each row behind its filter type."""
    height, width, channels = pixels.shape
    big_endian = pixels.dtype.newbyteorder(">")
    step = channels * pixels.dtype.itemsize
    above = np.zeros((1, width * step), np.uint8)
    tall, low = max(1, _STRIP_PIXELS // width), max(1, _BLOCK_BYTES // (width * step))
    for top in range(0, height, tall):
        strip = np.ascontiguousarray(pixels[top : top + tall], big_endian).view(np.uint8).reshape(-1, width * step)
        kind = _best_filter(strip, step)
        for start in range(0, len(strip), low):
            rows = strip[start : start + low]
            yield _differences(kind, rows, above, step)
            above = rows[-1:]


def _best_filter(strip: _Bytes, step: int) -> int:
    """Return the filter by which some rows in the middle become smallest: grain likes another than drawings do."""
    many = 1 + max(1, len(strip) // _SAMPLED)
    start = max(0, (len(strip) - many) // 2)
    above, rows = np.split(strip[start : start + many], [1])
    return min(
        (_AVERAGE, _UP, _NONE), key=lambda kind: len(zlib.compress(_differences(kind, rows, above, step).data, 1))
    )


def _differences(kind: int, rows: _Bytes, above: _Bytes, step: int) -> _Bytes:
    """Filter rows.

    Args:
        kind: of filter.
        rows: ``(n, bytes)``.
        above: ``(1, bytes)``, the row above the first.
        step: bytes of a pixel.

    Returns:
        ``(n, 1 + bytes)``.
    """
    block = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    block[:, 0] = kind
    if kind == _NONE:
        block[:, 1:] = rows
        return block
    expected = np.concatenate([above, rows[:-1]])
    if kind == _AVERAGE:
        left = np.zeros_like(rows)
        left[:, step:] = rows[:, :-step]
        # The mean, rounded down, of which no step needs a ninth bit.
        expected = (left & expected) + ((left ^ expected) >> 1)
    np.subtract(rows, expected, out=block[:, 1:])
    return block


def _deflated(blocks: Iterable[_Bytes]) -> Iterator[bytes]:
    """Compress blocks as one stream; yield it in pieces."""
    packer = zlib.compressobj(_LEVEL)
    ready = b""
    for block in blocks:
        ready += packer.compress(block.data)
        if len(ready) >= _LEAST_CHUNK:
            yield ready
            ready = b""
    yield ready + packer.flush()
