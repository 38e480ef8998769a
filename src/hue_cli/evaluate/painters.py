"""What can be scored: anything that paints a batch of photographs.

A painter gets the true photographs with their names and returns pictures of the same size. Those made of
networks look at nothing but the lightness; one that looks finished pictures up by name fits the same protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.evaluate.protocol import Batch, Pixels
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.photo import Plane
from hue_cli.images.resize import NetworkSize, crop_to_photo, network_input, network_size
from hue_cli.images.tint import tint
from hue_cli.recipes.schema import SizeRule

Floats = NDArray[np.float32]
Network = Callable[[Floats], Floats]
"""L* ``(N, 1, h, w)`` in [0, 100] in; a*b* ``(N, 2, h, w)`` or RGB ``(N, 3, h, w)`` in [0, 1] out."""


class Painter(Protocol):
    """Paints photographs."""

    repaints: bool
    """Whether it can be shown photographs with changes, and not only looks up what was painted once."""

    def paint(self, batch: Batch) -> Pixels | Sequence[Pixels | None]:
        """Return 8-bit sRGB pictures of the shape of ``batch.pixels``; None for photographs that it has none of."""
        ...


class GreyPainter:
    """The baseline: every photograph in black and white."""

    repaints = True

    def paint(self, batch: Batch) -> Pixels:
        """Return the grey of equal lightness, exactly neutral."""
        grey = np.stack([rgb_to_grey(photo) for photo in batch.pixels])
        return np.repeat(np.rint(grey / 257).astype(np.uint8)[..., None], 3, axis=3)


def _see(greys: Sequence[Plane], rule: SizeRule) -> tuple[NetworkSize, Floats]:
    """Bring grey photographs of one size to the network's, exactly as `hue colorize` does."""
    height, width = greys[0].shape
    size = network_size(height, width, size=rule.size, multiple_of=rule.multiple_of, minimum=rule.minimum)
    return size, np.stack([network_input(grey, size) for grey in greys])


class UsedPainter:
    """A model as `hue colorize` uses it: its a* and b* on the photograph's own lightness."""

    repaints = True

    def __init__(self, predict_ab: Network, rule: SizeRule) -> None:
        self._predict_ab = predict_ab
        self._rule = rule

    def paint(self, batch: Batch) -> Pixels:
        """Return the colorized photographs."""
        greys = [rgb_to_grey(photo) for photo in batch.pixels]
        size, lightness = _see(greys, self._rule)
        predicted = self._predict_ab(lightness)
        return np.stack([tint(grey, crop_to_photo(ab, size)) for grey, ab in zip(greys, predicted, strict=True)])


class RawPainter:
    """A network that paints RGB, as its paper scores it: its own lightness included."""

    repaints = True

    def __init__(self, paint_rgb: Network, rule: SizeRule) -> None:
        self._paint_rgb = paint_rgb
        self._rule = rule

    def paint(self, batch: Batch) -> Pixels:
        """Return what the network painted, resized (Lanczos) only where the photograph has another size than it."""
        size, lightness = _see([rgb_to_grey(photo) for photo in batch.pixels], self._rule)
        rgb = self._paint_rgb(lightness)[:, :, : size.height, : size.width]
        painted = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        height, width = batch.pixels.shape[1:3]
        if painted.shape[1:3] == (height, width):
            return np.ascontiguousarray(painted)
        fit = ((width, height), Image.Resampling.LANCZOS)
        return np.stack([np.asarray(Image.fromarray(picture).resize(*fit)) for picture in painted])
