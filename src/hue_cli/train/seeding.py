"""Every random choice of a run, from its one seed."""

from __future__ import annotations

import torch
from torch import Tensor

_STEP = 1_000_003


def seed_everything(seed: int) -> None:
    """Seed what builds the network."""
    torch.manual_seed(seed)


def seed_step(seed: int, step: int) -> int:
    """Seed torch for one step and return that seed, so that a resumed run draws what it would have drawn."""
    own = seed * _STEP + step
    torch.manual_seed(own)
    return own


def order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of the photos in an epoch, ``(count,)`` int64."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * _STEP - 1 - epoch))
