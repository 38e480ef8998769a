"""EXIF: kept as it is, but for what the picture's being turned and coloured has made untrue.

The block is changed in place. Makers' notes hold offsets into it that only their makers know, so nothing may move.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from hue_cli.images.ifd import (
    EXIF,
    GPS,
    INTEROP,
    SIZES,
    Entry,
    Layout,
    pack_directory,
    read_directory,
    read_header,
)

PREFIX = b"Exif\0\0"

_ORIENTATION = 274
_COLOUR_SPACE = 40961
_SRGB = 1
_INTEROP_INDEX = 1
_SIDES = ((256, 257), (40962, 40963))
"""Pairs of width and height, which change places when a picture is laid on its side."""

# How pixels are stored, and what has a place of its own: XMP, IPTC, Photoshop's resources, the profile, layers.
_STRUCTURE_RANGES = ((254, 266), (273, 274), (277, 284), (288, 296), (317, 347), (512, 532), (50706, 51199))
_STRUCTURE = frozenset((301, 400, 700, 33723, 34377, 34675, 37724))


def describes(tag: int) -> bool:
    """Whether a field of a TIFF's directory says something about the photograph and not about the file."""
    return tag not in _STRUCTURE and not any(first <= tag <= last for first, last in _STRUCTURE_RANGES)


@dataclass(frozen=True, slots=True)
class Tidied:
    """An EXIF block, tidied.

    Attributes:
        block: without the prefix ``Exif``; upright, of sRGB, without thumbnail. Nothing, where nothing is left.
        orientation: that it had, 1 to 8.
    """

    block: bytes
    orientation: int


def tidy(block: bytes) -> Tidied:
    """Take out orientation and thumbnail, say that the picture is sRGB, and swap its sides if it was laid on them.

    Args:
        block: EXIF, with or without its prefix.

    Raises:
        ValueError: it is damaged beyond use.
    """
    return _Block(block.removeprefix(PREFIX)).tidied()


class _Block:
    """An EXIF block that is being changed."""

    def __init__(self, block: bytes) -> None:
        layout, self._first = read_header(io.BytesIO(block))
        if layout.is_big:
            raise ValueError("EXIF in a BigTIFF's layout")
        self._order = layout.order
        self._data = bytearray(block)
        self._end = 8
        self._places: dict[int, int] = {}
        self._children = {EXIF, GPS, INTEROP}

    def tidied(self) -> Tidied:
        link = self._walk(self._first)
        orientation = self._number(_ORIENTATION, 1)
        if not 1 <= orientation <= 8:
            orientation = 1
        link = self._remove(_ORIENTATION, link)
        self._set_number(_COLOUR_SPACE, _SRGB)
        if (at := self._places.get(_INTEROP_INDEX)) is not None and self._data[at + 8 : at + 11] == b"R03":
            self._data[at + 8 : at + 11] = b"R98"  # of Adobe RGB, of sRGB
        if orientation >= 5:
            for pair in _SIDES:
                self._swap(*pair)
        self._drop_thumbnail(link)
        (left,) = struct.unpack_from(f"{self._order}H", self._data, self._first)
        return Tidied(bytes(self._data) if left else b"", orientation)

    def _walk(self, at: int, *, is_noted: bool = True) -> int:
        """Note where fields lie, and how far what they point to reaches; return where the link to the next is."""
        if at + 2 > len(self._data):
            raise ValueError("EXIF directory outside of the block")
        (count,) = struct.unpack_from(f"{self._order}H", self._data, at)
        link: int = at + 2 + 12 * count
        if link > len(self._data):
            raise ValueError("EXIF directory outside of the block")
        self._end = max(self._end, link + 4)
        for place in range(at + 2, link, 12):
            tag, kind, number, value = struct.unpack_from(f"{self._order}HHII", self._data, place)
            size = SIZES.get(kind, 0) * number
            if size > 4 and value + size <= len(self._data):
                self._end = max(self._end, value + size)
            if tag in self._children:
                self._children.remove(tag)  # once each: hostile ones point in circles
                with suppress(ValueError):
                    self._walk(value, is_noted=tag != GPS)  # GPS has numbers of its own
            elif is_noted:
                self._places.setdefault(tag, place)
        return link

    def _number(self, tag: int, default: int) -> int:
        place = self._places.get(tag)
        if place is None:
            return default
        kind = struct.unpack_from(f"{self._order}H", self._data, place + 2)[0]
        form = {3: "H", 4: "I"}.get(kind)
        if form is None:
            return default
        number: int = struct.unpack_from(self._order + form, self._data, place + 8)[0]
        return number

    def _set_number(self, tag: int, value: int) -> None:
        place = self._places.get(tag)
        if place is not None:
            kind = struct.unpack_from(f"{self._order}H", self._data, place + 2)[0]
            if kind in (3, 4):
                struct.pack_into(self._order + {3: "H", 4: "I"}[kind], self._data, place + 8, value)

    def _remove(self, tag: int, link: int) -> int:
        """Take a field out of the first directory; what follows in it moves up, and nothing else. Return the link."""
        place = self._places.get(tag)
        if place is None or not self._first < place < link:
            return link
        (count,) = struct.unpack_from(f"{self._order}H", self._data, self._first)
        struct.pack_into(f"{self._order}H", self._data, self._first, count - 1)
        self._data[place : link + 4] = self._data[place + 12 : link + 4] + bytes(12)
        self._places = {
            known: at - 12 if place < at < link else at for known, at in self._places.items() if known != tag
        }
        return link - 12

    def _swap(self, one: int, other: int) -> None:
        """Exchange the values of two fields, types and all."""
        places = self._places.get(one), self._places.get(other)
        if places[0] is not None and places[1] is not None:
            first, second = (slice(place + 2, place + 12) for place in places if place is not None)
            self._data[first], self._data[second] = self._data[second], self._data[first]

    def _drop_thumbnail(self, link: int) -> None:
        """Unlink the second directory, which describes a small grey picture, and cut it off where it lies last."""
        if link + 4 > len(self._data):
            return  # some end their only directory without a link
        (thumbnail,) = struct.unpack_from(f"{self._order}I", self._data, link)
        struct.pack_into(f"{self._order}I", self._data, link, 0)
        if self._end <= thumbnail < len(self._data):
            del self._data[self._end + self._end % 2 :]


def from_directory(entries: Iterable[Entry], order: str) -> bytes | None:
    """Return an EXIF block of a TIFF's own fields; None where there are none."""
    kept = [entry for entry in entries if describes(entry.tag)]
    if not kept:
        return None
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return start + pack_directory(kept, order, 8)


def to_directory(block: bytes) -> tuple[list[Entry], str]:
    """Return the fields of an EXIF block for a TIFF's directory, and their byte order.

    Raises:
        ValueError: it is damaged beyond use.
    """
    stream = io.BytesIO(block.removeprefix(PREFIX))
    layout, first = read_header(stream)
    entries, _ = read_directory(stream, Layout(layout.order), first, describes)
    return entries, layout.order
