"""The hue of skin: the colour that everybody has an opinion on."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from hue_cli.metrics.metric import Pictures

LEAST_SHARE: Final = 0.02
"""Share of a photograph that must be skin-coloured for the photograph to count."""
LEAST_CHROMA: Final = 2.0
"""Chroma under which a painted pixel has no hue to speak of."""
NO_ANSWER: Final = 90.0
"""Degrees that such a pixel counts: what a hue drawn by chance would be off by."""


def is_skin(rgb: Tensor) -> Tensor:
    """Tell which pixels are skin-coloured, ``(N, 3, H, W)`` sRGB in [0, 1] to ``(N, H, W)``.

    Both rules must hold: the first alone takes oranges and red cloth for skin, the second dark greys.

    References:
        Kovač, Peer and Solina (2003), "Human skin colour clustering for face detection", EUROCON, rule for uniform
        daylight; Chai and Ngan (1999), "Face segmentation using skin-color map in videophone applications", IEEE
        Trans. CSVT 9(4), section III: 77 ≤ Cb ≤ 127 and 133 ≤ Cr ≤ 173 (ITU-R BT.601).
    """
    r, g, b = (rgb * 255).unbind(1)
    largest, smallest = rgb.amax(dim=1) * 255, rgb.amin(dim=1) * 255
    daylight = (r > 95) & (g > 40) & (b > 20) & (largest - smallest > 15) & (r - g > 15) & (r > b)
    cb = 128 - (37.797 * r + 74.203 * g - 112 * b) / 255
    cr = 128 + (112 * r - 93.786 * g - 18.214 * b) / 255
    return daylight & (cb >= 77) & (cb <= 127) & (cr >= 133) & (cr <= 173)


def skin_hue(prediction: Pictures, target: Pictures) -> Tensor:
    """Mean absolute error of the hue angle h_ab over the pixels that are skin-coloured in the truth.

    Returns:
        ``(N,)`` degrees in [0, 180]; a pixel that was painted grey counts 90. NaN where less than a fiftieth of the
        photograph is skin-coloured.
    """
    skin = is_skin(target.rgb)
    hues = [torch.atan2(pictures.lab[:, 2], pictures.lab[:, 1]) for pictures in (prediction, target)]
    turn = (hues[0] - hues[1]).abs()
    error = torch.rad2deg(torch.minimum(turn, 2 * math.pi - turn))
    answered = torch.hypot(prediction.lab[:, 1], prediction.lab[:, 2]) >= LEAST_CHROMA
    error = torch.where(answered, error, NO_ANSWER)
    pixels = skin.sum(dim=(1, 2))
    mean = torch.where(skin, error, 0).sum(dim=(1, 2), dtype=torch.float64) / pixels.clamp_min(1)
    return torch.where(pixels >= LEAST_SHARE * skin[0].numel(), mean, math.nan)
