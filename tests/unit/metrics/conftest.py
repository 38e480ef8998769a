"""Pictures to measure: real photographs and what a network might make of them."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch import Tensor


def _crop(picture: object, top: int, left: int, side: int = 192) -> Tensor:
    array = torch.from_numpy(picture[top : top + side, left : left + side, :3].copy())  # type: ignore[index]
    return array.permute(2, 0, 1).float() / 255


@pytest.fixture(scope="session")
def truth() -> Tensor:
    """Four photographs, ``(4, 3, 192, 192)`` in [0, 1]."""
    pictures = [
        (data.astronaut(), 0, 150),
        (data.coffee(), 100, 150),
        (data.chelsea(), 40, 100),
        (data.rocket(), 60, 200),
    ]
    return torch.stack([_crop(*picture) for picture in pictures])


@pytest.fixture(scope="session")
def painted(truth: Tensor) -> Tensor:
    """The same four, paler, shifted in colour and grainy, rounded to 8 bits."""
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(3))
    grey = truth.mean(dim=1, keepdim=True)
    tint = torch.tensor([0.03, 0.0, -0.04]).view(1, 3, 1, 1)
    return ((0.6 * truth + 0.4 * grey + tint + 0.02 * noise).clamp(0, 1) * 255).round() / 255
