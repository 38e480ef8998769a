"""PNGs: every pixel comes back, whichever filter its rows are written with, and so does what was said of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from hue_cli.images import png
from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.photo import Metadata
from hue_cli.images.read import read_photo
from hue_cli.images.tint import Painting

RNG = np.random.default_rng(11)
NOISE = RNG.integers(0, 256, (45, 37, 4), dtype=np.uint8)


def written(picture: Picture) -> bytes:
    stream = io.BytesIO()
    encode(picture, stream, Encoding(image_format="PNG"))
    return stream.getvalue()


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All chunks, with their check sums looked at."""
    at = 8
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", content, at + 8 + size) == (zlib.crc32(kind + data),)
        yield kind, data
        at += 12 + size


def filters(content: bytes, row_bytes: int) -> set[int]:
    data = zlib.decompress(b"".join(data for kind, data in chunks(content) if kind == b"IDAT"))
    return set(data[:: 1 + row_bytes])


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 37), (45, 1), (2, 3), (45, 37)])
def test_every_pixel_comes_back_from_pictures_of_any_shape(height: int, width: int, channels: int) -> None:
    pixels = NOISE[:height, :width, :channels]
    alpha = pixels[..., 3] if channels == 4 else None
    with Image.open(io.BytesIO(written(Picture(rgb=pixels[..., :3], alpha=alpha)))) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_grain_smooth_pictures_and_drawings_get_filters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    smooth = np.tile(np.arange(300) // 3, (200, 1))
    grain = smooth + RNG.normal(64, 4, (200, 300))
    drawing = np.where(RNG.random((200, 300)) < 0.5, 60, 200)
    kinds = []
    for grey in (grain, smooth, drawing):
        rgb = np.dstack([grey.astype(np.uint8)] * 3)
        content = written(Picture(rgb=rgb))
        kinds.append(filters(content, 900))
        with Image.open(io.BytesIO(content)) as image:
            np.testing.assert_array_equal(np.asarray(image), rgb)
    assert kinds == [{3}, {2}, {0}]
    # One after another, a strip each, in blocks that do not divide it.
    monkeypatch.setattr(png, "_STRIP_PIXELS", 200 * 300)
    monkeypatch.setattr(png, "_BLOCK_BYTES", 900 * 7)
    rgb = np.dstack([np.concatenate([grain, smooth, drawing]).astype(np.uint8)] * 3)
    content = written(Picture(rgb=rgb))
    assert filters(content, 900) == {0, 2, 3}
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(np.asarray(image), rgb)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_painting_is_painted_strip_by_strip(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    grey = RNG.integers(0, 1 << depth, (45, 37), dtype=f"uint{depth}")
    painting = Painting(grey, RNG.normal(0, 20, (2, 5, 4)).astype(np.float32), depth=depth)
    whole = written(Picture(rgb=painting[:], alpha=NOISE[..., 3]))
    asked = []

    def rows(self: Painting, part: slice) -> np.ndarray:
        asked.append(part)
        return given(self, part)

    given = Painting.__getitem__
    monkeypatch.setattr(png, "_STRIP_PIXELS", 37 * 16)
    monkeypatch.setattr(Painting, "__getitem__", rows)
    parts = written(Picture(rgb=painting, alpha=NOISE[..., 3]))
    assert asked == [slice(0, 16), slice(16, 32), slice(32, 48)]
    for attribute in ("grey", "alpha"):
        one, other = (getattr(read_photo(content), attribute) for content in (whole, parts))
        np.testing.assert_array_equal(one, other)


def test_chunks_are_neither_tiny_nor_huge() -> None:
    rgb = RNG.integers(0, 256, (600, 1000, 3), dtype=np.uint8)
    sizes = [len(data) for kind, data in chunks(written(Picture(rgb=rgb))) if kind == b"IDAT"]
    assert min(sizes[:-1]) >= 1 << 16
    assert max(sizes) < 1 << 20


def test_everything_said_of_the_photograph_is_there_before_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    metadata = Metadata(
        exif=exif.tobytes().removeprefix(b"Exif\0\0"),
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        iptc=b"\x1c\x02\x78\0\x06garden",
        dpi=(600.0, 300.0),
        texts=((b"tEXt", b"Author\0Ann"), (b"tIME", struct.pack(">HBBBBB", 1999, 12, 31, 23, 59, 58))),
        comments=(b"a comment",),
    )
    content = written(Picture(rgb=NOISE[..., :3], metadata=metadata))
    kinds = [kind for kind, _ in chunks(content)]
    texts = [b"tEXt", b"tIME", b"tEXt", b"zTXt", b"iTXt"]
    assert kinds == [b"IHDR", b"iCCP", b"pHYs", b"eXIf", *texts, b"IDAT", b"IEND"]
    found = read_photo(content).metadata
    assert found.dpi == pytest.approx(metadata.dpi, abs=0.1)
    assert found.texts[:2] == metadata.texts
    assert (found.exif, found.iptc, found.comments) == (metadata.exif, metadata.iptc, metadata.comments)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["xmp"] == metadata.xmp
