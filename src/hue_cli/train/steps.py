"""One step of training. The loop calls ``losses`` and knows no loss."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from hue_cli.data.curriculum import show, truth
from hue_cli.losses.regression import loss_terms
from hue_cli.recipes.schema import Recipe, Stage


class Step(Protocol):
    """What the loop needs of a way to train."""

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """Return the named terms, each a scalar with a gradient, for a batch ``(N, 3, H, W)`` of sRGB in [0, 1]."""
        ...


class RegressionStep:
    """Paint, compare with the truth."""

    def __init__(self, network: nn.Module, recipe: Recipe, autocast: torch.autocast) -> None:
        self.network = network
        self.recipe = recipe
        self.autocast = autocast

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`. The network may run in bfloat16; losses are always float32."""
        seen = show(rgb, stage.sees, self.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            painted = self.network(seen)
        return loss_terms(self.recipe.loss, painted.float(), truth(rgb, self.recipe.space))
