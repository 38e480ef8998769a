"""What the rest of hue knows of a photograph, and which file formats there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.uint16]
"""``(H, W)``, 8 or 16 bits, the whole range of the type used."""

EXTENSIONS: dict[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".pbm": "PPM",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".pnm": "PPM",
    ".jp2": "JPEG2000",
    ".avif": "AVIF",
}
"""Extensions that are tried in folders, and the format that each names."""

WRITABLE: dict[str, str] = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "PPM": ".ppm",
}
"""Formats that hold colour and that hue writes, with their usual extension."""

_WITH_ALPHA = frozenset(("PNG", "TIFF", "WEBP"))
_WITH_16_BITS = frozenset(("PNG", "TIFF", "PPM"))


def is_image_name(path: PurePath) -> bool:
    """Whether the extension is one of an image format that hue reads."""
    return path.suffix.lower() in EXTENSIONS


def colour_extension(path: PurePath) -> str:
    """Return the extension of the colour version: the same where its format holds colour, else ``.png``."""
    suffix = path.suffix.lower()
    if suffix in (".pgm", ".pbm"):
        return ".ppm"
    return path.suffix if EXTENSIONS.get(suffix) in WRITABLE else ".png"


def colour_format(image_format: str) -> str:
    """Return the format of the colour version: the same where it holds colour, else PNG."""
    return image_format if image_format in WRITABLE else "PNG"


def holds_alpha(image_format: str) -> bool:
    """Whether the format keeps transparency."""
    return image_format in _WITH_ALPHA


def holds_16_bits(image_format: str) -> bool:
    """Whether hue writes the format with 16 bits a channel."""
    return image_format in _WITH_16_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What travels from the photograph to its colour version, as Pillow wants it.

    Attributes:
        exif: EXIF block without its orientation, which has been applied.
        icc: ICC profile, where it says sRGB.
        dpi: resolution, horizontal and vertical.
        compression: of a TIFF, where it loses nothing.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    compression: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photograph as hue uses it: upright, its lightness, and what else must survive.

    Attributes:
        grey: ``(H, W)``, the sRGB grey that has the photograph's lightness; 16 bits wherever 8 would round it.
        alpha: ``(H, W)``, 8 or 16 bits, or None where everything is opaque.
        depth: bits a channel of the file, 8 or 16; the colour version gets as many.
        image_format: Pillow's name of the file's format.
        metadata: to be written again.
        warnings: sentences for the report.
    """

    grey: Plane
    alpha: Plane | None = None
    depth: int = 8
    image_format: str = "PNG"
    metadata: Metadata = field(default_factory=Metadata)
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.grey.shape
        return height, width
