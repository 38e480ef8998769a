"""From whatever a decoder gives to lightness: every mode of Pillow, 8 or 16 bits, through its profile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFile

from hue_cli.color import lab
from hue_cli.images import tiff
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.photo import Plane
from hue_cli.images.profile import Profile, find_profile, is_srgb
from hue_cli.images.tone import SHORT_SIDE, Tone, Toning, examine, fit

_STRIP_PIXELS = 1 << 22
_BYTE_ORDERS = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_WHITE_IS_ZERO = 0
_SRGB_GAMMA = 1 / 2.2
_SAMPLE_SIDE = 128
"""Pixels along the short side that are picked to find a tint."""
_GREY = Toning(Tone.GREY)
_MOST_DEEP = 65_535


@dataclass(slots=True)
class Pixels:
    """A decoded picture, not yet upright.

    Attributes:
        grey: ``(H, W)``, the sRGB grey that has its lightness.
        alpha: ``(H, W)``, or None where everything is opaque.
        depth: bits a channel of the file, 8 or 16.
        toning: whether it is grey, toned or in colour.
        warnings: without the file's name.
    """

    grey: Plane
    alpha: Plane | None = None
    depth: int = 8
    toning: Toning = _GREY
    warnings: list[str] = field(default_factory=list)


def raw_mode(image: Image.Image) -> str:
    """Pillow's name of how the file packs its pixels; gone once they are decoded."""
    arguments = image.tile[0].args if isinstance(image, ImageFile.ImageFile) and image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def decode(
    image: Image.Image,
    raw: str,
    fields: dict[int, tuple[int, ...]],
    again: Callable[[], Image.Image],
    tell_tone: Callable[[Image.Image, Profile | None], Toning] | None = None,
) -> Pixels:
    """Bring a loaded picture to lightness.

    Args:
        image: loaded.
        raw: its :func:`raw_mode` from before.
        fields: of a TIFF's page, those of whole numbers.
        again: opens the same picture once more, not loaded.
        tell_tone: of a picture in a mode of colours; None looks at it alone.
    """
    profile = find_profile(image)
    icc = image.info.get("icc_profile")
    pixels = _of_grey_modes(image, fields, profile) or _of_colour_modes(image, raw, again, profile, tell_tone or _tone)
    if profile is None and icc and not is_srgb(icc):
        pixels.warnings.append("its ICC profile is damaged or does not fit its pixels, and was left out of account")
    _heed_gamma(image, pixels)
    return pixels


def _of_grey_modes(image: Image.Image, fields: dict[int, tuple[int, ...]], profile: Profile | None) -> Pixels | None:
    mode = image.mode
    alpha: Plane | None = None
    warnings: list[str] = []
    depth = 8
    if mode in ("L", "1") and not image.has_transparency_data:
        grey: Plane = np.asarray(image if mode == "L" else image.convert("L"))
    elif mode in ("LA", "La", "L", "1"):
        both = np.asarray(image.convert("LA"))
        grey, alpha = np.ascontiguousarray(both[..., 0]), np.ascontiguousarray(both[..., 1])
    elif mode in ("I", "F") or mode.startswith("I;16"):
        grey, depth = _deep_grey(image, fields, warnings), 16
        if isinstance(transparent := image.info.get("transparency"), int):
            alpha = np.where(np.asarray(image) == transparent, np.uint16(0), np.uint16(_MOST_DEEP))
    else:
        return None
    return Pixels(grey if profile is None else profile.of_grey(grey), alpha, depth, warnings=warnings)


def _of_colour_modes(
    image: Image.Image,
    raw: str,
    again: Callable[[], Image.Image],
    profile: Profile | None,
    tell_tone: Callable[[Image.Image, Profile | None], Toning],
) -> Pixels:
    if image.mode == "LAB":
        return Pixels(_grey_of_lab(image), toning=tell_tone(image, None))
    if image.mode in ("RGB", "RGBA") and "16" in raw:
        pixels = _of_deep_colour(image, raw, again, profile, tell_tone)
        if pixels is not None:
            return pixels
    if image.mode == "CMYK" and profile is not None:
        return Pixels(profile.of_image(image), toning=tell_tone(image, profile))
    image = _to_rgb(image)
    alpha = np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None
    neutral = _neutral(image) if profile is None else None
    if neutral is not None and tell_tone is _tone:  # else it may be one neutral band among others
        return Pixels(neutral, alpha)
    grey = _grey_in_strips(image, profile) if neutral is None else neutral
    return Pixels(grey, alpha, toning=tell_tone(image, profile))


def _neutral(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the one plane that a grey picture in RGB has three times; None where they differ."""
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        red, green, blue = image.crop((0, top, width, min(top + rows, height))).split()[:3]
        if any(ImageChops.difference(green, other).getbbox() is not None for other in (red, blue)):
            return None
    return np.asarray(image.getchannel("G"))


def _deep_grey(image: Image.Image, fields: dict[int, tuple[int, ...]], warnings: list[str]) -> NDArray[np.uint16]:
    values = np.asarray(image)
    if values.dtype == np.float32 or (
        values.dtype != np.uint16 and not 0 <= values.min() <= values.max() <= _MOST_DEEP
    ):
        return _stretched(values, fields, warnings)
    grey = values.astype(np.uint16)
    if fields.get(tiff.BITS) == (12,):
        grey = (grey.astype(np.uint32) * _MOST_DEEP // 4095).astype(np.uint16)
    return np.uint16(_MOST_DEEP) - grey if fields.get(tiff.PHOTOMETRIC) == (_WHITE_IS_ZERO,) else grey


def _stretched(values: NDArray[Any], fields: dict[int, tuple[int, ...]], warnings: list[str]) -> NDArray[np.uint16]:
    """Return numbers of any range as 16-bit grey: fractions of 0 to 1 as they are, others from least to most."""
    finite = np.isfinite(values)
    if not finite.all():
        warnings.append("some of its pixels are no numbers; they became black")
        values = np.where(finite, values, 0)
    low, high = float(values.min()), float(values.max())
    if values.dtype == np.float32 and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    else:
        warnings.append(f"its values reach from {low:g} to {high:g}; the least became black and the greatest white")
    if fields.get(tiff.PHOTOMETRIC) == (_WHITE_IS_ZERO,):
        low, high = high, low
    span = (high - low) or 1.0
    return np.rint((values - np.float64(low)) * (_MOST_DEEP / span)).clip(0, _MOST_DEEP).astype(np.uint16)


def _grey_of_lab(image: Image.Image) -> NDArray[np.uint16]:
    """Return the grey of a picture in CIE Lab, whose first channel is the lightness itself."""
    lightness = np.arange(256) * (100 / 255)
    neutral = np.stack([lightness, np.zeros(256), np.zeros(256)], axis=1)
    table = np.rint(lab.lab_to_rgb(neutral)[:, 1].clip(0, 1) * _MOST_DEEP).astype(np.uint16)
    return np.take(table, np.asarray(image.getchannel(0)))


def _of_deep_colour(
    image: Image.Image,
    raw: str,
    again: Callable[[], Image.Image],
    profile: Profile | None,
    tell_tone: Callable[[Image.Image, Profile | None], Toning],
) -> Pixels | None:
    """Return RGB or RGBA of 16 bits, of which Pillow gives only the upper eight; None where it has no such mode."""
    deep = _grey_and_alpha(again) if raw.startswith("LA;16") else _both_bytes(np.asarray(image), raw, again)
    if deep is None:
        return None
    alpha = np.ascontiguousarray(deep[..., -1]) if deep.shape[2] in (2, 4) else None
    if deep.shape[2] == 2:
        grey: Plane = np.ascontiguousarray(deep[..., 0])
        return Pixels(grey if profile is None else profile.of_grey(grey), alpha, depth=16)
    rgb = deep[..., :3]
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and len(transparent) == 3 and alpha is None:
        alpha = np.where((rgb == transparent).all(axis=2), np.uint16(0), np.uint16(_MOST_DEEP))
    grey = rgb_to_grey(rgb) if profile is None else profile.of_rgb(rgb)
    return Pixels(grey, alpha, depth=16, toning=tell_tone(image, profile))


def _both_bytes(high: NDArray[np.uint8], raw: str, again: Callable[[], Image.Image]) -> NDArray[np.uint16] | None:
    """Told that the file has the other byte order, Pillow gives the lower eight bits; so it is decoded twice."""
    packing, _, order = raw.partition(";")
    if order not in _BYTE_ORDERS or packing not in ("RGB", "RGBA", "RGBX"):
        return None
    deep = np.asarray(_unpacked(again(), f"{packing};{_BYTE_ORDERS[order]}")).astype(np.uint16)
    deep += high.astype(np.uint16) << 8
    return deep


def _grey_and_alpha(again: Callable[[], Image.Image]) -> NDArray[np.uint16]:
    """Read the four bytes of grey and alpha as four channels: Pillow knows no deep grey with alpha."""
    four = np.asarray(_unpacked(again(), "RGBA")).astype(np.uint16)
    return (four[..., ::2] << np.uint16(8)) | four[..., 1::2]


def _unpacked(image: Image.Image, raw: str) -> Image.Image:
    assert isinstance(image, ImageFile.ImageFile)
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in image.tile
    ]
    image.load()
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return the image as RGB or RGBA."""
    if image.mode in ("RGB", "RGBA") and not (image.mode == "RGB" and image.has_transparency_data):
        return image
    if image.mode == "RGBa" or image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def _grey_in_strips(image: Image.Image, profile: Profile | None) -> NDArray[np.uint16]:
    """Return the grey of RGB or RGBA; whole, it would need another three bytes a pixel."""
    width, height = image.size
    grey = np.empty((height, width), np.uint16)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = np.asarray(image.crop((0, top, width, bottom)))[..., :3]
        grey[top:bottom] = rgb_to_grey(strip) if profile is None else profile.of_rgb(strip)
    return grey


@dataclass(frozen=True, slots=True)
class Sample:
    """Of a picture in a mode of colours, or of a band of it, what tells its tone; sRGB.

    Attributes:
        reduced: ``(H, W, 3)``, means of blocks.
        opaque: ``(H, W)``, which of them can be seen; None means all.
        picked: ``(n, 3)``, single pixels.
    """

    reduced: NDArray[np.uint8]
    opaque: NDArray[np.bool_] | None
    picked: NDArray[np.uint8]


def sample(image: Image.Image, profile: Profile | None, short_side: int) -> Sample:
    """Return a picture's sample, or that of a band of a picture with such a short side."""
    factor, step = max(1, short_side // SHORT_SIDE), max(1, short_side // _SAMPLE_SIDE)
    small = image.reduce(factor) if factor > 1 else image
    opaque = None
    if small.mode in ("RGBA", "PA", "LA"):
        opaque = np.asarray(small.getchannel("A")) > 0
    picked = image.resize((-(-image.width // step), -(-image.height // step)), Image.Resampling.NEAREST)
    return Sample(_srgb_of(small, profile), opaque, _srgb_of(picked, profile).reshape(-1, 3))


def tone_of(samples: Sequence[Sample]) -> Toning:
    """Tell whether a picture in a mode of colours has any, by its samples from top to bottom."""
    seen = [one.opaque for one in samples if one.opaque is not None]
    toning = examine(np.concatenate([one.reduced for one in samples]), np.concatenate(seen) if seen else None)
    if toning.tone is not Tone.TONED:
        return toning
    return Toning(Tone.TONED, fit(np.concatenate([one.picked for one in samples])))


def _tone(image: Image.Image, profile: Profile | None) -> Toning:
    return tone_of([sample(image, profile, min(image.size))])


def _srgb_of(image: Image.Image, profile: Profile | None) -> NDArray[np.uint8]:
    if profile is not None:
        image = profile.to_srgb(image if image.mode == profile.mode else image.convert(profile.mode))
    return np.asarray(image.convert("RGB"))


def _heed_gamma(image: Image.Image, pixels: Pixels) -> None:
    """Bring grey that a PNG declares to be coded with another exponent to sRGB's."""
    gamma = image.info.get("gamma")
    info = image.info
    if not isinstance(gamma, float) or "srgb" in info or "icc_profile" in info or not 0.01 < gamma < 10:
        return
    if abs(gamma - _SRGB_GAMMA) < 0.02:
        return
    most = int(np.iinfo(pixels.grey.dtype).max)
    linear = (np.arange(most + 1) / most) ** (1 / gamma)
    table = np.rint(lab.linear_to_srgb(linear) * _MOST_DEEP).astype(np.uint16)
    pixels.grey = np.take(table, pixels.grey)
