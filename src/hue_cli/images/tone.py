"""Is a picture grey, toned or in colour?

A toned print (sepia, cyanotype, a yellowed page) has one tint for each lightness: a* and b* are a function of L*, but
for stains and faded borders, which change slowly over the page. In a colour photograph things of one lightness have
different colours. So function and slow change are fitted, and how much of the colour they leave unexplained decides;
how strong the tint is hardly does.

It is measured on a reduced picture, whose pixels are means of many: the noise that JPEG leaves in chroma is gone there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hue_cli.color import lab

SHORT_SIDE = 48
"""Pixels of the reduced picture's short side, at least."""

KNOTS = 33
"""Of the tint as a function: one for each 3.125 of L*."""

# Chosen on every third of the validation photographs; docs/commands/colorize.md has the error rates on the others.
_MOST = 0.98
"""Of the pixels are looked at: single coloured ones are a stamp, or ink."""
_FAINT = 3.0
"""ab units: if hardly a pixel has more chroma, there is none."""
_NOISE = 4.5
"""ab units that scanning may leave."""
_SHARE = 0.38
_APART = 13.0
"""ab units. It is a colour photograph if more is left unexplained than this, or than that share of the chroma."""


class Tone(StrEnum):
    """What colours a picture has."""

    GREY = "grey"
    TONED = "toned"
    """One tint for each lightness."""
    COLOUR = "colour"


Curve = NDArray[np.float32]
"""``(KNOTS, 2)``: a* and b* at evenly spaced L* from 0 to 100."""


@dataclass(frozen=True, slots=True)
class Toning:
    """What was found.

    Attributes:
        tone: which of the three.
        curve: the tint of each lightness, of a toned picture.
    """

    tone: Tone
    curve: Curve | None = None


def examine(rgb: NDArray[np.uint8], opaque: NDArray[np.bool_] | None = None) -> Toning:
    """Tell whether a picture is grey, toned or in colour.

    Args:
        rgb: ``(H, W, 3)``, a reduced picture, sRGB.
        opaque: ``(H, W)``, which of its pixels can be seen; None means all.
    """
    shown = np.ones(rgb.shape[:2], np.bool_) if opaque is None else opaque
    if not shown.any():
        return Toning(Tone.GREY)
    colours = lab.rgb_to_lab(rgb[shown].astype(np.float32) / np.float32(255))
    lightness, ab = colours[:, 0], colours[:, 1:]
    chroma = np.quantile(np.hypot(ab[:, 0], ab[:, 1]), _MOST)
    if chroma < _FAINT:
        return Toning(Tone.GREY)
    curve = _fitted(lightness, ab)
    left = ab - tint_at(curve, lightness)
    left = left - _slow_change(left, shown)
    unexplained = np.quantile(np.hypot(left[:, 0], left[:, 1]), _MOST)
    if unexplained > max(_NOISE, min(_SHARE * chroma, _APART)):
        return Toning(Tone.COLOUR)
    return Toning(Tone.TONED, curve)


def fit(rgb: NDArray[np.uint8]) -> Curve:
    """Return the tint of each lightness.

    Args:
        rgb: ``(n, 3)`` pixels of a toned picture, sRGB; picked, not reduced, which would mix what lies on both sides
            of an edge.
    """
    colours = lab.rgb_to_lab(rgb.astype(np.float32) / np.float32(255))
    return _fitted(colours[:, 0], colours[:, 1:])


def _slow_change(values: NDArray[np.floating], shown: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Return the quadratic surface over the picture that comes closest to ``(n, 2)`` values of its shown pixels."""
    y, x = (axis[shown] for axis in np.mgrid[-1 : 1 : shown.shape[0] * 1j, -1 : 1 : shown.shape[1] * 1j])
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    # By the normal equations: 6 by 6, where least squares over all pixels would take ten times as long.
    weights = np.linalg.lstsq(surface.T @ surface, surface.T @ values, rcond=None)[0]
    change: NDArray[np.floating] = surface @ weights
    return change


def _fitted(lightness: NDArray[np.floating], ab: NDArray[np.floating]) -> Curve:
    """Return the medians of a* and b* around each knot; where there are no pixels, what lies between others."""
    positions = np.linspace(0, 100, KNOTS)
    order = np.argsort(lightness)
    bounds = np.searchsorted(lightness[order], [positions - 50 / (KNOTS - 1), positions + 50 / (KNOTS - 1)])
    known, medians = [], []
    for index, (start, stop) in enumerate(bounds.T):
        if stop - start >= 4:
            known.append(positions[index])
            medians.append(np.median(ab[order[start:stop]], axis=0))
    if not known:
        known, medians = [50.0], [np.median(ab, axis=0)]
    values = np.array(medians)
    return np.stack([np.interp(positions, known, values[:, channel]) for channel in (0, 1)], axis=1).astype(np.float32)


def tint_at(curve: Curve, lightness: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a* and b* of the tint at each L*, in a last axis of their own."""
    positions = np.linspace(0, 100, KNOTS)
    return np.stack([np.interp(lightness, positions, curve[:, channel]) for channel in (0, 1)], axis=-1).astype(
        np.float32
    )
