"""One step of training. The loop calls ``losses`` and knows no loss."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.data.curriculum import show, truth
from hue_cli.data.photo_set import Draw, Photos
from hue_cli.losses.classification import mean_ab, rarity, soft_cross_entropy
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

    def __init__(
        self, network: GamutClassifier, recipe: Recipe, autocast: torch.autocast, rarity: Tensor | None = None
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.autocast = autocast
        self.rarity = rarity

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`."""
        seen = show(rgb, stage, self.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            logits = self.network.logits(seen)
        logits = logits.float()
        ab = F.avg_pool2d(truth(rgb, self.recipe.space), rgb.shape[-1] // logits.shape[-1])
        terms = {
            LossTerm.CROSS_ENTROPY: lambda: soft_cross_entropy(logits, *self.network.gamut.encode(ab), self.rarity),
            LossTerm.MEAN_AB: lambda: mean_ab(self.network.gamut.mean(logits), ab),
        }
        return {name.value: weight * terms[name]() for name, weight in self.recipe.loss.terms}


PRIOR_PHOTOS = 1024
"""So many say how common each colour is."""


@torch.no_grad()
def prior(network: GamutClassifier, photos: Photos) -> Tensor:
    """Return the share of the pixels of photographs that fall into each cell, ``(K,)``."""
    total = torch.zeros_like(network.gamut.centres[:, 0])
    for index in torch.arange(min(len(photos), PRIOR_PHOTOS)).split(32):
        cells, weights = network.gamut.encode(rgb_to_lab(photos.crops(Draw.centred(index), 64))[:, 1:3])
        total.scatter_add_(0, cells.flatten(), weights.flatten())
    return total / total.sum()


def make_step(network: nn.Module, recipe: Recipe, autocast: torch.autocast, photos: Photos) -> Step:
    """Return the way to train this kind of network on these photos."""
    if isinstance(network, GamutClassifier):
        uneven = recipe.loss.rebalance < 1
        weight = rarity(prior(network, photos), recipe.loss.rebalance) if uneven else None
        return ClassificationStep(network, recipe, autocast, weight)
    return RegressionStep(network, recipe, autocast)
