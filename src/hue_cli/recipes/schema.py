"""What a recipe is: everything that defines a system, as frozen data.

A variant is ``dataclasses.replace(BASE, name=…, …)``: one line says what differs. Nothing here
imports more than the standard library, so recipes can be listed in an instant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from hue_cli.color.space import Space
from hue_cli.recipes.specs import NetSpec


class StageInput(StrEnum):
    """What the network sees in a stage of a curriculum."""

    COLOUR = "colour"
    EDGE_COLOUR = "edge-colour"
    EDGE_GREY = "edge-grey"
    GREY = "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of training.

    Attributes:
        epochs: passes over the training photos; a time budget is shared in proportion to it.
        sees: what the network is shown.
        size: side of the square crops, in pixels.
    """

    epochs: int
    size: int
    sees: StageInput = StageInput.GREY


class LossTerm(StrEnum):
    """Names of the losses; :mod:`hue_cli.losses` has the functions."""

    MSSSIM = "1-msssim"
    MSE = "mse"
    RMSE = "rmse"
    MAE = "mae"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A weighted sum of terms on what the network paints, in its own scale."""

    terms: tuple[tuple[LossTerm, float], ...]


class Schedule(StrEnum):
    """How the learning rate moves over the run."""

    CONSTANT = "constant"
    COSINE = "cosine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optim:
    """Adam, its schedule and what keeps it steady.

    Attributes:
        lr: initial learning rate.
        schedule: how it moves.
        clip: bound of the gradient's norm; 0 leaves it alone.
        ema: decay of the exponential moving average of the weights that is kept as the result; 0 for none.
    """

    lr: float
    schedule: Schedule = Schedule.COSINE
    clip: float = 1.0
    ema: float = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which data a system was trained on, and how it was divided.

    Attributes:
        dataset: a name that ``hue train --dataset`` knows.
        train, val, test: numbers of photos in the paper.
    """

    dataset: str
    train: int
    val: int
    test: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """Which sizes a network takes.

    Attributes:
        size: default short side in pixels when colorizing; ``--size`` changes it.
        multiple_of: height and width must be multiples of this; pictures are padded to it.
        minimum: smallest height and width.
    """

    size: int
    multiple_of: int
    minimum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a system comes from."""

    title: str
    where: str
    """Section and table."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Metric name to the figure as printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A system: network, colour space, training and origin."""

    name: str
    summary: str
    net: NetSpec
    space: Space
    size: SizeRule
    loss: Loss
    optim: Optim
    stages: tuple[Stage, ...]
    batch_size: int
    split: Split
    source: Source
    parameters: int | None = None
    """As printed in the paper; None where it prints none."""
    seed: int = 0
    departures: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    def to_dict(self) -> dict[str, object]:
        """Return plain data for JSON; the net carries its class name under ``kind``."""
        data = asdict(self)
        data["net"] = {"kind": type(self.net).__name__, **data["net"]}
        return data

    def digest(self) -> str:
        """SHA-256 of the recipe's canonical JSON: what a checkpoint and an ONNX file are stamped with."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()
