"""Ways to train: each names its losses. The loop knows none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.data.curriculum import show, truth
from hue_cli.data.photo_set import Draw, Photos
from hue_cli.losses.adversarial import judge_as
from hue_cli.losses.classification import mean_ab, rarity, soft_cross_entropy
from hue_cli.losses.regression import kernel_penalty, loss_terms
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.recipes.schema import Loss, LossTerm, Recipe, Stage


class Step(Protocol):
    """What a network lowers."""

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """Return the named terms, each a scalar with a gradient, for photos ``(N, 3, H, W)`` of sRGB in [0, 1]."""
        ...


class RegressionStep:
    """Paint, compare with the truth."""

    def __init__(self, network: nn.Module, recipe: Recipe, autocast: torch.autocast) -> None:
        self.network = network
        self.recipe = recipe
        self.autocast = autocast

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`."""
        return self.compare(self.paint(rgb, stage), rgb, self.recipe.loss)

    def paint(self, rgb: Tensor, stage: Stage) -> Tensor:
        """Return what the network paints, in its own scale. It may run in bfloat16; what follows is float32."""
        seen = show(rgb, stage, self.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            painted: Tensor = self.network(seen)
        return painted.float()

    def compare(self, painted: Tensor, rgb: Tensor, loss: Loss) -> dict[str, Tensor]:
        """Return the terms of ``loss``, and what the weights cost by their size."""
        terms = loss_terms(loss, painted, truth(rgb, self.recipe.space))
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


class GeneratorStep(RegressionStep):
    """Paint, compare with the truth, and be taken for a photograph by a discriminator."""

    def __init__(self, network: nn.Module, discriminator: nn.Module, recipe: Recipe, autocast: torch.autocast) -> None:
        super().__init__(network, recipe, autocast)
        self.discriminator = discriminator
        self.weight = sum(weight for term, weight in recipe.loss.terms if term is LossTerm.ADVERSARIAL)
        self.compared = Loss(terms=tuple(term for term in recipe.loss.terms if term[0] is not LossTerm.ADVERSARIAL))

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`."""
        painted = self.paint(rgb, stage)
        with _unmoved(self.discriminator), self.autocast:
            logits = self.discriminator(painted)
        adversarial = self.weight * judge_as(logits.float(), real=True)
        return {**self.compare(painted, rgb, self.compared), LossTerm.ADVERSARIAL.value: adversarial}


class DiscriminatorStep:
    """Tell photographs from what the generator paints.

    The generator paints once more than it needs to: so each phase can be worked off in parts of its own. Its batch
    norms see those pictures too, which moves their running means at about twice the pace.
    """

    def __init__(self, generator: RegressionStep, discriminator: nn.Module) -> None:
        self.generator = generator
        self.discriminator = discriminator

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        """See :class:`Step`. Half of each error, so that their sum is the mean."""
        with torch.no_grad():
            painted = self.generator.paint(rgb, stage)
        real = truth(rgb, self.generator.recipe.space).contiguous(memory_format=torch.channels_last)
        with self.generator.autocast:
            of_real, of_painted = self.discriminator(real), self.discriminator(painted)
        return {
            "discriminator-real": 0.5 * judge_as(of_real.float(), real=True),
            "discriminator-painted": 0.5 * judge_as(of_painted.float(), real=False),
        }


@contextmanager
def _unmoved(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through ``network`` and leave none in it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


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
