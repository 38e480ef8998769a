"""Real photographs: what an 8-bit network is calibrated on, and what every export is judged by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hue_cli.color import lab
from hue_cli.errors import DatasetError
from hue_cli.export.source import Paint
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.photo import is_image_name
from hue_cli.images.resize import NetworkSize, crop_to_photo, network_input, network_size
from hue_cli.images.tint import tint
from hue_cli.infer.contract import Contract
from hue_cli.metrics.ciede2000 import ciede2000

Picture = NDArray[np.uint8]
"""``(H, W, 3)`` uint8, sRGB."""

_SAMPLES = ("astronaut", "camera", "chelsea", "coffee", "rocket")
"""Free photographs that come with scikit-image; those of ``samples/``."""

_MOST = 64
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two sets of pictures lie apart, in ΔE (CIEDE2000); of 1 an eye sees nothing.

    Attributes:
        mean: over all pixels.
        largest: of any pixel.
        photos: how many were compared.
    """

    mean: float
    largest: float
    photos: int

    def to_dict(self) -> dict[str, float]:
        """Return plain data for JSON."""
        return {"mean": self.mean, "largest": self.largest, "photos": self.photos}


def sample_photos() -> list[Picture]:
    """Return the sample photographs."""
    from skimage import data

    pictures = [np.asarray(getattr(data, name)()) for name in _SAMPLES]
    return [picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2) for picture in pictures]


def read_photos(path: Path) -> list[Picture]:
    """Read a photograph, or the first 64 of a folder, in the order of their names; large ones are reduced.

    Raises:
        DatasetError: there are none that can be read.
    """
    files = sorted(each for each in path.rglob("*") if is_image_name(each)) if path.is_dir() else [path]
    pictures = list(itertools.islice(filter(None, map(_read, files)), _MOST))
    if not pictures:
        raise DatasetError(f"{path}: expected photographs, found none that can be read.")
    return [np.asarray(picture) for picture in pictures]


def _read(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    upright.thumbnail((_LONGEST, _LONGEST))
    return upright


def _seen(picture: Picture, rule: Contract) -> tuple[NDArray[np.uint16], NetworkSize]:
    grey = rgb_to_grey(picture)
    size = network_size(*grey.shape, size=rule.size, multiple_of=rule.multiple_of, minimum=rule.minimum)
    return grey, size


def as_seen(picture: Picture, rule: Contract) -> NDArray[np.float32]:
    """Return a picture's lightness as a network sees it, ``(1, 1, h, w)``."""
    return network_input(*_seen(picture, rule))[None]


def colorize(picture: Picture, paint: Paint, rule: Contract) -> Picture:
    """Colorize a picture as ``hue colorize`` does."""
    grey, size = _seen(picture, rule)
    (ab,) = paint(network_input(grey, size)[None])
    coloured: Picture = tint(grey, crop_to_photo(ab, size))
    return coloured


def difference(
    photos: Sequence[Picture], expected: Callable[[Picture], Picture], found: Callable[[Picture], Picture]
) -> Difference:
    """Compare two ways to colorize photographs."""
    total, count, largest = 0.0, 0, 0.0
    for photo in photos:
        apart = ciede2000(_to_lab(expected(photo)), _to_lab(found(photo)))
        total += float(apart.double().sum())
        count += apart.numel()
        largest = max(largest, float(apart.max()))
    return Difference(total / count, largest, len(photos))


def _to_lab(picture: Picture) -> torch.Tensor:
    values = lab.rgb_to_lab(picture / np.float32(255))
    return torch.from_numpy(values).permute(2, 0, 1)[None]
