"""Luma and halved chroma: what a decoder makes of them has the photograph's lightness and the painting's colours."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from skimage import color, data

from hue_cli.images import subsampled
from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.luminance import grey_to_lightness, rgb_to_grey
from hue_cli.images.mark import Provenance
from hue_cli.images.photo import Compression, Metadata
from hue_cli.images.subsampled import paint_subsampled
from hue_cli.images.tint import Painting

RNG = np.random.default_rng(5)


def shown(painting: Painting) -> np.ndarray:
    """What a viewer sees of it, without the losses of a JPEG and with the chroma of each four as it is."""
    return np.asarray(paint_subsampled(painting).convert("RGB"))


def luma(painting: Painting) -> np.ndarray:
    return np.asarray(paint_subsampled(painting).getchannel("Y"))


def painting_of(name: str, reduce: int = 3) -> Painting:
    """A free photograph's own colours, as coarse as a network's, over its grey."""
    image = Image.fromarray(getattr(data, name)())
    lab = color.rgb2lab(np.asarray(image.resize((image.width // reduce, image.height // reduce))))
    grey = np.rint(rgb_to_grey(np.asarray(image)) / 257).astype(np.uint8)
    return Painting(grey, np.ascontiguousarray(np.moveaxis(lab[..., 1:], -1, 0), np.float32))


def flat(grey: np.ndarray, a: float, b: float) -> Painting:
    return Painting(grey, np.full((2, 1, 1), [[[a]], [[b]]], np.float32))


def as_pillow_encodes(painting: Painting, quality: int = 100) -> np.ndarray:
    """What is left of the whole painting in a JPEG of Pillow's, with halved chroma."""
    content = io.BytesIO()
    Image.fromarray(painting[:]).save(content, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(content))


def as_hue_encodes(painting: Painting, quality: int = 100) -> np.ndarray:
    content = io.BytesIO()
    paint_subsampled(painting).save(content, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(content))


def lightness_errors(rgb: np.ndarray, painting: Painting) -> np.ndarray:
    errors: np.ndarray = np.abs(color.rgb2lab(rgb)[..., 0] - grey_to_lightness(painting.grey))
    return errors


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (6, 8), (33, 65)])
@pytest.mark.parametrize("least", [0, 100])
def test_no_colour_is_exactly_none(size: tuple[int, int], least: int) -> None:
    grey = RNG.integers(least, 256 - least, size, dtype=np.uint8)
    image = paint_subsampled(Painting(grey, np.zeros((2, 3, 4), np.float32)))
    bands = [np.asarray(band) for band in image.split()]
    np.testing.assert_array_equal(bands[0], grey)
    assert {*bands[1].flat, *bands[2].flat} == {128}


def test_sixteen_bits_are_rounded_to_the_nearest_eight() -> None:
    grey = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(luma(flat(grey, 0, 0)), np.rint(grey / 257))


@given(
    grey=st.integers(0, 255),
    a=st.floats(-128, 128, width=32),
    b=st.floats(-128, 128, width=32),
)
def test_flat_colours_are_the_paintings(grey: int, a: float, b: float) -> None:
    painting = flat(np.full((4, 4), grey, np.uint8), a, b)
    # Luma and chroma are rounded, to up to 0.5 + 0.5 · 1.772 steps of blue; Pillow's conversion rounds once more.
    assert np.abs(shown(painting).astype(int) - painting[:]).max() <= 2


@given(
    near=st.lists(st.integers(0, 255), min_size=4, max_size=4),
    a=st.floats(-128, 128, width=32),
    b=st.floats(-128, 128, width=32),
)
@settings(max_examples=300)
def test_luma_follows_grey_upwards_and_nothing_overflows(near: list[int], a: float, b: float) -> None:
    grey = np.sort(np.array(near, np.uint8)).reshape(2, 2)
    found = luma(flat(grey, a, b)).astype(int)
    mean = int(np.asarray(Image.fromarray(grey).reduce(2))[0, 0])
    if max(abs(mean - value) for value in near) < subsampled._ROUGH:  # else luma is the painting's, as it may be
        assert (np.diff(found.reshape(-1)) >= 0).all()
    # Colours move luma by 75 of 255 at most (green), and within smooth fours it rises by 1.5 a step at most.
    assert np.abs(found - grey).max() <= 75 + 24


def test_luma_is_no_steeper_than_colours_at_the_edge_of_the_gamut_are() -> None:
    grey = np.repeat(np.arange(5, 20, dtype=np.uint8), 2)
    painting = flat(np.stack([grey, grey + np.uint8(22)]), 128, -128)
    truth = painting[:] @ (0.299, 0.587, 0.114)
    assert np.abs(luma(painting) - truth).max() < 12  # without the bound: 19


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
@pytest.mark.parametrize("quality", [92, 100])
def test_lightness_stays_as_near_as_from_full_chroma(name: str, quality: int) -> None:
    painting = painting_of(name)
    own, pillows = (lightness_errors(way(painting, quality), painting) for way in (as_hue_encodes, as_pillow_encodes))
    # Where the JPEG itself loses next to nothing, that luma is followed by lines can be seen.
    mean, most = (1.03, 1.05) if quality < 95 else (1.1, 1.5)
    assert own.mean() < mean * pillows.mean()
    assert np.quantile(own, 0.99) < most * np.quantile(pillows, 0.99)


def _checks(step: int) -> np.ndarray:
    grey: np.ndarray = (np.indices((48, 49)).sum(axis=0) // step % 2 * 255).astype(np.uint8)
    return grey


@pytest.mark.parametrize(
    "grey",
    [
        _checks(1),
        _checks(2),
        np.tile(np.array([0, 255], np.uint8), (48, 24)),
        np.where(RNG.random((48, 49)) < 0.5, 0, 255).astype(np.uint8),
        RNG.integers(0, 256, (48, 49), dtype=np.uint8),
    ],
    ids=["checks", "large checks", "stripes", "dither", "noise"],
)
def test_fine_black_and_white_is_painted_as_from_full_chroma(grey: np.ndarray) -> None:
    painting = flat(grey, 20, 40)
    difference = as_hue_encodes(painting).astype(int) - as_pillow_encodes(painting)
    assert np.abs(difference).mean() < 0.5
    assert np.abs(difference).max() <= 8


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_jpeg_differs_from_the_painting_as_pillows_does(name: str) -> None:
    painting = painting_of(name)
    content, pillows = io.BytesIO(), io.BytesIO()
    encode(Picture(rgb=painting), content, Encoding(image_format="JPEG"))
    truth = painting[:]
    Image.fromarray(truth).save(pillows, "JPEG", quality=92)
    errors = [np.abs(np.asarray(Image.open(stream)).astype(float) - truth).mean() for stream in (content, pillows)]
    assert errors[0] < 1.02 * errors[1]
    assert content.getbuffer().nbytes < 1.02 * pillows.getbuffer().nbytes


def test_a_jpeg_from_planes_says_what_one_from_pixels_says() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a mill"
    metadata = Metadata(
        exif=exif.tobytes().removeprefix(b"Exif\0\0"),
        icc=bytes(128) * 1000,  # longer than a segment
        dpi=(300.0, 299.6),
        comments=(b"scanned", b"twice"),
        iptc=b"\x1c\x02\x05\x00\x04mill",
    )
    painting = painting_of("chelsea")
    made = Provenance(model="tiny", digest="0" * 64, version="0.1.0")
    found = []
    for rgb in (painting, painting[:]):
        stream = io.BytesIO()
        encode(Picture(rgb=rgb, metadata=metadata), stream, Encoding(image_format="JPEG", provenance=made))
        with Image.open(stream) as image:
            image.load()
            assert isinstance(image, JpegImageFile)
            found.append((image.size, image.info, dict(image.getexif()), image.app, image.layer, image.quantization))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("compression", "quality", "sampling"),
    [
        (Compression(), None, (2, 2)),
        (Compression(sampling=(1, 1)), None, (1, 1)),
        (Compression(sampling=(2, 1)), None, (2, 1)),
        (Compression(sampling=(4, 1)), None, (2, 1)),
        (Compression(sampling=(1, 2)), None, (1, 1)),
        (Compression(sampling=(4, 2)), None, (2, 2)),
        (Compression(quality=97), None, (1, 1)),
        (Compression(), 96, (1, 1)),
    ],
)
def test_chroma_is_halved_where_nobody_asks_for_more(
    compression: Compression, quality: int | None, sampling: tuple[int, int]
) -> None:
    stream = io.BytesIO()
    metadata = Metadata(compression=compression)
    encode(
        Picture(rgb=painting_of("chelsea"), metadata=metadata), stream, Encoding(image_format="JPEG", quality=quality)
    )
    with Image.open(stream) as image:
        (_, *luma, _), (_, *chroma, _), _ = image.layer  # type: ignore[attr-defined]
    assert (luma[0] // chroma[0], luma[1] // chroma[1]) == sampling


def test_a_progressive_photograph_stays_progressive() -> None:
    stream = io.BytesIO()
    metadata = Metadata(compression=Compression(is_progressive=True))
    encode(Picture(rgb=painting_of("chelsea"), metadata=metadata), stream, Encoding(image_format="JPEG"))
    assert Image.open(stream).info["progressive"]


def test_a_profile_that_no_jpeg_holds_is_said() -> None:
    picture = Picture(rgb=painting_of("chelsea"), metadata=Metadata(icc=bytes(16_710_000)))
    with pytest.raises(ValueError, match="colour profile of 16,710,000 bytes"):
        encode(picture, io.BytesIO(), Encoding(image_format="JPEG"))


def test_a_side_that_no_jpeg_holds_is_said() -> None:
    painting = Painting(np.zeros((1, 65_501), np.uint8), np.zeros((2, 1, 4), np.float32))
    with pytest.raises(ValueError, match="65500"):
        encode(Picture(rgb=painting), io.BytesIO(), Encoding(image_format="JPEG"))


def test_bands_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    painting = painting_of("rocket")  # 427 rows: the last band has an odd one
    whole = paint_subsampled(painting)
    monkeypatch.setattr(subsampled, "_BAND_PIXELS", 100 * 640)
    assert paint_subsampled(painting).tobytes() == whole.tobytes()


def test_threads_give_the_same_bytes() -> None:
    grey = RNG.integers(0, 256, (1301, 2003), dtype=np.uint8)
    ab = RNG.uniform(-60, 60, (2, 30, 40)).astype(np.float32)
    found = {paint_subsampled(Painting(grey, ab, threads=threads)).tobytes() for threads in (1, 2, 3, 5)}
    assert len(found) == 1


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory")
def test_where_files_cannot_lie_in_memory_the_same_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it, without = io.BytesIO(), io.BytesIO()
    encode(Picture(rgb=painting_of("chelsea")), with_it, Encoding(image_format="JPEG"))

    def forbid(_name: str) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", forbid)
    encode(Picture(rgb=painting_of("chelsea")), without, Encoding(image_format="JPEG"))
    assert with_it.getvalue() == without.getvalue()
