"""Large TIFFs, decoded a band of rows at a time: as a whole, Pillow would need four bytes for each pixel in colour.

A TIFF is stored in strips or tiles that are compressed by themselves. Some rows of them, copied behind a directory of
their own, are a small TIFF, which Pillow decodes like any other.

References:
    TIFF revision 6.0, sections 3 (strips) and 15 (tiles).
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.images.decode import Pixels, Sample, decode, raw_mode, sample, tone_of
from hue_cli.images.decoders import open_image
from hue_cli.images.ifd import LONG, Entry, pack_directory
from hue_cli.images.photo import Plane
from hue_cli.images.profile import Profile
from hue_cli.images.tiff import Pages, numbers
from hue_cli.images.tone import Tone, Toning

LARGE = 32_000_000
"""Pixels from which on a picture is decoded in bands."""

_BAND_PIXELS = 1 << 22
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _ORIENTATION, _PLANES = 256, 257, 258, 259, 274, 284
_STRIPS = (273, 278, 279)
_TILES = (324, 323, 325)
_TILE_WIDTH = 322
# Of the pixels: photometric interpretation, order of bits, samples, options of faxes, predictor, palette, alpha, format
# of samples, tables of JPEG, and YCbCr.
_KEPT = frozenset((_WIDTH, _BITS, _COMPRESSION, 262, 266, 277, _PLANES, 292, 293, 317, 320, 322, 338, 339, 347))
_KEPT_OF_COLOUR = frozenset((529, 530, 531, 532))
_RAW = 1
_RANGES_OF_THEIR_OWN = frozenset(("I", "F"))  # which are stretched by the least and greatest value of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """The pieces of a TIFF's page.

    Attributes:
        stream: the file.
        order: its byte order.
        size: height and width.
        rows: of a piece.
        across: pieces beside each other.
        places, sizes: of the pieces, in bytes.
        tags: of a piece's place, rows and size: those of strips or of tiles.
        entries: what the page's directory says of its pixels.
        orientation: in which they are stored, 1 to 8.
    """

    stream: BinaryIO
    order: str
    size: tuple[int, int]
    rows: int
    across: int
    places: tuple[int, ...]
    sizes: tuple[int, ...]
    tags: tuple[int, int, int]
    entries: list[Entry]
    orientation: int

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield bands: their first row, and a TIFF of their own."""
        height, width = self.size
        pieces = max(1, _BAND_PIXELS // (self.rows * width))
        for first in range(0, -(-height // self.rows), pieces):
            top = first * self.rows
            yield top, self._cut(first, pieces, min(pieces * self.rows, height - top))

    def _cut(self, first: int, pieces: int, rows: int) -> bytes:
        part = slice(first * self.across, (first + pieces) * self.across)
        data = bytearray(b"II*\0" if self.order == "<" else b"MM\0*") + bytes(4)
        places = []
        for place, size in zip(self.places[part], self.sizes[part], strict=True):
            places.append(len(data))
            self.stream.seek(place)
            data += self.stream.read(size)
        data += bytes(len(data) % 2)
        struct.pack_into(f"{self.order}I", data, 4, len(data))
        place_tag, rows_tag, size_tag = self.tags
        entries = [
            *self.entries,
            self._longs(_HEIGHT, rows),
            self._longs(rows_tag, self.rows),
            self._longs(place_tag, *places),
            self._longs(size_tag, *self.sizes[part]),
        ]
        return bytes(data) + pack_directory(entries, self.order, len(data))

    def _longs(self, tag: int, *values: int) -> Entry:
        return Entry(tag, LONG, len(values), struct.pack(f"{self.order}{len(values)}I", *values))


def find_bands(stream: BinaryIO, pages: Pages, page: int) -> Bands | None:
    """Return the pieces of a page; None where it cannot be cut, or its directory is not sound.

    Args:
        stream: the file.
        pages: its directories.
        page: which.
    """
    wanted = _KEPT | _KEPT_OF_COLOUR | {_HEIGHT, _ORIENTATION, *_STRIPS, *_TILES}
    try:
        entries = {entry.tag: entry for entry in pages.directory(page, lambda tag: tag in wanted)}
        values = {tag: numbers(entry, pages.order) for tag, entry in entries.items()}
        tags = _TILES if _TILES[0] in entries else _STRIPS
        (width,), (height,) = values[_WIDTH], values[_HEIGHT]
        places, sizes = values[tags[0]], values[tags[2]]
        (rows,) = values.get(tags[1]) or (height,)
        across = -(-width // values[_TILE_WIDTH][0]) if tags is _TILES else 1
        if values.get(_PLANES, (1,)) != (1,):
            return None
        rows = min(rows, height) if tags is _STRIPS else rows
        if tags is _STRIPS and values.get(_COMPRESSION, (_RAW,)) == (_RAW,):
            rows, places, sizes = _single_rows(width, height, rows, values[_BITS], places)
        is_whole = len(places) == len(sizes) == -(-height // rows) * across
    except (KeyError, ValueError, ZeroDivisionError, IndexError):
        return None
    end = stream.seek(0, os.SEEK_END)
    if not is_whole or any(place + size > end for place, size in zip(places, sizes, strict=True)):
        return None
    if rows * width > 2 * _BAND_PIXELS:
        return None  # a single large strip, compressed, is decoded as a whole
    return Bands(
        stream=stream,
        order=pages.order,
        size=(height, width),
        rows=rows,
        across=across,
        places=places,
        sizes=sizes,
        tags=tags,
        orientation=(values.get(_ORIENTATION) or (1,))[0],
        entries=[entry for tag, entry in entries.items() if tag in _KEPT | _KEPT_OF_COLOUR],
    )


def _single_rows(
    width: int, height: int, rows: int, bits: tuple[int, ...], places: tuple[int, ...]
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return the rows of a picture that is not compressed, as pieces of one row."""
    size = -(-width * sum(bits) // 8)
    starts = [places[row // rows] + row % rows * size for row in range(height)]
    return 1, tuple(starts), (size,) * height


def decode_in_bands(bands: Bands, image: Image.Image, fields: dict[int, tuple[int, ...]], name: str) -> Pixels | None:
    """Decode a page; None where its bands are of no use, and it has to be decoded as a whole.

    Args:
        bands: its pieces.
        image: the page as Pillow opened it, not loaded.
        fields: those of its fields that are whole numbers.
        name: for messages.
    """
    if image.mode in _RANGES_OF_THEIR_OWN:
        return None
    samples: list[Sample] = []

    def collect(band: Image.Image, profile: Profile | None) -> Toning:
        samples.append(sample(band, profile, min(image.size)))
        return Toning(Tone.GREY)

    whole: Pixels | None = None
    for top, content in bands:

        def again(content: bytes = content) -> Image.Image:
            band = open_image(io.BytesIO(content), name)
            band.info.update({key: image.info[key] for key in ("icc_profile",) if key in image.info})
            return band

        band = again()
        if band.mode != image.mode:
            return None
        raw = raw_mode(band)
        band.load()
        part = decode(band, raw, fields, again, collect)
        if whole is None:
            whole = Pixels(np.empty(bands.size, part.grey.dtype), depth=part.depth, warnings=part.warnings)
            if part.alpha is not None:
                whole.alpha = np.empty(bands.size, part.alpha.dtype)
        _put(part, whole, top)
    if whole is not None and samples:
        whole.toning = tone_of(samples)
    return whole


def _put(part: Pixels, whole: Pixels, top: int) -> None:
    """Copy a band to its place; where some bands are neutral and so have 8 bits, and others 16, all get 16."""
    if part.grey.dtype == np.uint16 and whole.grey.dtype == np.uint8:
        whole.grey = _deepened(whole.grey)
    rows = slice(top, top + len(part.grey))
    whole.grey[rows] = part.grey if part.grey.dtype == whole.grey.dtype else _deepened(part.grey)
    if whole.alpha is not None and part.alpha is not None:
        whole.alpha[rows] = part.alpha


def _deepened(grey: Plane) -> NDArray[np.uint16]:
    return grey.astype(np.uint16) * np.uint16(257)
