"""The loop of a run: stages, steps, checkpoints. It knows no loss, and of networks only that there are some."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from hue_cli.data.photo_set import Draw, Photos
from hue_cli.recipes.schema import Recipe
from hue_cli.stopping import heeding
from hue_cli.train.average import MovingAverage
from hue_cli.train.checkpoint import Position, save_state, save_weights
from hue_cli.train.phases import Phase
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record
from hue_cli.train.seeding import order, seed_losses, step_seed
from hue_cli.train.team import Team
from hue_cli.train.update import Losses, Moved, Update, summed

STATE_EVERY_SECONDS = 120.0
VALIDATIONS = 24
"""Validations in a run at most, beside those at the end of each stage."""
VALIDATE_EVERY_SECONDS = 30.0
VALIDATION_SHARE = 0.05
"""Of the time of training at most, beside those at the end of each stage: a budget is for training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a run tells about itself after a step."""

    progress: float
    step: int
    stage: str
    loss: float
    images_per_second: float


@dataclass(slots=True, kw_only=True)
class Run:
    """All the moving parts of a run, for :func:`train`.

    A process that does not lead its team has no record, and neither validates nor writes anything.
    """

    recipe: Recipe
    plan: Plan
    phases: Sequence[Phase]
    update: Update
    average: MovingAverage
    photos: Photos
    folder: Path
    record: Record | None
    batch_size: int
    position: Position
    validate: Callable[[], Mapping[str, float]]
    save_samples: Callable[[str], object]
    tell: Callable[[Progress], None]
    _losses: list[Losses] = field(default_factory=list)
    _last: Moved | None = None
    _missed: int = 0

    def __post_init__(self) -> None:
        self._missed = self.position.missed

    @property
    def team(self) -> Team:
        """The processes that train together."""
        return self.update.team


@dataclass(slots=True, kw_only=True)
class _Curve:
    """When the curve gets its next point between the ends of stages.

    Attributes:
        next_at: progress from which one is due.
        since: seconds of training at the last one's end, or at the start.
        began: seconds of training when this process began.
        last: seconds that the last one took; 0 until there is one.
        spent: seconds that all of them took.
    """

    next_at: float
    since: float
    began: float
    last: float = 0.0
    spent: float = 0.0

    def is_due(self, progress: float, seconds: float) -> bool:
        affordable = self.spent + self.last <= VALIDATION_SHARE * (seconds - self.began)
        return progress >= self.next_at and seconds - self.since >= VALIDATE_EVERY_SECONDS and affordable

    def note(self, progress: float, seconds: float, took: float) -> None:
        self.next_at, self.since = _next_validation(progress), seconds
        self.last, self.spent = took, self.spent + took


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into a flag, so that a step and its checkpoint are finished first."""
    flag = threading.Event()

    def stop(_: signal.Signals) -> bool:
        flag.set()
        return False

    with heeding(stop):
        yield flag


def train(run: Run) -> tuple[bool, Position]:
    """Train to the end of the plan.

    Returns:
        Whether the plan is done (Ctrl-C or SIGTERM end it early), and where the run stands; either way
        its folder holds the weights and the state of the last step.
    """
    step, seconds = run.position.step, run.position.seconds
    epoch_steps = run.plan.steps_per_epoch
    saved_at, told_at, told_step = seconds, seconds, step
    progress = run.plan.progress(step, seconds)
    stage_index = run.plan.stage_at(progress)
    curve = _Curve(next_at=_next_validation(progress), since=seconds, began=seconds)
    permutation = (-1, torch.empty(0))
    for phase in run.phases:
        phase.network.train()
    before, started = seconds, time.perf_counter()

    def now() -> float:
        return before + time.perf_counter() - started

    with _interrupts() as interrupted:
        stop = False
        if step == 0:
            _save(run, step, seconds)  # at once, so that a folder that cannot be written costs no training
        while progress < 1 and not stop:
            epoch, batch = divmod(step, epoch_steps)
            if permutation[0] != epoch:
                permutation = (epoch, order(run.recipe.seed, epoch, len(run.photos)))
            index = permutation[1][batch * run.batch_size : (batch + 1) * run.batch_size]
            _one_step(run, step, index, stage_index, progress, late=lambda: run.plan.is_late(now()))
            step += 1
            # All of a team see the same clock and stop together.
            seconds, stopped = run.team.largest(now(), float(interrupted.is_set()))
            progress, stop = run.plan.progress(step, seconds), stopped > 0

            if seconds - told_at >= 1:
                _tell(run, progress, step, stage_index, (step - told_step) * run.batch_size / (seconds - told_at))
                told_at, told_step = seconds, step
            reached = run.plan.stage_at(progress) if progress < 1 else len(run.plan.stages)
            if reached != stage_index or curve.is_due(progress, seconds):
                _write_row(run, step, stage_index)
                curve.note(progress, now(), took=now() - seconds)
            if reached != stage_index:
                _save_samples(run, stage_index)
                stage_index = min(reached, len(run.plan.stages) - 1)
            if seconds - saved_at >= STATE_EVERY_SECONDS:
                _save(run, step, seconds)
                saved_at = seconds
    return progress >= 1, _save(run, step, seconds)


def _one_step(
    run: Run, step: int, index: torch.Tensor, stage_index: int, progress: float, late: Callable[[], bool]
) -> None:
    stage, seed = run.plan.stages[stage_index], run.recipe.seed
    learning_rate = run.plan.learning_rate(progress)
    draw = Draw.random(index, step_seed(seed, step), zoom=(stage.zoom, 1.0))
    rgb = run.photos.crops(draw.share(run.team.rank, run.team.size), stage.size)
    losses: Losses = {}
    for phase in run.phases:
        for group in phase.optimizer.param_groups:
            group["lr"] = learning_rate * group["lr_share"]
        moved = run.update(
            phase, rgb, stage, total=len(index), seed=lambda: seed_losses(seed, step, run.team.rank), late=late
        )
        losses |= moved.losses
    run.average.update(run.phases[-1].network, step)
    run._losses.append(losses)
    run._last = moved
    run._missed += len(index) - moved.photos


def _next_validation(progress: float) -> float:
    return (int(progress * VALIDATIONS) + 1) / VALIDATIONS


def _mean_losses(run: Run) -> dict[str, float]:
    names = run._losses[0] if run._losses else {}
    return {f"loss/{name}": sum(float(row[name]) for row in run._losses) / len(run._losses) for name in names}


def _tell(run: Run, progress: float, step: int, stage_index: int, rate: float) -> None:
    stage = run.plan.stages[stage_index].sees.value
    loss = summed(run._last.losses) if run._last else 0.0
    run.tell(Progress(progress=progress, step=step, stage=stage, loss=loss, images_per_second=rate))


def _write_row(run: Run, step: int, stage_index: int) -> None:
    losses = _mean_losses(run)
    run._losses.clear()
    if run.record is not None:
        row = {**losses, **{f"val/{name}": value for name, value in run.validate().items()}}
        run.record.add(step, run.plan.stages[stage_index].sees.value, row)
        run.record.draw_curve()


def _save_samples(run: Run, stage_index: int) -> None:
    if run.record is not None:
        run.save_samples(f"{stage_index + 1}-{run.plan.stages[stage_index].sees.value}")


def _save(run: Run, step: int, seconds: float) -> Position:
    digest = run.recipe.digest()
    position = Position(step=step, seconds=seconds, digest=digest, missed=run._missed)
    if run.record is not None:
        save_state(run.folder, run.phases, run.average.network, position)
        save_weights(run.folder, run.average.network, digest)
    return position
