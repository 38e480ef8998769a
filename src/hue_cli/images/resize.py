"""Sizes for the network: scaling, padding, cropping, and the weights for the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.photo import Plane
from hue_cli.images.product import product

LONGEST = 4
"""The long side shown to the network is at most this many times the short side that is asked for."""

ENLARGE = 2.0
"""Small photographs are enlarged at most so far: beyond, there is nothing more to see."""

_GAP = 3.0
"""How much larger than the network's size a picture stays when its pixels are averaged in blocks."""
_BAND_PIXELS = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSize:
    """The size at which a network sees a photograph.

    Attributes:
        height, width: of the scaled photograph.
        padded_height, padded_width: after padding to the network's size rule.
    """

    height: int
    width: int
    padded_height: int
    padded_width: int


def network_size(height: int, width: int, *, size: int, multiple_of: int, minimum: int) -> NetworkSize:
    """Choose the size at which the network sees a photograph.

    Its aspect ratio is kept; the short side becomes ``size``, unless the long side would pass four times
    that or the photograph would be enlarged more than twice. Padding does the rest.

    Args:
        height: of the photograph, at least 1.
        width: of the photograph, at least 1.
        size: wanted short side.
        multiple_of: of which padded sides are multiples.
        minimum: least padded side.
    """
    short, long = min(height, width), max(height, width)
    scale = min(size / short, LONGEST * size / long, ENLARGE)
    scaled = [max(1, round(side * scale)) for side in (height, width)]
    padded = [multiple_of * math.ceil(max(side, minimum) / multiple_of) for side in scaled]
    return NetworkSize(height=scaled[0], width=scaled[1], padded_height=padded[0], padded_width=padded[1])


def network_input(grey: Plane, size: NetworkSize) -> NDArray[np.float32]:
    """Scale a photograph for the network, pad it, and return its lightness.

    Args:
        grey: ``(H, W)``, 8 or 16 bits.
        size: from :func:`network_size`.

    Returns:
        ``(1, padded height, padded width)`` float32, L* in [0, 100]. The border is mirrored, because a
        network draws no edge there.
    """
    height, width = grey.shape
    # Means first, then the filter, as Pillow does to be fast; in bands, so that nothing of the picture's size is made.
    factor = max(1, int(min(height / size.height, width / size.width) / _GAP))
    rows = factor * max(1, _BAND_PIXELS // (factor * width))
    bands = [_eight_bits(grey[top : top + rows]).reduce(factor) for top in range(0, height, rows)]
    image = bands[0] if len(bands) == 1 else Image.fromarray(np.concatenate([np.asarray(band) for band in bands]))
    box = (0, 0, width / factor, height / factor)
    small = np.asarray(image.resize((size.width, size.height), Image.Resampling.BICUBIC, box=box))
    bottom, right = size.padded_height - size.height, size.padded_width - size.width
    padded = np.pad(small, ((0, bottom), (0, right)), mode="reflect")
    return grey_to_lightness(padded)[None]


def _eight_bits(grey: Plane) -> Image.Image:
    """Return grey as networks learned it; Pillow scales 8 bits fastest."""
    return Image.fromarray(grey if grey.dtype == np.uint8 else (grey >> 8).astype(np.uint8))


def crop_to_photo(ab: NDArray[np.float32], size: NetworkSize) -> NDArray[np.float32]:
    """Cut the padding off ``(2, padded height, padded width)``; gives ``(2, height, width)``."""
    return ab[:, : size.height, : size.width]


class Kernel(StrEnum):
    """How a* and b* are brought to the photograph's size."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    """The cubic convolution of Keys (1981) with a = −1/2."""
    LANCZOS = "lanczos"
    """A sinc in the window of a wider one (Duchon 1979), with three lobes."""

    @property
    def support(self) -> int:
        """How far it reaches, in pixels."""
        return {Kernel.BILINEAR: 1, Kernel.BICUBIC: 2, Kernel.LANCZOS: 3}[self]

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return its values at distances from its centre."""
        x = np.abs(x)
        match self:
            case Kernel.BILINEAR:
                return np.maximum(1 - x, 0)
            case Kernel.BICUBIC:
                inner = (1.5 * x - 2.5) * x * x + 1
                outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
                return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))
            case Kernel.LANCZOS:
                return np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def kernel_weights(
    kernel: Kernel, size_in: int, size_out: float, start: int, stop: int
) -> tuple[int, NDArray[np.float32]]:
    """Return weights for a stretch of the result, along one axis.

    Centres of pixels are aligned as in Pillow; where the result is smaller the kernel is stretched, so that
    it averages. Beyond the border there is nothing: what remains of the kernel is scaled to 1.

    Args:
        kernel: how neighbours are weighed.
        size_in: pixels of the whole axis before.
        size_out: pixels of the whole axis after; the last of them need not be whole.
        start: first pixel of the stretch.
        stop: the pixel behind its last, at most ``size_out`` rounded up.

    Returns:
        The first input pixel that counts, and the weights ``(stop - start, k)`` float32 of the ``k`` pixels
        from there on.
    """
    scale = size_in / size_out
    stretch = max(scale, 1.0)
    centres = (np.arange(start, stop) + 0.5) * scale - 0.5
    first = max(0, math.floor(centres[0] - kernel.support * stretch))
    last = min(size_in - 1, math.ceil(centres[-1] + kernel.support * stretch))
    weights = kernel((np.arange(first, last + 1)[None, :] - centres[:, None]) / stretch)
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def widen(
    planes: NDArray[np.float32], width: int, kernel: Kernel, *, extent: float | None = None, block: int = 128
) -> NDArray[np.float32]:
    """Scale ``(n, h, w)`` along the last axis, to ``(n, h, width)``; ``extent`` is the width, where it is not whole."""
    result = np.empty((*planes.shape[:2], width), np.float32)
    for start in range(0, width, block):
        stop = min(start + block, width)
        first, weights = kernel_weights(kernel, planes.shape[2], extent or width, start, stop)
        product(planes[:, :, first : first + weights.shape[1]], weights.T, out=result[:, :, start:stop])
    return result
