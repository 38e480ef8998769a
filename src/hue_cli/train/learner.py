"""What a run trains: the network, its average, its rival if it has one, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hue_cli.data.photo_set import Photos
from hue_cli.models.build import build_discriminator, build_network, count_parameters
from hue_cli.recipes.schema import Recipe
from hue_cli.train.average import MovingAverage
from hue_cli.train.checkpoint import Position, load_state
from hue_cli.train.options import Options
from hue_cli.train.phases import Phase, make_phases
from hue_cli.train.photos import Listener
from hue_cli.train.seeding import seed_everything
from hue_cli.train.start import Start, resume, start


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Networks and optimizers of a run.

    Attributes:
        network: that is trained.
        average: of its weights; what a run leaves behind.
        phases: the moves of a step.
        began: with which weights.
        position: of the run.
    """

    network: nn.Module
    average: MovingAverage
    phases: tuple[Phase, ...]
    began: Start
    position: Position

    @property
    def parameters(self) -> int:
        """Number of the network's parameters."""
        return count_parameters(self.network)

    @property
    def frozen_parameters(self) -> int:
        """Number of those that do not move."""
        return sum(p.numel() for p in self.network.parameters() if not p.requires_grad)


def begin(
    recipe: Recipe,
    options: Options,
    *,
    folder: Path,
    before: Mapping[str, Any],
    photos: Photos,
    device: torch.device,
    cast: torch.autocast,
    listener: Listener,
) -> Learner:
    """Make everything that moves ready for the first step, or for the next one of a resumed run.

    Args:
        recipe: to train.
        options: say what the network begins with, and whether the run is resumed.
        folder: the run's.
        before: its record; empty for a run that begins.
        photos: to train on.
        device: the training device.
        cast: in which number format networks run.
        listener: told what is fetched.

    Raises:
        UsageError: options do not fit the network or each other.
        CheckpointError: state or weights are missing, damaged or of another network.
        WeightsError: the encoder's weights cannot be had.
    """
    seed_everything(recipe.seed)
    network = build_network(recipe.net)
    discriminator = build_discriminator(recipe.net)
    # What a resumed run began with, its first start has written down.
    began = (
        resume(network, before)
        if options.resume
        else start(network, options.init, options.encoder_weights, say=listener.note, warn=listener.warn)
    )
    network = network.to(device).to(memory_format=torch.channels_last)
    if discriminator is not None:
        discriminator = discriminator.to(device).to(memory_format=torch.channels_last)
    average = MovingAverage(network, recipe.optim.ema)
    phases = make_phases(network, discriminator, recipe, cast, photos)
    position = Position(step=0, seconds=0.0, digest=recipe.digest())
    if options.resume:
        position = load_state(folder, phases, average.network, recipe)
    return Learner(network=network, average=average, phases=phases, began=began, position=position)
