"""Where a run stands: from steps and seconds to a stage, a learning rate and an end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from hue_cli.recipes.schema import Optim, Schedule, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run of a known length, in epochs or in seconds, whichever ends first.

    Progress runs from 0 to 1. It is the larger of the share of steps done and the share of seconds spent, so
    a time budget shortens every stage in proportion and the schedule still comes to its end.

    Attributes:
        stages: the recipe's.
        steps_per_epoch: batches in one pass.
        optim: learning rate and schedule.
        max_seconds: time budget; None for none.
    """

    stages: Sequence[Stage]
    steps_per_epoch: int
    optim: Optim
    max_seconds: float | None = None

    @property
    def epochs(self) -> int:
        """Epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def steps(self) -> int:
        """Steps of the whole run if time does not end it earlier."""
        return self.epochs * self.steps_per_epoch

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is over, in [0, 1], before step number ``step`` (from 0)."""
        by_steps = step / self.steps
        by_time = seconds / self.max_seconds if self.max_seconds else 0.0
        return min(1.0, max(by_steps, by_time))

    def is_late(self, seconds: float) -> bool:
        """Tell whether the time budget is spent."""
        return self.max_seconds is not None and seconds >= self.max_seconds

    def stage_at(self, progress: float) -> int:
        """Index of the stage at this progress; the boundary belongs to the later stage."""
        ends = list(accumulate(stage.epochs / self.epochs for stage in self.stages))
        # A billionth forgives the rounding of step / steps at a boundary.
        return min(sum(progress >= end - 1e-9 for end in ends), len(ends) - 1)

    def learning_rate(self, progress: float) -> float:
        """Learning rate at this progress."""
        match self.optim.schedule:
            case Schedule.CONSTANT:
                return self.optim.lr
            case Schedule.COSINE:
                return self.optim.lr * max(0.01, 0.5 * (1 + math.cos(math.pi * progress)))
            case Schedule.EXPONENTIAL:
                # Epochs of the plan: a time budget runs through all of the decay, as through all stages.
                return self.optim.lr * math.pow(self.optim.decay, progress * self.epochs)
