"""One step of training. The loop calls ``losses`` and knows no loss."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.data.curriculum import show, truth
from hue_cli.losses.classification import mean_ab, soft_cross_entropy
from hue_cli.losses.regression import kernel_penalty, loss_terms
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.recipes.schema import LossTerm, Recipe, Stage


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
        seen = show(rgb, stage, self.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            painted = self.network(seen)
        terms = loss_terms(self.recipe.loss, painted.float(), truth(rgb, self.recipe.space))
        if self.recipe.optim.l2:
            terms["l2"] = self.recipe.optim.l2 * kernel_penalty(self.network)
        return terms


class ClassificationStep:
    """Say how likely each colour is at each place, compare with the true colour."""

    def __init__(self, network: GamutClassifier, recipe: Recipe, autocast: torch.autocast) -> None:
        self.network = network
        self.recipe = recipe
        self.autocast = autocast

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`."""
        seen = show(rgb, stage, self.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            logits = self.network.logits(seen)
        logits = logits.float()
        ab = F.avg_pool2d(truth(rgb, self.recipe.space), rgb.shape[-1] // logits.shape[-1])
        terms = {
            LossTerm.CROSS_ENTROPY: lambda: soft_cross_entropy(logits, *self.network.gamut.encode(ab)),
            LossTerm.MEAN_AB: lambda: mean_ab(self.network.gamut.mean(logits), ab),
        }
        return {name.value: weight * terms[name]() for name, weight in self.recipe.loss.terms}


def make_step(network: nn.Module, recipe: Recipe, autocast: torch.autocast) -> Step:
    """Return the way to train this kind of network."""
    if isinstance(network, GamutClassifier):
        return ClassificationStep(network, recipe, autocast)
    return RegressionStep(network, recipe, autocast)
