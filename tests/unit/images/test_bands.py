"""Large TIFFs in bands: the same as decoded whole, of every kind that can be cut."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from hue_cli.errors import ImageError
from hue_cli.images import bands
from hue_cli.images.photo import Metadata, Photo
from hue_cli.images.read import read_photo
from hue_cli.images.tiff import TiffWriter
from hue_cli.images.tone import Tone

CAT = skimage.data.chelsea()


def saved(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "TIFF", **options)
    return stream.getvalue()


def deep(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    TiffWriter(stream, ">").add(pixels, Metadata(), b"", 90)
    return stream.getvalue()


def tiled(grey: np.ndarray, side: int = 64) -> bytes:
    """A grey TIFF in tiles that are not compressed; Pillow writes none."""
    from hue_cli.images.ifd import LONG, SHORT, Entry, pack_directory

    height, width = grey.shape
    rows, across = -(-height // side), -(-width // side)
    padded = np.pad(grey, ((0, rows * side - height), (0, across * side - width)))
    data, places = bytearray(b"II*\0" + bytes(4)), []
    for row in range(rows):
        for column in range(across):
            places.append(len(data))
            data += padded[row * side :, column * side :][:side, :side].tobytes()
    data[4:8] = len(data).to_bytes(4, "little")

    def field(tag: int, kind: int, *values: int) -> Entry:
        packed = b"".join(value.to_bytes(2 if kind == SHORT else 4, "little") for value in values)
        return Entry(tag, kind, len(values), packed)

    fields = [(256, LONG, width), (257, LONG, height), (258, SHORT, 8), (259, SHORT, 1), (262, SHORT, 1)]
    fields += [(277, SHORT, 1), (322, SHORT, side), (323, SHORT, side)]
    entries = [field(*one) for one in fields]
    entries += [field(324, LONG, *places), field(325, LONG, *[side * side] * len(places))]
    return bytes(data) + pack_directory(entries, "<", len(data))


GREY = Image.fromarray(CAT).convert("L")
FILES = {
    "grey raw": saved(GREY),
    "grey raw in one strip": saved(GREY, strip_size=1 << 30),
    "grey lzw": saved(GREY, compression="tiff_lzw", strip_size=4000),
    "colour deflate": saved(Image.fromarray(CAT), compression="tiff_adobe_deflate", strip_size=9000),
    "colour jpeg": saved(Image.fromarray(CAT), compression="jpeg", strip_size=16 * 451 * 3),
    "toned": saved(Image.merge("RGB", [GREY, GREY.point(lambda v: v * 0.9), GREY.point(lambda v: v * 0.7)])),
    "alpha": saved(Image.fromarray(np.dstack([CAT, CAT[..., :1]])), compression="packbits", strip_size=5000),
    "palette": saved(Image.fromarray(CAT).quantize(64), strip_size=4000),
    "ink": saved(Image.fromarray(CAT).convert("CMYK"), strip_size=4000),
    "bilevel": saved(GREY.convert("1"), compression="group4", strip_size=400),
    "deep grey": saved(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 200), strip_size=4000),
    "deep colour": deep(CAT.astype(np.uint16) * 200),
    "turned": saved(GREY, exif=Image.Exif(), tiffinfo={274: 6}, strip_size=4000),
    "tiles": tiled(np.asarray(GREY)),
}


def in_bands(content: bytes, monkeypatch: pytest.MonkeyPatch, used: bool = True) -> Photo:
    """Read in bands of a few rows, and make sure that they were used."""
    monkeypatch.setattr(bands, "LARGE", 1)
    monkeypatch.setattr(bands, "_BAND_PIXELS", 30_000)
    found: list[object] = []
    whole = bands.decode_in_bands

    def watched(*given: Any) -> Any:
        found.append(whole(*given))
        return found[-1]

    monkeypatch.setattr(bands, "decode_in_bands", watched)
    photo = read_photo(content)
    assert (found not in ([], [None])) == used
    return photo


@pytest.mark.parametrize("kind", FILES)
def test_bands_are_the_same_as_the_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_photo(FILES[kind])
    found = in_bands(FILES[kind], monkeypatch)
    np.testing.assert_array_equal(found.grey, expected.grey)
    assert (found.alpha is None) == (expected.alpha is None)
    if found.alpha is not None and expected.alpha is not None:
        np.testing.assert_array_equal(found.alpha, expected.alpha)
    assert (found.depth, found.tone, found.metadata) == (expected.depth, expected.tone, expected.metadata)
    assert found.tone is {"toned": Tone.TONED, "colour deflate": Tone.COLOUR}.get(kind, found.tone)


def test_a_picture_that_is_neutral_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neutral bands have 8 bits, others 16; together they have 16."""
    pixels = CAT.copy()
    pixels[:90] = pixels[:90, :, :1]
    pixels[200:] = pixels[200:, :, :1]
    content = saved(Image.fromarray(pixels), strip_size=9000)
    found, expected = in_bands(content, monkeypatch), read_photo(content)
    assert found.grey.dtype == expected.grey.dtype == np.uint16
    # By the table of whole pixels a grey is rounded at 16 bits; as it is, not at all.
    assert np.abs(found.grey.astype(int) - expected.grey).max() <= 13
    assert found.tone is expected.tone


def test_a_profile_is_heeded_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageCms

    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey_gamma = lab_like.replace(b"sRGB", b"else")
    content = saved(Image.fromarray(CAT), icc_profile=grey_gamma, strip_size=9000)
    np.testing.assert_array_equal(in_bands(content, monkeypatch).grey, read_photo(content).grey)


@pytest.mark.parametrize("kind", ["one compressed strip", "fractions", "planes"])
def test_what_cannot_be_cut_is_decoded_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {
        "one compressed strip": saved(GREY, compression="tiff_lzw", strip_size=1 << 30),
        "fractions": saved(GREY.convert("F"), strip_size=4000),
        "planes": saved(Image.fromarray(CAT), strip_size=9000, tiffinfo={284: 2}),
    }[kind]
    if kind == "planes":
        monkeypatch.setattr(bands, "find_bands", lambda *_: None)
    np.testing.assert_array_equal(in_bands(content, monkeypatch, used=False).grey, read_photo(content).grey)


def test_a_file_that_is_cut_short_fails_as_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = FILES["colour deflate"]
    for part in (content[: len(content) // 2], content[:4000] + bytes(len(content) - 4000)):
        with pytest.raises(ImageError, match=r"damaged|cut short|expected a picture"):
            in_bands(part, monkeypatch, used=False)
