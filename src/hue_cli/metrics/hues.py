"""Coverage of hues: how many of the true photographs' hues a model paints at all."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor

from hue_cli.metrics.metric import Floats

BINS: Final = 36
"""Of ten degrees each."""
LEAST_CHROMA: Final = 20.0
"""C*ab from which a pixel has a hue that a person would name."""
LEAST_SHARE: Final = 0.001
"""Share of the pixels, mean over photographs, from which the truth has a hue."""
ENOUGH: Final = 0.1
"""A hue is covered if the model paints at least this share of its true pixels, wherever they lie."""


def count_hues(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the share of the pixels in every hue, ``(N, 2·BINS)``: the prediction's, then the truth's.

    Args:
        prediction: ``(N, 3, H, W)`` float L*a*b*.
        target: the same shape.
    """
    return torch.cat([_histogram(prediction), _histogram(target)], dim=1)


def _histogram(lab: Tensor) -> Tensor:
    """Share of the pixels in every hue, ``(N, BINS)``; pale pixels are in none."""
    a, b = lab[:, 1].flatten(1), lab[:, 2].flatten(1)
    turn = torch.atan2(b, a) / (2 * math.pi)
    hue = ((turn - turn.floor()) * BINS).long().clamp_max(BINS - 1)
    # One place more for pale pixels, dropped afterwards.
    place = torch.where(torch.hypot(a, b) >= LEAST_CHROMA, hue, BINS)
    counts = torch.zeros(len(lab), BINS + 1, dtype=torch.float64, device=lab.device)
    counts.scatter_add_(1, place, torch.ones_like(place, dtype=torch.float64))
    return counts[:, :BINS] / place.shape[1]


def cover(shares: Floats) -> Floats:
    """Return which share of the true hues is covered.

    Args:
        shares: ``(…, 2·BINS)``, mean of :func:`count_hues` over photographs.

    Returns:
        ``(…)`` in [0, 1]; NaN if the truth has no hue.
    """
    painted, true = shares[..., :BINS], shares[..., BINS:]
    there = true >= LEAST_SHARE
    covered = there & (painted >= ENOUGH * true)
    with np.errstate(invalid="ignore"):
        result: Floats = covered.sum(axis=-1) / there.sum(axis=-1)
    return result
