"""Directories of TIFF, which EXIF uses too: read as they are, values unchanged, and written again elsewhere.

Pillow's own classes guess types anew and turn what is not ASCII into question marks; an archive's captions must
survive. Values stay the bytes that they were, in their own byte order.

References:
    TIFF revision 6.0, section 2; Exif 2.32, §4.6; BigTIFF (AWare Systems).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

EXIF, GPS, INTEROP = 34665, 34853, 40965
_CHILDREN = frozenset((EXIF, GPS, INTEROP))

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value, by type."""

_MOST_BYTES = 16 << 20
_MOST_ENTRIES = 4096
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One field.

    Attributes:
        tag, kind, count: as in the file.
        data: the values, in the directory's byte order.
        children: fields of the directory that it points to, where it does; ``data`` is empty then.
    """

    tag: int
    kind: int
    count: int
    data: bytes
    children: tuple[Entry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file writes its directories.

    Attributes:
        order: ``<`` or ``>``, as :mod:`struct` says it.
        is_big: whether it is a BigTIFF.
    """

    order: str
    is_big: bool = False


def read_header(stream: BinaryIO) -> tuple[Layout, int]:
    """Return the layout, and where the first directory lies.

    Raises:
        ValueError: it is no TIFF.
    """
    start = stream.read(8)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None or len(start) < 8:
        raise ValueError("no TIFF header")
    (magic,) = struct.unpack(f"{order}H", start[2:4])
    if magic != 43:
        return Layout(order), struct.unpack(f"{order}I", start[4:])[0]
    return Layout(order, is_big=True), struct.unpack(f"{order}Q", _exactly(stream, 8))[0]


def read_directory(
    stream: BinaryIO, layout: Layout, at: int, wanted: Callable[[int], bool], *, depth: int = 0
) -> tuple[list[Entry], int]:
    """Read one directory; fields that are damaged are left out.

    Args:
        stream: at whose start the header lies.
        layout: from :func:`read_header`.
        at: where the directory lies.
        wanted: whether the field with this tag is read.
        depth: of directories above it.

    Returns:
        Its fields, and where the next directory lies; 0 where there is none.

    Raises:
        ValueError: the directory itself lies outside the file or ends early.
    """
    entries, room, followed = [], _MOST_BYTES, set()
    for tag, kind, count, value in _fields(stream, layout, at):
        if not wanted(tag) or kind not in SIZES:
            continue
        size = SIZES[kind] * count
        if size > room:
            continue
        try:
            if tag in _CHILDREN:
                if tag in followed:
                    continue
                followed.add(tag)
                entry = _child(stream, layout, tag, value, depth)
            else:
                entry = Entry(tag, kind, count, _value(stream, layout, value, size))
        except ValueError:
            continue
        room -= size
        entries.append(entry)
    return entries, _following(stream, layout, at)


def _fields(stream: BinaryIO, layout: Layout, at: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield tag, type, count and the bytes that hold the value or its place."""
    head, row = (f"{layout.order}Q", f"{layout.order}HHQ8s") if layout.is_big else (f"{layout.order}H", _row(layout))
    stream.seek(at)
    (count,) = struct.unpack(head, _exactly(stream, struct.calcsize(head)))
    if count > _MOST_ENTRIES:
        raise ValueError(f"a directory of {count} fields")
    yield from struct.iter_unpack(row, _exactly(stream, count * struct.calcsize(row)))


def _row(layout: Layout) -> str:
    return f"{layout.order}HHI4s"


def _following(stream: BinaryIO, layout: Layout, at: int) -> int:
    head, step, link = ("Q", 20, "Q") if layout.is_big else ("H", 12, "I")
    stream.seek(at)
    (count,) = struct.unpack(layout.order + head, _exactly(stream, struct.calcsize(head)))
    stream.seek(at + struct.calcsize(head) + step * count)
    data = stream.read(struct.calcsize(layout.order + link))
    return struct.unpack(layout.order + link, data)[0] if len(data) == struct.calcsize(layout.order + link) else 0


def _value(stream: BinaryIO, layout: Layout, field: bytes, size: int) -> bytes:
    if size <= len(field):
        return field[:size]
    stream.seek(_place(layout, field))
    return _exactly(stream, size)


def _child(stream: BinaryIO, layout: Layout, tag: int, field: bytes, depth: int) -> Entry:
    if depth >= _DEEPEST:
        raise ValueError("directories within directories")
    children, _ = read_directory(stream, layout, _place(layout, field), lambda _: True, depth=depth + 1)
    return Entry(tag, LONG, 1, b"", tuple(children))


def _place(layout: Layout, field: bytes) -> int:
    place: int = struct.unpack(layout.order + ("Q" if layout.is_big else "I"), field)[0]
    return place


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("the file ends within its directory")
    return data


def pack_directory(entries: list[Entry], order: str, at: int, following: int = 0) -> bytes:
    """Return a directory that will lie ``at`` that offset, with all that its fields point to behind it.

    Args:
        entries: in any order; those with children become directories of their own.
        order: ``<`` or ``>``.
        at: even.
        following: where the next directory lies.
    """
    entries = sorted(entries, key=lambda entry: entry.tag)
    beyond_at = at + 2 + 12 * len(entries) + 4
    table, beyond = struct.pack(f"{order}H", len(entries)), bytearray()
    for entry in entries:
        where = beyond_at + len(beyond)
        data = entry.data
        if entry.children is not None:
            beyond += pack_directory(list(entry.children), order, where)
            data = struct.pack(f"{order}I", where)
        elif len(data) > 4:
            beyond += data
            data = struct.pack(f"{order}I", where)
        beyond += b"\0" * (len(beyond) % 2)
        table += struct.pack(f"{order}HHI", entry.tag, entry.kind, entry.count) + data.ljust(4, b"\0")
    return table + struct.pack(f"{order}I", following) + bytes(beyond)
