"""TIFF: its directories as they are, and a writer for every depth, page and field.

Pillow writes no 16-bit RGB, guesses the types of fields anew and has all pages in memory. So directories are written
here; libtiff, through Pillow, only compresses strips: to it they are bytes, and bytes have no depth.

References:
    TIFF revision 6.0, sections 2 (structure), 14 (differencing), 18 (alpha), 21 (YCbCr); Adobe's supplement 2
    (deflate); TIFF Technical Note 2 (JPEG); Adobe, XMP Specification Part 3, §3.2.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.images import exif
from hue_cli.images.ifd import (
    LONG,
    RATIONAL,
    SHORT,
    SIZES,
    UNDEFINED,
    Entry,
    pack_directory,
    read_directory,
    read_header,
)
from hue_cli.images.photo import Metadata
from hue_cli.images.tint import Rows

SUBFILE, BITS, PHOTOMETRIC, PREDICTOR, JPEG_TABLES = 254, 258, 262, 317, 347
XMP, IPTC, RESOURCES, ICC = 700, 33723, 34377, 34675
_WANTED = frozenset((SUBFILE, BITS, PHOTOMETRIC, PREDICTOR, 340, 341, JPEG_TABLES, XMP, IPTC, RESOURCES))

_SCHEMES = {
    "raw": 1,
    "packbits": 32773,
    "tiff_lzw": 5,
    "tiff_adobe_deflate": 8,
    "lzma": 34925,
    "zstd": 50000,
    "jpeg": 7,
}
"""What hue compresses with, by Pillow's names; whatever else a scan came with held no colour, or is rare."""
_DEFLATE, _JPEG = 8, 7
_FOR_DIFFERENCES = frozenset(("tiff_lzw", "tiff_adobe_deflate", "zstd", "lzma"))
_LEVEL = 3
"""As in PNGs: 7 to 20 % smaller than at level 4, for up to 14 % more time; 16 bits take the same at both."""
_STRIP_BYTES = 1 << 18
_BLOCK_ROWS = 16
_MOST_BYTES = (1 << 32) - (1 << 24)


class Pages:
    """The directories of a TIFF, one for each page."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        stream.seek(0)
        self._layout, first = read_header(stream)
        self._places = [first]

    @property
    def order(self) -> str:
        """Byte order, ``<`` or ``>``."""
        return self._layout.order

    def exceeds(self, most: int) -> bool:
        """Whether there are more pages than that; directories that point in a circle end where they began."""
        seen = set(self._places)
        while len(self._places) <= most:
            _, following = read_directory(self._stream, self._layout, self._places[-1], lambda _: False)
            if not following or following in seen:
                return False
            seen.add(following)
            self._places.append(following)
        return True

    def fields(self, page: int) -> list[Entry]:
        """Return what a page's directory says beside where its pixels are.

        Raises:
            ValueError: it is damaged, or there is no such page.
        """
        return self.directory(page, lambda tag: tag in _WANTED or exif.describes(tag))

    def directory(self, page: int, wanted: Callable[[int], bool]) -> list[Entry]:
        """Return the fields of a page whose tags are wanted.

        Raises:
            ValueError: it is damaged, or there is no such page.
        """
        while len(self._places) <= page:
            _, following = read_directory(self._stream, self._layout, self._places[-1], lambda _: False)
            if not following:
                raise ValueError("no such page")
            self._places.append(following)
        entries, _ = read_directory(self._stream, self._layout, self._places[page], wanted)
        return entries


def numbers(entry: Entry, order: str) -> tuple[int, ...]:
    """Return the values of a field of whole numbers; nothing of another type."""
    form = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(entry.kind)
    return () if form is None or not entry.data else struct.unpack(f"{order}{entry.count}{form}", entry.data)


class TiffWriter:
    """Writes pages one after another.

    Args:
        stream: seekable, at its start.
        order: byte order, ``<`` or ``>``.
    """

    def __init__(self, stream: BinaryIO, order: str) -> None:
        self._stream = stream
        self._order = order
        self._start = stream.tell()
        stream.write((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
        self._link = 4

    def add(self, pixels: Rows, metadata: Metadata, icc: bytes, quality: int) -> None:
        """Add a page.

        Args:
            pixels: ``(H, W, 3 or 4)`` uint8 or uint16; asked for a strip at a time.
            metadata: written along; fields of EXIF are brought into the file's byte order only where they have it.
            icc: the profile of the pixels.
            quality: where the page is compressed as JPEG.

        Raises:
            ValueError: the file would pass the 4 GiB that TIFF can address.
        """
        strips = _Strips(pixels, metadata, self._order, quality)
        places, sizes = [], []
        for data in strips.packed():
            places.append(self._stream.tell() - self._start)
            sizes.append(self._stream.write(data))
        at = self._stream.tell() - self._start
        at += self._stream.write(b"\0" * (at % 2))
        if at > _MOST_BYTES:
            raise ValueError("it would pass the 4 GiB that TIFF can address; choose --format png")
        entries = [*strips.entries(places, sizes), *self._described(metadata, icc)]
        self._stream.write(pack_directory(entries, self._order, at))
        # The directory is followed by what did not fit into it, so its link lies right behind its entries.
        link = at + 2 + 12 * len(entries)
        self._stream.seek(self._start + self._link)
        self._stream.write(struct.pack(f"{self._order}I", at))
        self._stream.seek(0, 2)
        self._stream.write(b"\0" * ((self._stream.tell() - self._start) % 2))
        self._link = link

    def _described(self, metadata: Metadata, icc: bytes) -> list[Entry]:
        """Return the fields that say something about the photograph."""
        entries = [Entry(ICC, UNDEFINED, len(icc), icc)]
        for tag, kind, data in (
            (XMP, 1, metadata.xmp),
            (IPTC, UNDEFINED, metadata.iptc),
            (RESOURCES, 1, metadata.resources),
        ):
            if data:
                entries.append(Entry(tag, kind, len(data), data))
        if metadata.dpi:
            for tag, dots in zip((282, 283), metadata.dpi, strict=True):
                entries.append(Entry(tag, RATIONAL, 1, struct.pack(f"{self._order}II", round(dots * 1000), 1000)))
            entries.append(self._number(296, SHORT, 2))  # per inch
        if metadata.subfile:
            entries.append(self._number(SUBFILE, LONG, metadata.subfile))
        if metadata.exif:
            fields, order = exif.to_directory(metadata.exif)
            entries += fields if order == self._order else map(_turned, fields)
        return entries

    def _number(self, tag: int, kind: int, value: int) -> Entry:
        return Entry(tag, kind, 1, struct.pack(self._order + ("H" if kind == SHORT else "I"), value))


def _turned(field: Entry) -> Entry:
    """Return a field in the other byte order; what a maker keeps to himself stays."""
    if field.children is not None:
        return Entry(field.tag, field.kind, field.count, b"", tuple(map(_turned, field.children)))
    size = SIZES[field.kind] // 2 if field.kind in (5, 10) else SIZES[field.kind]  # pairs of numbers
    return Entry(field.tag, field.kind, field.count, np.frombuffer(field.data, f"u{size}").byteswap().tobytes())


class _Strips:
    """The pixels of a page, cut and compressed as its source was, where that can be."""

    def __init__(self, pixels: Rows, metadata: Metadata, order: str, quality: int) -> None:
        height, width, channels = pixels.shape
        compression = metadata.compression
        scheme = compression.scheme if compression.scheme in _SCHEMES else "tiff_adobe_deflate"
        if scheme == "jpeg" and (pixels.dtype != np.uint8 or channels != 3):
            scheme = "tiff_adobe_deflate"
        self._scheme = scheme or "raw"
        self._pixels = pixels
        self._order = order
        self._quality = quality
        self._sampling = (1, 1) if compression.sampling == (1, 1) or quality >= 95 else (2, 2)
        self._differs = compression.predicts and scheme in _FOR_DIFFERENCES
        rows = max(1, _STRIP_BYTES // (width * channels * pixels.dtype.itemsize))
        self._rows = min(-(-rows // _BLOCK_ROWS) * _BLOCK_ROWS, -(-height // _BLOCK_ROWS) * _BLOCK_ROWS)
        self._code = _SCHEMES[self._scheme]

    def packed(self) -> Iterator[bytes]:
        """Yield each strip, compressed."""
        for top in range(0, self._pixels.shape[0], self._rows):
            strip = self._pixels[top : top + self._rows]
            if self._code == _JPEG:
                yield self._as_jpeg(strip)
                continue
            if self._differs:
                strip = np.concatenate([strip[:, :1], np.diff(strip, axis=1)], axis=1)
            yield self._compressed(
                strip.astype(strip.dtype.newbyteorder("<" if self._order == "<" else ">")).tobytes(), len(strip)
            )

    def _as_jpeg(self, strip: NDArray[Any]) -> bytes:
        stream = io.BytesIO()
        subsampling = 0 if self._sampling == (1, 1) else 2
        Image.fromarray(strip).save(stream, "JPEG", quality=self._quality, subsampling=subsampling)
        return stream.getvalue()

    def _compressed(self, data: bytes, rows: int) -> bytes:
        if self._code == 1:
            return data
        if self._code == _DEFLATE:
            return zlib.compress(data, _LEVEL)
        image = Image.frombytes("L", (len(data) // rows, rows), data)
        stream = io.BytesIO()
        image.save(stream, "TIFF", compression=self._scheme, strip_size=len(data))
        stream.seek(0)
        layout, first = read_header(stream)
        entries, _ = read_directory(stream, layout, first, lambda tag: tag in (273, 279))
        (places, sizes) = (numbers(entry, layout.order) for entry in sorted(entries, key=lambda entry: entry.tag))
        assert len(places) == 1, "one strip was asked for"
        return stream.getvalue()[places[0] : places[0] + sizes[0]]

    def entries(self, places: list[int], sizes: list[int]) -> list[Entry]:
        """Return the fields that say how the pixels are stored."""
        height, width, channels = self._pixels.shape

        def shorts(tag: int, *values: int) -> Entry:
            return Entry(tag, SHORT, len(values), struct.pack(f"{self._order}{len(values)}H", *values))

        def longs(tag: int, *values: int) -> Entry:
            return Entry(tag, LONG, len(values), struct.pack(f"{self._order}{len(values)}I", *values))

        entries = [
            longs(256, width),
            longs(257, height),
            shorts(BITS, *[8 * self._pixels.dtype.itemsize] * channels),
            shorts(259, self._code),
            shorts(PHOTOMETRIC, 6 if self._code == _JPEG else 2),
            longs(273, *places),
            shorts(277, channels),
            longs(278, self._rows),
            longs(279, *sizes),
            shorts(284, 1),  # channels interleaved
        ]
        if self._differs:
            entries.append(shorts(PREDICTOR, 2))
        if channels == 4:
            entries.append(shorts(338, 2))  # alpha, not multiplied in
        if self._code == _JPEG:
            entries.append(shorts(530, *self._sampling))
            bounds = [value for pair in ((0, 255), (128, 255), (128, 255)) for value in pair]
            data = struct.pack(f"{self._order}12I", *(number for value in bounds for number in (value, 1)))
            entries.append(Entry(532, RATIONAL, 6, data))
        return entries
