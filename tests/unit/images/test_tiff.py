"""TIFF: other programs read what is written, pixels and fields."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from hue_cli.images import tiff
from hue_cli.images.ifd import ASCII, EXIF, LONG, RATIONAL, SHORT, UNDEFINED, Entry, pack_directory
from hue_cli.images.photo import Compression, Metadata
from hue_cli.images.profile import srgb_profile

RNG = np.random.default_rng(5)
# Larger than a strip, and of no even number of them.
WIDE8 = RNG.integers(0, 256, (211, 517, 3), dtype=np.uint8)
WIDE16 = RNG.integers(0, 65536, (211, 517, 4), dtype=np.uint16)


def written(*pages: np.ndarray, order: str = "<", metadata: Metadata | None = None) -> bytes:
    stream = io.BytesIO()
    writer = tiff.TiffWriter(stream, order)
    for pixels in pages:
        writer.add(pixels, metadata or Metadata(), srgb_profile(), 92)
    return stream.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("scheme", ["raw", "tiff_adobe_deflate", "lzma"])
@pytest.mark.parametrize("predicts", [False, True])
def test_pixels_are_read_by_another_library(order: str, scheme: str, predicts: bool) -> None:
    metadata = Metadata(compression=Compression(scheme=scheme, predicts=predicts))
    content = written(WIDE8, WIDE16, WIDE8[:3, :2], order=order, metadata=metadata)
    with tifffile.TiffFile(io.BytesIO(content)) as found:
        assert found.byteorder == order
        assert len(found.pages) == 3
        for page, pixels in zip(found.pages, (WIDE8, WIDE16, WIDE8[:3, :2]), strict=True):
            np.testing.assert_array_equal(page.asarray(), pixels)


def test_fields_are_read_by_another_library() -> None:
    name = "Jürgen".encode()
    inner = (Entry(33434, RATIONAL, 1, struct.pack(">II", 1, 50)), Entry(37500, UNDEFINED, 6, b"maker!"))
    fields = [
        Entry(315, ASCII, len(name) + 1, name + b"\0"),
        Entry(297, SHORT, 2, struct.pack(">2H", 3, 7)),
        Entry(EXIF, LONG, 1, b"", inner),
    ]
    exif = b"MM\0*\0\0\0\x08" + pack_directory(fields, ">", 8)
    metadata = Metadata(exif=exif, xmp=b"<x/>", iptc=b"\x1c\x02\x78\0\x01a", dpi=(600, 300), subfile=2)
    for order in "<>":
        with tifffile.TiffFile(io.BytesIO(written(WIDE8, order=order, metadata=metadata))) as found:
            tags = found.pages.first.tags
            assert tags[315].value == "Jürgen"
            assert tags[297].value == (3, 7)
            assert tags["ExifTag"].value["ExposureTime"] == (1, 50)
            assert tags["ExifTag"].value["MakerNote"] == b"maker!"
            assert (tags[282].value, tags[283].value) == ((600_000, 1000), (300_000, 1000))
            assert bytes(tags[700].value) == b"<x/>"
            assert bytes(tags[33723].value) == metadata.iptc
            assert tags[254].value == 2
            assert bytes(tags[34675].value) == srgb_profile()


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_fields_of_another_librarys_files_are_read(is_big: bool, order: str) -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, bigtiff=is_big, byteorder="<" if order == "<" else ">") as writer:
        for number in range(3):
            extra = [(315, 2, 0, "Jürgen".encode() if number else "Jo", True), (65000, 4, 3, (1, 2, 70_000), True)]
            writer.write(WIDE8[..., 0], extratags=extra, metadata=None)
    pages = tiff.Pages(stream)
    assert not pages.exceeds(3)
    assert pages.exceeds(2)
    for number in (0, 2, 1):
        fields = {field.tag: field for field in pages.fields(number)}
        assert fields[315].data.rstrip(b"\0") == ("Jürgen".encode() if number else b"Jo")
        assert tiff.numbers(fields[65000], order) == (1, 2, 70_000)
        assert 273 not in fields
    with pytest.raises(ValueError, match="no such page"):
        pages.fields(3)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([3, 4]),
    st.sampled_from(["u1", "u2"]),
    st.sampled_from("<>"),
)
def test_pictures_of_any_size(height: int, width: int, channels: int, kind: str, order: str) -> None:
    pixels = np.random.default_rng(height * width).integers(0, 255, (height, width, channels)).astype(kind)
    metadata = Metadata(compression=Compression(scheme="tiff_adobe_deflate", predicts=True))
    np.testing.assert_array_equal(
        tifffile.imread(io.BytesIO(written(pixels, order=order, metadata=metadata))).reshape(pixels.shape), pixels
    )
