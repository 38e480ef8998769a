"""Every random choice of a run, from its one seed."""

from __future__ import annotations

import torch
from torch import Tensor

_STEP = 1_000_003
_RANK = 2**40


def seed_everything(seed: int) -> None:
    """Seed what builds the network."""
    torch.manual_seed(seed)


def step_seed(seed: int, step: int) -> int:
    """The seed of one step, so that a resumed run draws what it would have drawn."""
    return seed * _STEP + step


def seed_losses(seed: int, step: int, rank: int) -> None:
    """Seed what networks and losses draw in one step: dropout, grain. Processes of a team draw apart."""
    torch.manual_seed(step_seed(seed, step) + rank * _RANK)


def order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of the photos in an epoch, ``(count,)`` int64."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * _STEP - 1 - epoch))
