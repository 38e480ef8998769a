"""The moves that make up a step of training: one for most systems, two for those that are trained adversarially."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from hue_cli.data.photo_set import Photos
from hue_cli.recipes.schema import Recipe
from hue_cli.train.optimizer import make_optimizer
from hue_cli.train.steps import DiscriminatorStep, GeneratorStep, Step, make_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One move: a network, what it lowers and the optimizer that moves it.

    Attributes:
        name: in a saved state; empty for the network that a run is about.
        network: whose parameters move.
        optimizer: of these parameters.
        step: what they lower.
    """

    name: str
    network: nn.Module
    optimizer: torch.optim.Optimizer
    step: Step


def make_phases(
    network: nn.Module, discriminator: nn.Module | None, recipe: Recipe, autocast: torch.autocast, photos: Photos
) -> tuple[Phase, ...]:
    """Return the moves of a step in their order; the last is that of ``network``, the one that a run is about.

    Args:
        network: on the training device.
        discriminator: its rival, there too; None for a network that is trained alone.
        recipe: says what is lowered, and how.
        autocast: in which number format networks run.
        photos: to train on.
    """
    optimizer = make_optimizer(network, recipe.optim)
    if discriminator is None:
        step: Step = make_step(network, recipe, autocast, photos)
        return (Phase(name="", network=network, optimizer=optimizer, step=step),)
    generator = GeneratorStep(network, discriminator, recipe, autocast)
    rival = Phase(
        name="discriminator",
        network=discriminator,
        optimizer=make_optimizer(discriminator, recipe.optim),
        step=DiscriminatorStep(generator, discriminator),
    )
    return rival, Phase(name="", network=network, optimizer=optimizer, step=generator)
