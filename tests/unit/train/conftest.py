"""Runs small enough for a test: a network of two halvings, photos of 24 pixels, a plain loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from hue_cli.data.photo_set import PhotoSet
from hue_cli.models.build import build_network
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes.residual import RESIDUAL
from hue_cli.recipes.schema import Loss, LossTerm, Recipe, SizeRule, Stage, StageInput
from hue_cli.recipes.specs import ResidualAutoencoderSpec
from hue_cli.train.average import MovingAverage
from hue_cli.train.checkpoint import STATE, Position, load_state
from hue_cli.train.device import autocast
from hue_cli.train.loop import Run
from hue_cli.train.optimizer import make_optimizer
from hue_cli.train.parts import Parts
from hue_cli.train.phases import Phase
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record
from hue_cli.train.seeding import seed_everything
from hue_cli.train.steps import RegressionStep, Step
from hue_cli.train.team import Team
from hue_cli.train.update import Update
from hue_cli.train.validate import validate

SIZE = 24
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small lose time to threads, and sums in one thread have one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return replace(
        RESIDUAL,
        name="tiny",
        net=ResidualAutoencoderSpec(widths=(4, 6), top=4),
        size=SizeRule(size=SIZE, multiple_of=4, minimum=4),
        loss=Loss(terms=((LossTerm.MSE, 1.0),)),
        stages=tuple(Stage(epochs=1, size=SIZE, sees=sees) for sees in (StageInput.COLOUR, StageInput.GREY)),
        batch_size=2,
        seed=3,
    )


@pytest.fixture(scope="session")
def photos() -> PhotoSet:
    """Seven squares of coffee: three batches of two, and one photo that each epoch leaves out."""
    squares = [torch.from_numpy(data.coffee()[40 * i : 40 * i + 24, 200:230].copy()) for i in range(7)]
    return PhotoSet(squares, [f"{i}.png" for i in range(7)], CPU)


@pytest.fixture(scope="session")
def colourful() -> PhotoSet:
    """Six squares of 64 pixels, of three photographs with colours of their own."""
    crops = [
        torch.from_numpy(np.ascontiguousarray(picture[y : y + 64, x : x + 64, :3]))
        for picture in (data.astronaut(), data.coffee(), data.chelsea())
        for y, x in ((0, 0), (60, 120))
    ]
    return PhotoSet(crops, [str(i) for i in range(len(crops))], CPU)


def _nothing(_: object) -> None:
    """Tell nobody."""


class Watch:
    """A step that notes what each stage was given, and says before each how many there were."""

    def __init__(self, step: Step, before: Callable[[int], object]) -> None:
        self.sees: list[StageInput] = []
        self.sides: list[int] = []
        self.losses_seen: list[float] = []
        self._step = step
        self._before = before

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        self._before(len(self.sees))
        self.sees.append(stage.sees)
        self.sides.append(rgb.shape[-1])
        terms = self._step.losses(rgb, stage)
        self.losses_seen.append(float(sum(terms.values(), torch.zeros(())).detach()))
        return terms


class Begin(Protocol):
    """Makes a run ready, from its folder's state if there is one."""

    def __call__(
        self,
        folder: Path,
        recipe: Recipe,
        *,
        max_seconds: float | None = None,
        before: Callable[[int], object] = _nothing,
    ) -> tuple[Run, Watch]: ...


@pytest.fixture
def begin(photos: PhotoSet) -> Iterator[Begin]:
    records: list[Record] = []

    def begun(
        folder: Path,
        recipe: Recipe,
        *,
        max_seconds: float | None = None,
        before: Callable[[int], object] = _nothing,
    ) -> tuple[Run, Watch]:
        folder.mkdir(exist_ok=True)
        seed_everything(recipe.seed)
        network = build_network(recipe.net).to(memory_format=torch.channels_last)
        average = MovingAverage(network, recipe.optim.ema)
        watch = Watch(RegressionStep(network, recipe, autocast(CPU, "float32")), before)
        phase = Phase(name="", network=network, optimizer=make_optimizer(network, recipe.optim), step=watch)
        position = Position(step=0, seconds=0.0, digest=recipe.digest())
        if (folder / STATE).exists():
            position = load_state(folder, [phase], average.network, recipe)
        record = Record(folder, since=position.step)
        records.append(record)
        colorizer = Colorizer(average.network, recipe.space).eval()
        run = Run(
            recipe=recipe,
            plan=Plan(
                stages=recipe.stages,
                steps_per_epoch=len(photos) // recipe.batch_size,
                optim=recipe.optim,
                max_seconds=max_seconds,
            ),
            phases=[phase],
            update=Update(clip=recipe.optim.clip, parts=Parts(None, recipe, network, CPU), team=Team(), note=_nothing),
            average=average,
            photos=photos,
            folder=folder,
            record=record,
            batch_size=recipe.batch_size,
            position=position,
            validate=lambda: validate(colorizer, photos, SIZE),
            save_samples=lambda name: record.save_samples(name, colorizer, photos, SIZE),
            tell=_nothing,
        )
        return run, watch

    yield begun
    for record in records:
        record.__exit__(None, None, None)
