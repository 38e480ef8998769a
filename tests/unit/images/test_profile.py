"""Photographs with ICC profiles: the lightness is the profile's, and the result is sRGB."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image, ImageCms

from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.photo import Metadata
from hue_cli.images.profile import is_srgb
from hue_cli.images.read import read_photo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ADOBE_GAMMA = 563 / 256
# Adobe RGB (1998): primaries in the profile connection space, adapted to D50 (Lindbloom, "RGB/XYZ Matrices").
ADOBE = np.array(
    [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]]
)
D50 = (0.9642, 1.0, 0.8249)


def icc(space: bytes, gamma: float) -> bytes:
    """A profile with a pure gamma curve: of greys, or of RGB with the primaries of Adobe RGB."""

    def xyz(values: object) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))  # type: ignore[attr-defined]

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"wtpt": xyz(D50)}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip((b"r", b"g", b"b"), ADOBE.T, strict=True):
            tags |= {letter + b"XYZ": xyz(column), letter + b"TRC": curve}
    at = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    header = struct.pack(">I4xI", at + len(body), 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    return (header.ljust(68, b"\0") + xyz(D50)[8:]).ljust(128, b"\0") + table + body


def lightness_of(luminance: np.ndarray) -> np.ndarray:
    return np.where(luminance > (6 / 29) ** 3, 116 * np.cbrt(luminance) - 16, luminance * (29 / 3) ** 3)


def ramp(dtype: type) -> np.ndarray:
    top = np.iinfo(dtype).max
    values: np.ndarray = np.linspace(0, top, 256 if top == 255 else 4096).round().astype(dtype)
    return values.reshape(16, -1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_greys_follow_their_curve(tmp_path: Path, dtype: type, gamma: float) -> None:
    grey = ramp(dtype)
    Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=icc(b"GRAY", gamma))
    photo = read_photo(tmp_path / "a.png")
    expected = lightness_of((grey / np.iinfo(dtype).max) ** (round(gamma * 256) / 256))
    assert np.abs(grey_to_lightness(photo.grey) - expected).max() < 0.03
    assert photo.metadata.icc is None
    assert photo.depth == (8 if dtype == np.uint8 else 16)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_adobe_rgb_keeps_its_lightness_in_every_mode(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(skimage.data.astronaut()[::4, ::4]).convert(mode)
    picture.save(tmp_path / "a.png", icc_profile=icc(b"RGB ", ADOBE_GAMMA))
    rgb = np.asarray(picture.convert("RGB")) / 255
    photo = read_photo(tmp_path / "a.png")
    expected = lightness_of(rgb**ADOBE_GAMMA @ ADOBE[1])
    assert np.abs(grey_to_lightness(photo.grey) - expected).max() < 0.05
    assert np.abs(skimage.color.rgb2lab(rgb)[..., 0] - expected).max() > 1  # what leaving the profile out costs
    assert photo.metadata.icc is None
    assert (photo.alpha is not None) == mode.endswith("A")


def test_16_bits_of_adobe_rgb_stay_16_bits(tmp_path: Path) -> None:
    rgb = np.random.default_rng(1).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    rgb[0, :2] = [[0, 0, 0], [65535, 65535, 65535]]
    rgb[1:20] = np.linspace(20_000, 21_000, 19 * 50).astype(np.uint16).reshape(19, 50, 1)
    stream = io.BytesIO()
    picture = Picture(rgb=rgb, metadata=Metadata(icc=icc(b"RGB ", ADOBE_GAMMA)))
    encode(picture, stream, Encoding(image_format="PNG"))
    photo = read_photo(stream.getvalue())
    expected = lightness_of((rgb / 65535) ** ADOBE_GAMMA @ ADOBE[1])
    assert np.abs(grey_to_lightness(photo.grey) - expected).max() < 0.05
    # 950 shades within four 8-bit steps stay apart.
    assert len(np.unique(photo.grey[1:20])) > 900


def test_what_is_srgb_already_is_left_as_it_is(tmp_path: Path) -> None:
    picture = Image.fromarray(skimage.data.astronaut()[::8, ::8])
    picture.save(tmp_path / "tagged.png", icc_profile=SRGB)
    picture.save(tmp_path / "plain.png")
    tagged = read_photo(tmp_path / "tagged.png")
    assert tagged.metadata.icc == SRGB
    np.testing.assert_array_equal(tagged.grey, read_photo(tmp_path / "plain.png").grey)


@pytest.mark.parametrize(
    "profile", [b"", b"no profile", SRGB[:200], icc(b"GRAY", 2.2)[:140], SRGB[:16] + b"CMYK" + SRGB[20:]]
)
def test_profiles_that_cannot_be_used_are_left_out(tmp_path: Path, profile: bytes) -> None:
    grey = ramp(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=profile)
    photo = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.grey, grey)
    assert photo.metadata.icc is None
    assert not is_srgb(profile)


def test_a_profile_of_another_kind_of_picture_is_left_out(tmp_path: Path) -> None:
    picture = Image.fromarray(skimage.data.astronaut()[::8, ::8])
    picture.save(tmp_path / "plain.png")
    plain = read_photo(tmp_path / "plain.png")
    for mode, profile in (("RGB", icc(b"GRAY", 1.8)), ("RGBA", icc(b"GRAY", 1.8)), ("P", icc(b"GRAY", 1.8))):
        picture.convert(mode).save(tmp_path / "a.png", icc_profile=profile)
        found = read_photo(tmp_path / "a.png")
        assert found.metadata.icc is None
        if mode != "P":
            np.testing.assert_array_equal(found.grey, plain.grey)
    picture.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    plain = read_photo(tmp_path / "a.jpg")
    picture.convert("CMYK").save(tmp_path / "a.jpg", quality=95, icc_profile=icc(b"RGB ", 2.2))
    np.testing.assert_array_equal(read_photo(tmp_path / "a.jpg").grey, plain.grey)
