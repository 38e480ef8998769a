"""Luma and halved chroma: what a decoder makes of them has the photograph's lightness and the painting's colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from skimage import color, data

from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.luminance import grey_to_lightness, rgb_to_grey
from hue_cli.images.mark import Provenance
from hue_cli.images.photo import Compression, Metadata
from hue_cli.images.planes import Planes, paint_planes
from hue_cli.images.tint import Painting

RNG = np.random.default_rng(5)


def shown(planes: Planes) -> np.ndarray:
    """What a decoder makes of the planes, by Pillow, without the losses of a JPEG."""
    height, width = planes.luma.shape
    chroma = [plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] for plane in (planes.blue, planes.red)]
    bands = [Image.fromarray(np.ascontiguousarray(plane)) for plane in (planes.luma, *chroma)]
    return np.asarray(Image.merge("YCbCr", bands).convert("RGB"))


def painting_of(name: str, reduce: int = 3) -> Painting:
    """A free photograph's own colours, as coarse as a network's, over its grey."""
    image = Image.fromarray(getattr(data, name)())
    lab = color.rgb2lab(np.asarray(image.resize((image.width // reduce, image.height // reduce))))
    grey = np.rint(rgb_to_grey(np.asarray(image)) / 257).astype(np.uint8)
    return Painting(grey, np.ascontiguousarray(np.moveaxis(lab[..., 1:], -1, 0), np.float32))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (6, 8), (33, 65)])
def test_no_colour_is_exactly_none(size: tuple[int, int]) -> None:
    grey = RNG.integers(0, 256, size, dtype=np.uint8)
    planes = paint_planes(Painting(grey, np.zeros((2, 3, 4), np.float32)))
    np.testing.assert_array_equal(planes.luma, grey)
    assert planes.blue.shape == planes.red.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2)
    assert {*planes.blue.flat, *planes.red.flat} == {128}


@pytest.mark.parametrize("size", [(1, 1), (5, 1), (33, 64), (64, 33), (33, 65)])
def test_odd_sizes_give_the_same_bytes_each_time(size: tuple[int, int]) -> None:
    grey = RNG.integers(0, 256, size, dtype=np.uint8)
    ab = RNG.uniform(-60, 60, (2, 3, 4)).astype(np.float32)
    seen = set()
    for number in range(8):
        junk = np.full((size[0] + 1, size[1] + 1), number * 30, np.uint8)  # lies where the next planes may
        del junk
        stream = io.BytesIO()
        encode(Picture(rgb=Painting(grey, ab)), stream, Encoding(image_format="JPEG"))
        seen.add(stream.getvalue())
        assert Image.open(stream).size == size[::-1]
    assert len(seen) == 1


def test_sixteen_bits_are_rounded_to_the_nearest_eight() -> None:
    grey = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    planes = paint_planes(Painting(grey, np.zeros((2, 1, 1), np.float32)))
    np.testing.assert_array_equal(planes.luma, np.rint(grey / 257))


@given(
    grey=st.integers(0, 255),
    a=st.floats(-128, 128, width=32),
    b=st.floats(-128, 128, width=32),
)
def test_flat_colours_are_the_paintings(grey: int, a: float, b: float) -> None:
    painting = Painting(np.full((4, 4), grey, np.uint8), np.full((2, 2, 2), [[[a]], [[b]]], np.float32))
    # Luma and chroma are rounded, to up to 0.5 + 0.5 · 1.772 steps of blue; Pillow's conversion rounds once more.
    assert np.abs(shown(paint_planes(painting)).astype(int) - painting[:]).max() <= 2


@given(
    near=st.lists(st.integers(0, 255), min_size=4, max_size=4),
    a=st.floats(-128, 128, width=32),
    b=st.floats(-128, 128, width=32),
)
@settings(max_examples=300)
def test_luma_follows_grey_upwards_and_nothing_overflows(near: list[int], a: float, b: float) -> None:
    grey = np.sort(np.array(near, np.uint8)).reshape(2, 2)
    luma = paint_planes(Painting(grey, np.full((2, 1, 1), [[[a]], [[b]]], np.float32))).luma.astype(int)
    assert (np.diff(luma.reshape(-1)) >= 0).all()
    # Colours move luma by 75 of 255 at most (green); how steeply it rises is bounded too.
    assert np.abs(luma - grey).max() <= 75 + 1.5 * np.ptp(grey)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_lightness_stays_as_near_as_from_full_chroma(name: str) -> None:
    painting = painting_of(name)
    lightness = grey_to_lightness(painting.grey)
    pillows = io.BytesIO()
    Image.fromarray(painting[:]).save(pillows, "JPEG", quality=100, subsampling=2)
    planes = paint_planes(painting)
    own = io.BytesIO(simplejpeg.encode_jpeg_yuv_planes(planes.luma, planes.blue, planes.red, quality=100))
    errors = [np.abs(color.rgb2lab(np.asarray(Image.open(one)))[..., 0] - lightness) for one in (own, pillows)]
    assert errors[0].mean() < 1.1 * errors[1].mean()
    assert np.quantile(errors[0], 0.99) < 1.25 * np.quantile(errors[1], 0.99)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_jpeg_differs_from_the_painting_as_pillows_does(name: str) -> None:
    painting = painting_of(name)
    content, pillows = io.BytesIO(), io.BytesIO()
    encode(Picture(rgb=painting), content, Encoding(image_format="JPEG"))
    truth = painting[:]
    Image.fromarray(truth).save(pillows, "JPEG", quality=92)
    errors = [np.abs(np.asarray(Image.open(stream)).astype(float) - truth).mean() for stream in (content, pillows)]
    assert errors[0] < 1.06 * errors[1]
    assert content.getbuffer().nbytes < 1.05 * pillows.getbuffer().nbytes


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


def test_a_side_that_no_jpeg_holds_is_said() -> None:
    painting = Painting(np.zeros((1, 65_501), np.uint8), np.zeros((2, 1, 4), np.float32))
    with pytest.raises(ValueError, match="65500"):
        encode(Picture(rgb=painting), io.BytesIO(), Encoding(image_format="JPEG"))
