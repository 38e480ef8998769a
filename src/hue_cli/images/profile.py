"""ICC profiles: from a photograph's own colours to the sRGB grey that has the same lightness."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Deep = NDArray[np.uint16]

_MOST_BYTES = 16 << 20
"""That a profile may have: more than JPEG can carry is no profile."""
_MODES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
# Optimized, little CMS interpolates coarse tables: off by more than an 8-bit step in the darks (measured).
_EXACT = ImageCms.Flags.NOOPTIMIZE


def is_srgb(icc: bytes | None) -> bool:
    """Whether a profile says that it is sRGB, as which hue writes: nothing needs to be converted."""
    is_rgb = icc is not None and len(icc) <= _MOST_BYTES and icc[16:20] == b"RGB "
    return icc is not None and is_rgb and _description(icc).lower().startswith("srgb")


def find_profile(image: Image.Image) -> Profile | None:
    """Return the profile of an opened image, if it has one that needs to be heeded and can be used."""
    icc = image.info.get("icc_profile")
    if not isinstance(icc, bytes) or len(icc) > _MOST_BYTES or is_srgb(icc) or icc[16:20] not in _MODES:
        return None
    profile = Profile(icc)
    is_grey = image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
    fits = {"L": is_grey, "RGB": image.mode not in ("CMYK", "LAB"), "CMYK": image.mode == "CMYK"}[profile.mode]
    try:
        profile.of_image(Image.new(profile.mode, (1, 1)))
    except (ImageCms.PyCMSError, OSError):
        return None  # damaged: as if there were none
    return profile if fits else None


class Profile:
    """A profile of greys, of RGB or of ink.

    Attributes:
        mode: Pillow's mode of what it describes: ``L``, ``RGB`` or ``CMYK``.
    """

    def __init__(self, icc: bytes) -> None:
        self.mode = _MODES[icc[16:20]]
        self._icc = icc

    def of_image(self, image: Image.Image) -> Deep:
        """Return the grey of an 8-bit image in the profile's mode, or of a 16-bit grey one; ``(H, W)``."""
        target = ImageCms.ImageCmsProfile(io.BytesIO(_srgb_grey()))
        source = ImageCms.ImageCmsProfile(io.BytesIO(self._icc))
        transform = ImageCms.buildTransform(source, target, image.mode, "I;16", flags=_EXACT)
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None
        return np.array(converted)

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """Return an 8-bit image in the profile's mode as sRGB."""
        source = ImageCms.ImageCmsProfile(io.BytesIO(self._icc))
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        assert converted is not None
        return converted

    def of_grey(self, grey: NDArray[Any]) -> Deep:
        """Return the grey of ``(H, W)`` grey values, 8 or 16 bits, of a profile of greys or RGB."""
        codes = np.arange(int(np.iinfo(grey.dtype).max) + 1, dtype=grey.dtype).reshape(-1, 256)
        if self.mode == "L":
            table = self.of_image(Image.fromarray(codes))
        else:
            table = self.of_rgb(np.repeat(codes[..., None], 3, axis=2))
        return np.take(table.reshape(-1), grey)

    def of_rgb(self, rgb: NDArray[Any]) -> Deep:
        """Return the grey of ``(H, W, 3)`` RGB, 8 or 16 bits.

        Pillow converts only eight bits of RGB. The grey is smooth, though, and comes with 16 bits, so the lower
        eight of a channel move it along the slope from one upper value to the next.
        """
        if rgb.dtype == np.uint8:
            return self.of_image(Image.fromarray(rgb))
        # From 65,535 / 257 = 255 on there is no next value; so codes are split as 257 steps, not 256.
        high, low = np.divmod(rgb, np.uint16(257))
        high8 = high.astype(np.uint8)
        at = self.of_image(Image.fromarray(high8)).astype(np.float32)
        grey = at.copy()
        for channel in range(3):
            above = high8.copy()
            above[..., channel] = np.minimum(high[..., channel] + 1, 255)
            grey += (self.of_image(Image.fromarray(above)) - at) * (low[..., channel] / np.float32(257))
        return np.rint(np.clip(grey, 0, 65535)).astype(np.uint16)


def _description(icc: bytes) -> str:
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    except (ImageCms.PyCMSError, OSError):
        return ""


@cache
def srgb_profile() -> bytes:
    """Return the ICC profile of results whose photographs bring no sRGB profile of their own."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Its date is that of this moment; the same photograph shall give the same file.
    return icc[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + icc[36:]


@cache
def _srgb_grey() -> bytes:
    """Return an ICC profile of greys with sRGB's curve; Pillow makes none.

    References:
        ICC.1:2022, §7.2 (header), §10.18 (parametric curve, type 3); IEC 61966-2-1 (the curve).
    """
    white = struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))  # D50
    curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + white,
        b"kTRC": b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *(round(value * 65536) for value in curve)),
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    header = struct.pack(">I4xI", at + len(body), 0x04300000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    return (header + white).ljust(128, b"\0") + table + body
