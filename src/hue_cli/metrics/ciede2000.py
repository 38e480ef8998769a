"""The CIEDE2000 colour difference.

References:
    Sharma, Wu and Dalal (2005), "The CIEDE2000 color-difference formula: implementation notes,
    supplementary test data, and mathematical observations", Color Research & Application 30(1), 21-30.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_HALF_TURN = math.pi
_FULL_TURN = 2 * math.pi
_25_TO_THE_7 = 25.0**7


def _chroma_weight(chroma: Tensor) -> Tensor:
    """√(C⁷ / (C⁷ + 25⁷)): 0 for greys, towards 1 for strong colours."""
    seventh = chroma**7
    return torch.sqrt(seventh / (seventh + _25_TO_THE_7))


def _mean_hue(hue_1: Tensor, hue_2: Tensor, neutral: Tensor) -> Tensor:
    """Middle of two angles in [0, 2π) on the shorter way round (eq. 14); the sum where one colour has no hue."""
    total = hue_1 + hue_2
    # The other way round: half a turn away from the plain mean, on the side that stays in [0, 2π).
    turned = torch.where(total < _FULL_TURN, total + _FULL_TURN, total - _FULL_TURN)
    near = (hue_1 - hue_2).abs() <= _HALF_TURN
    return torch.where(neutral, total, torch.where(near, total, turned) / 2)


def _hue_difference(hue_1: Tensor, hue_2: Tensor, neutral: Tensor) -> Tensor:
    """From the first angle to the second on the shorter way round (eq. 10); 0 where one colour has no hue."""
    difference = hue_2 - hue_1
    difference = torch.where(difference > _HALF_TURN, difference - _FULL_TURN, difference)
    difference = torch.where(difference < -_HALF_TURN, difference + _FULL_TURN, difference)
    return torch.where(neutral, 0.0, difference)


def ciede2000(lab_1: Tensor, lab_2: Tensor) -> Tensor:
    """Colour difference of every pixel, with kL = kC = kH = 1.

    Args:
        lab_1: ``(N, 3, H, W)`` float, L*a*b* in CIE units.
        lab_2: the same shape. The formula is symmetric.

    Returns:
        ``(N, H, W)``, ≥ 0; about 1 is a difference that can just be seen.
    """
    l_1, a_1, b_1 = lab_1.unbind(1)
    l_2, a_2, b_2 = lab_2.unbind(1)
    # Stretch a* of weak colours, eq. 2 to 7.
    stretch = 1.5 - 0.5 * _chroma_weight((torch.hypot(a_1, b_1) + torch.hypot(a_2, b_2)) / 2)
    a_1, a_2 = stretch * a_1, stretch * a_2
    chroma_1, chroma_2 = torch.hypot(a_1, b_1), torch.hypot(a_2, b_2)
    hue_1, hue_2 = torch.atan2(b_1, a_1) % _FULL_TURN, torch.atan2(b_2, a_2) % _FULL_TURN
    product = chroma_1 * chroma_2
    neutral = product == 0
    # Differences, eq. 8 to 11.
    d_chroma = chroma_2 - chroma_1
    d_hue = 2 * torch.sqrt(product) * torch.sin(_hue_difference(hue_1, hue_2, neutral) / 2)
    # Weights, eq. 12 to 21.
    chroma = (chroma_1 + chroma_2) / 2
    hue = _mean_hue(hue_1, hue_2, neutral)
    t = (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )
    lightness_square = ((l_1 + l_2) / 2 - 50) ** 2
    s_lightness = 1 + 0.015 * lightness_square / torch.sqrt(20 + lightness_square)
    s_chroma = 1 + 0.045 * chroma
    s_hue = 1 + 0.015 * chroma * t
    blue = torch.exp(-(((hue - math.radians(275)) / math.radians(25)) ** 2))
    rotation = -torch.sin(math.radians(60) * blue) * 2 * _chroma_weight(chroma)
    # Eq. 22.
    x, y, z = (l_2 - l_1) / s_lightness, d_chroma / s_chroma, d_hue / s_hue
    return torch.sqrt((x * x + y * y + z * z + rotation * y * z).clamp_min(0))
