"""What a recipe is: everything that defines a system, as frozen data.

A variant is ``dataclasses.replace(BASE, name=…, …)``: one line says what differs. Nothing here
imports more than the standard library, so recipes can be listed in an instant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
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
    zoom: float = 0.65
    """Smallest crop, as a share of the photo's short side."""
    aged: bool = False
    """Grey input gets the gamma and the grain of old photographs at random."""


class LossTerm(StrEnum):
    """Names of the losses; :mod:`hue_cli.losses` has the functions."""

    MSSSIM = "1-msssim"
    MSE = "mse"
    RMSE = "rmse"
    """The root is taken of a whole batch, as Keras does; of each part where a batch is worked off in parts."""
    MAE = "mae"
    ADVERSARIAL = "adversarial"
    """Of a generator: how far its pictures are from being taken for photographs by its discriminator."""
    CROSS_ENTROPY = "cross-entropy"
    """Of a classifier over cells of the a*b* plane."""
    MEAN_AB = "mean-ab"
    """Mean square of what the classifier's mean misses of the true a*b*, in units of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A weighted sum of terms on what the network paints, in its own scale."""

    terms: tuple[tuple[LossTerm, float], ...]
    rebalance: float = 1.0
    """Of a classifier: λ of Zhang et al. (2016), eq. 4. At 1 all pixels count alike; the smaller, the more those of
    rare colours count."""


class Schedule(StrEnum):
    """How the learning rate moves over the run."""

    CONSTANT = "constant"
    COSINE = "cosine"
    EXPONENTIAL = "exponential"
    """Times ``Optim.decay`` with every epoch, smoothly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optim:
    """Adam, its schedule and what keeps it steady.

    Attributes:
        lr: initial learning rate.
        schedule: how it moves.
        clip: bound of the gradient's norm; 0 leaves it alone.
        ema: decay of the exponential moving average of the weights that is kept as the result; 0 for none.
        weight_decay: decoupled, as in AdamW.
        encoder_lr: learning rate of an encoder with ImageNet weights, as a share of ``lr``.
        decay: what an epoch multiplies the learning rate by, under ``Schedule.EXPONENTIAL``.
        betas: Adam's.
        l2: the loss gets this times the sum of squares of all kernels of convolutions that are trained, as by
            Keras's ``kernel_regularizer``.
    """

    lr: float
    schedule: Schedule = Schedule.COSINE
    clip: float = 1.0
    ema: float = 0.999
    weight_decay: float = 0.0
    encoder_lr: float = 1.0
    decay: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    l2: float = 0.0


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
    acceptance: str = ""
    """Its user study's public acceptance, as printed: the share of people who took a painted picture for a real one."""
    curves: tuple[str, ...] = ()
    """Metrics that it shows as curves only, so that there is no figure to stand beside."""
    over: tuple[str, ...] = ()
    """Systems that it calls worse than this one without a figure."""


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
        """SHA-256 of what decides a training's outcome: what a checkpoint and an ONNX file are stamped with.

        :data:`PROSE` is not covered: a sentence that is put better makes no other system.
        """
        return digest_of(self, without=PROSE)


PROSE = frozenset(("summary", "source", "parameters", "departures"))
"""Fields of a recipe that say something of it or of its paper, and change nothing in its training."""


def digest_of(recipe: Recipe, *, without: Collection[str]) -> str:
    """Return the SHA-256 of a recipe's canonical JSON.

    Fields at their default are left out, so that the schema can grow without changing older digests.

    Args:
        recipe: the recipe.
        without: names of its fields that are left out, too.
    """
    canonical = json.dumps(_what_differs(recipe, without), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _what_differs(value: object, without: Collection[str] = ()) -> object:
    """Return plain data of a dataclass, with its class name, without the fields that are at their default."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (f for f in fields(value) if f.name not in without and getattr(value, f.name) != f.default)
        chosen = {f.name: getattr(value, f.name) for f in kept}
        return {"kind": type(value).__name__, **{name: _what_differs(item) for name, item in chosen.items()}}
    if isinstance(value, tuple):
        return [_what_differs(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _what_differs(item) for key, item in value.items()}
    return value
