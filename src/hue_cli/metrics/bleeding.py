"""Bleeding: how much of the painted colour does not stop where the true colour stops.

The obvious measure, a larger colour error near true edges than away from them, mistakes wrong colours for spilled
ones, and calls grey, which spills nothing, the worst of all. So it is not asked whether the colours are right. At
every place where the true colour stops, the painted colours on both sides are compared with the step that the
painting makes there: a car painted blue instead of red, up to its outline, bleeds nothing.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

REACH: Final = 8
"""Pixels from an edge to where the colours of its two sides are looked up."""
WIDTH: Final = 2
"""Pixels from an edge within which a step must be made to count as one."""
STEP: Final = 15.0
"""Least length of a true step in the a*b* plane."""
CLEAN: Final = 0.8
"""A true edge makes this share of its colours' difference within :data:`WIDTH`, and parts colour from no colour or
from another: the difference of its sides is at least this share of the stronger side's chroma."""
LEAST_COLOUR: Final = 2.0
"""Mean chroma beside the edges under which a picture has no colour that could bleed."""


def _across(ab: Tensor, distance: int) -> tuple[Tensor, Tensor]:
    """Return a*b* ``distance`` to the left and right of every place that has :data:`REACH` pixels on both sides."""
    width = ab.shape[-1]
    before, behind = REACH - distance, REACH + distance
    return ab[..., before : width - behind], ab[..., behind : width - before]


def _length(ab: Tensor) -> Tensor:
    return torch.hypot(ab[:, 0], ab[:, 1])


def _step_and_colour(ab: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Describe what lies across every place of a row.

    Returns:
        The step that is made within :data:`WIDTH`, along the difference of the two sides; that difference; and the
        most colour there is: the stronger side's chroma, or the difference of two opposite colours. Each
        ``(N, H, W − 2·REACH)`` in ΔE of the a*b* plane.
    """
    left, right = _across(ab, REACH)
    near_left, near_right = _across(ab, WIDTH)
    difference = right - left
    length = _length(difference)
    step = ((near_right - near_left) * difference).sum(dim=1) / length.clamp_min(1e-6)
    return step, length, torch.maximum(torch.maximum(_length(left), _length(right)), length)


def _is_edge(ab: Tensor) -> Tensor:
    """Tell where the true colour stops, ``(N, H, W − 2·REACH)``."""
    step, length, colour = _step_and_colour(ab)
    return (step >= STEP) & (step >= CLEAN * length) & (length >= CLEAN * colour)


def bleeding(prediction: Tensor, target: Tensor) -> Tensor:
    """Share of the painted colour beside true colour edges that goes on across them.

    Args:
        prediction: ``(N, 3, H, W)`` float L*a*b*; L* is not looked at.
        target: the same shape.

    Returns:
        ``(N,)``: 0 where every step of the true colour is matched by one of the painted colour, about 1 where colour
        takes no notice of the edges, as a tint over the whole picture does. Turning all hues or scaling all chroma
        does not change it. NaN without edges, and where next to no colour was painted beside them.
    """
    lost = torch.zeros(len(target), dtype=torch.float64)
    total, places = torch.zeros_like(lost), torch.zeros_like(lost)
    for turned in (False, True):
        painted, true = ((lab.mT if turned else lab)[:, 1:] for lab in (prediction, target))
        if true.shape[-1] <= 2 * REACH:
            continue
        edge = _is_edge(true)
        step, _, colour = _step_and_colour(painted)
        # Summed by photograph in float64: the order of a float32 sum depends on the batch.
        lost += _sum_over(edge, colour - step)
        total += _sum_over(edge, colour)
        places += _sum_over(edge, torch.ones_like(colour))
    return torch.where(total >= LEAST_COLOUR * places.clamp_min(1), lost / total, math.nan)


def _sum_over(mask: Tensor, values: Tensor) -> Tensor:
    return torch.where(mask, values, 0).sum(dim=(1, 2), dtype=torch.float64).cpu()
