"""Flicker: how much the colours change when the photograph hardly does.

What flickers from frame to frame in a film shows on a single photograph too: cut off a few pixels, or reduce it by
a fiftieth, and some networks paint another dress.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.metrics.metric import Repaint

Pixels = NDArray[np.uint8]

SHIFT: Final = (5, 3)
"""Rows and columns that are cut off, once above and on the left, once below and on the right."""
SCALES: Final = (0.98, 1.02)
MINIMUM: Final = 32
"""Shortest side, in pixels, of photographs that are measured."""


def _ab(pixels: Pixels) -> Tensor:
    """Return a*b* of 8-bit pictures, ``(N, 2, H, W)``."""
    return rgb_to_lab(torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32) / 255)[:, 1:]


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    fit = ((width, height), Image.Resampling.LANCZOS)
    return np.stack([np.asarray(Image.fromarray(picture).resize(*fit)) for picture in pixels])


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean distance in the a*b* plane, ``(N,)``, in float64 so that it does not depend on the batch."""
    return torch.hypot(*(one - other).unbind(1)).mean(dim=(1, 2), dtype=torch.float64)


def flicker(repaint: Repaint, photos: Pixels, painted: Pixels) -> Tensor:
    """Mean colour difference between what a model paints on a photograph and on four all but identical ones.

    Two have a few rows and columns cut off, two are resized by ±2 % (Lanczos) and what was painted on them brought
    back. The lightness is left out, because resizing changes it without the model's doing: the difference is
    √(Δa*² + Δb*²).

    Args:
        repaint: the model.
        photos: true photographs, ``(N, H, W, 3)`` uint8.
        painted: what the model painted on them.

    Returns:
        ``(N,)`` ≥ 0; NaN for photographs under 32 pixels a side. Grey does not flicker: read it with the share of
        colour.
    """
    height, width = photos.shape[1:3]
    if min(height, width) < MINIMUM:
        return torch.full((len(photos),), torch.nan, dtype=torch.float64)
    down, right = SHIFT
    still = _ab(painted)
    first = _distance(_ab(repaint(np.ascontiguousarray(photos[:, down:, right:]))), still[..., down:, right:])
    last = _distance(_ab(repaint(np.ascontiguousarray(photos[:, :-down, :-right]))), still[..., :-down, :-right])
    total = first + last
    for scale in SCALES:
        other = repaint(_resized(photos, round(height * scale), round(width * scale)))
        total = total + _distance(_ab(_resized(other, height, width)), still)
    return total / (2 + len(SCALES))
