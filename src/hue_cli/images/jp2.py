"""JPEG 2000: the boxes beside the pixels, which Pillow neither reads nor writes.

References:
    ITU-T T.800, annex I (boxes) and A.6.1 (coding style); Adobe, XMP Specification Part 3, §1.1.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

from hue_cli.images.photo import Metadata

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_MOST_BYTES = 16 << 20
_MOST_BOXES = 10_000
_METRES_PER_INCH = 0.0254


def read_boxes(stream: BinaryIO) -> dict[str, bytes]:
    """Return ``xmp``, ``exif`` and ``iptc`` of a JP2 file, as far as it has them."""
    names = {_XMP: "xmp", _EXIF: "exif", _IPTC: "iptc"}
    found: dict[str, bytes] = {}
    for kind, start, end in _boxes(stream):
        if kind == b"uuid" and 16 <= end - start <= _MOST_BYTES:
            stream.seek(start)
            data = stream.read(end - start)
            if (name := names.get(data[:16])) is not None:
                found.setdefault(name, data[16:])
    return found


def is_lossless(stream: BinaryIO) -> bool:
    """Whether the pixels went through the reversible wavelet, as which nothing need have been lost."""
    stream.seek(0)
    data = stream.read(1 << 16)
    at = data.find(b"\xff\x52\x00")
    # Marker, length, style, progression, layers, component transform, levels, block, style, wavelet.
    return at >= 0 and len(data) > at + 13 and data[at + 13] == 1


def _boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of each box at the top."""
    size_of_file = stream.seek(0, 2)
    at = 0
    for _ in range(_MOST_BOXES):
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        start = at + 8
        if size == 1:
            wide = stream.read(8)
            if len(wide) < 8:
                return
            (size,) = struct.unpack(">Q", wide)
            start += 8
        end = size_of_file if size == 0 else at + size
        if not start <= end <= size_of_file:
            return
        yield kind, start, end
        at = end


def with_metadata(encoded: bytes, metadata: Metadata) -> bytes:
    """Return a JP2 file with its metadata: resolution in the header, the rest in boxes of its own behind."""
    result = encoded
    if metadata.dpi:
        at = encoded.index(b"jp2h") - 4
        (size,) = struct.unpack_from(">I", encoded, at)
        resolution = _resolution(metadata.dpi)
        header = struct.pack(">I", size + len(resolution)) + encoded[at + 4 : at + size] + resolution
        result = encoded[:at] + header + encoded[at + size :]
    for name, data in ((_EXIF, metadata.exif), (_IPTC, metadata.iptc), (_XMP, metadata.xmp)):
        if data:
            result += _box(b"uuid", name + data)
    return result


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def _resolution(dpi: tuple[float, float]) -> bytes:
    """Return the superbox of resolutions; vertical comes first."""
    across, down = (Fraction(dots / _METRES_PER_INCH).limit_denominator(600) for dots in dpi)
    numbers, exponents = [], []
    for value in (down, across):
        exponent = 0
        while value.numerator > 65_535:
            value, exponent = (value / 10).limit_denominator(600), exponent + 1  # noqa: PLW2901
        numbers += [value.numerator, value.denominator]
        exponents.append(exponent)
    return _box(b"res ", _box(b"resc", struct.pack(">4H2b", *numbers, *exponents)))
