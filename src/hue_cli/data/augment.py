"""What age does to a photograph, at random: for input only, the truth keeps its colours."""

from __future__ import annotations

import torch
from torch import Tensor

GAMMA_OCTAVES = 0.5
"""Exponents run from 2⁻⁰·⁵ to 2⁰·⁵: from faded to contrasty prints."""
GRAIN = 0.04
"""Largest standard deviation of the grain, as a share of full scale."""


def age(grey: Tensor) -> Tensor:
    """Give about half of a batch another gamma, another range of tones, and grain.

    Args:
        grey: ``(N, 1, H, W)`` in [0, 1].

    Returns:
        The same shape and range. Draws from torch's default generator, which the run seeds at each step.
    """
    n = len(grey)

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1, 1).uniform_(low, high).to(grey.device)

    aged = grey.clamp(0, 1) ** torch.exp2(draw(-GAMMA_OCTAVES, GAMMA_OCTAVES))
    black, white = draw(0, 0.15), draw(0.85, 1)
    aged = black + (white - black) * aged
    aged = aged + torch.randn_like(grey) * draw(0, GRAIN)
    return torch.where(draw(0, 1) < 0.5, aged.clamp(0, 1), grey)
