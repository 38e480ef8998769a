"""EXIF: upright, sRGB and without thumbnail, and else as it was, byte for byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hue_cli.images import exif
from hue_cli.images.ifd import ASCII, EXIF, LONG, SHORT, UNDEFINED, Entry, pack_directory

ARTIST = "Jürgen Müller".encode()
NOTE = bytes(range(200, 256)) + b"offsets of Agfa's own"


def entry(order: str, tag: int, kind: int, *values: int) -> Entry:
    return Entry(tag, kind, len(values), struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values))


def block(order: str, *, orientation: int = 6, thumbnail: bytes = b"") -> bytes:
    """A scanner's EXIF: names in any alphabet, maker's notes, a thumbnail behind."""
    inner = (
        entry(order, 40961, SHORT, 65535),
        entry(order, 40962, LONG, 640),
        entry(order, 40963, SHORT, 480),
        Entry(37500, UNDEFINED, len(NOTE), NOTE),
    )
    fields = [
        entry(order, 274, SHORT, orientation),
        Entry(305, ASCII, 8, b"ScanPro\0"),
        Entry(315, ASCII, len(ARTIST) + 1, ARTIST + b"\0"),
        Entry(EXIF, LONG, 1, b"", inner),
    ]
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    if not thumbnail:
        return start + pack_directory(fields, order, 8)
    at = 8 + len(pack_directory(fields, order, 8))
    first = pack_directory(fields, order, 8, following=at)
    second = [entry(order, 513, LONG, at + 30), entry(order, 514, LONG, len(thumbnail))]
    return start + first + pack_directory(second, order, at) + thumbnail


def read(data: bytes) -> tuple[dict[int, object], dict[int, object]]:
    """Fields of the directory and of the EXIF directory, as Pillow sees them."""
    found = Image.Exif()
    found.load(data)
    return dict(found), dict(found.get_ifd(EXIF))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", exif.PREFIX])
def test_it_is_upright_of_srgb_and_nothing_has_moved(order: str, prefix: bytes) -> None:
    old = block(order)
    tidied = exif.tidy(prefix + old)
    assert tidied.orientation == 6
    outer, inner = read(tidied.block)
    assert 274 not in outer
    assert outer[305] == "ScanPro"
    assert (inner[40961], inner[40962], inner[40963]) == (1, 480, 640)
    assert len(tidied.block) == len(old)
    for kept in (ARTIST, NOTE):
        assert tidied.block.index(kept) == old.index(kept)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_grey_thumbnail_is_dropped(order: str) -> None:
    tidied = exif.tidy(block(order, thumbnail=b"\xff\xd8 grey and sideways \xff\xd9"))
    assert b"sideways" not in tidied.block
    assert NOTE in tidied.block
    found = Image.Exif()
    found.load(tidied.block)
    assert not found.get_ifd(1)  # the second directory


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    assert exif.tidy(block("<", orientation=orientation)).orientation == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiffs_fields_become_a_block_and_the_other_way_round(order: str) -> None:
    fields, found_order = exif.to_directory(block(order))
    assert found_order == order
    assert [field.tag for field in fields] == [305, 315, EXIF]  # orientation describes how it is stored
    again = exif.from_directory(fields, order)
    assert again is not None
    assert ARTIST in again
    assert read(again)[1][37500] == NOTE


@pytest.mark.parametrize("order", ["<", ">"])
def test_nothing_is_left_of_an_orientation_alone(order: str) -> None:
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    tidied = exif.tidy(start + pack_directory([entry(order, 274, SHORT, 8)], order, 8))
    assert (tidied.block, tidied.orientation) == (b"", 8)
    assert exif.tidy(start + pack_directory([], order, 8)).block == b""


def circle() -> bytes:
    """An EXIF directory that is its own."""
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + struct.pack("<HHII", EXIF, LONG, 1, 8) * 2 + bytes(4)


@pytest.mark.parametrize("damaged", [b"", b"II*\0", b"no TIFF at all", b"II*\0\xff\xff\xff\xff", block("<")[:20]])
def test_damaged_blocks_are_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any words
        exif.tidy(damaged)


def test_circles_end() -> None:
    assert exif.tidy(circle()).orientation == 1
    assert exif.to_directory(circle())[0]


@given(st.data())
def test_garbled_blocks_are_read_or_refused(data: st.DataObject) -> None:
    garbled = bytearray(block(data.draw(st.sampled_from("<>")), thumbnail=b"grey"))
    for _ in range(data.draw(st.integers(1, 8))):
        garbled[data.draw(st.integers(4, len(garbled) - 1))] = data.draw(st.integers(0, 255))
    for read_it in (exif.tidy, exif.to_directory):
        try:
            read_it(bytes(garbled))
        except ValueError:
            continue
