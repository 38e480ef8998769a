"""95 % intervals of scores and of their differences, by the bootstrap over photographs.

The photographs scored are taken for a sample of all those that could have been: as many are drawn from them again,
with replacement, thousands of times, and the middle 95 % of the scores of these draws is the interval (percentile
method). One draw serves every row, so that differences are paired: what makes a photograph hard for both cancels out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hue_cli.metrics.accumulate import combine, is_defined
from hue_cli.metrics.metric import Floats, Metric

LEVEL: Final = 0.95
RESAMPLES: Final = 2000
SEED: Final = 0
FEWEST: Final = 2
"""Photographs that an interval needs."""

_BLOCK: Final = 4_000_000
"""Counts held at once: resamples are drawn in blocks, whose size does not depend on what is measured."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies with 95 % confidence."""

    low: float
    high: float

    @property
    def half(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval, taken over so many photographs; no interval where there are too few."""

    value: float
    interval: Interval | None
    photos: int


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A figure to estimate: a score, or what two scores differ by, or their quotient.

    Attributes:
        metric: of the score.
        values: numbers of every photograph, ``(photos,)`` or ``(photos, K)``; NaN where there is none.
        other: those of another row, to subtract or divide by; only photographs that both have then count.
        quotient: divide instead.
    """

    metric: Metric
    values: Floats
    other: Floats | None = None
    quotient: bool = False

    def columns(self) -> Floats:
        """Return all numbers that count, ``(photos, K)`` or ``(photos, 2·K)``; rows of NaN for other photographs."""
        pair = [self.values] if self.other is None else [self.values, self.other]
        columns = np.concatenate([values.reshape(len(values), -1) for values in pair], axis=1)
        columns[~is_defined(columns)] = np.nan
        return columns

    def figure(self, means: Floats) -> Floats:
        """Return the figure that means of the columns make, ``(…, columns)`` to ``(…)``."""
        if self.other is None:
            return self._score(means)
        one, other = (self._score(half) for half in np.split(means, 2, axis=-1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return one / other if self.quotient else one - other

    def _score(self, means: Floats) -> Floats:
        return combine(self.metric, means if self.values.ndim == 2 else means[..., 0])


def estimate(questions: Sequence[Question], *, resamples: int = RESAMPLES, seed: int = SEED) -> list[Estimate]:
    """Estimate figures of one set of photographs.

    Args:
        questions: whose values all have the photographs in one order.
        resamples: how many draws.
        seed: of the draws; the same seed draws the same.
    """
    if not questions:
        return []
    sheets = [question.columns() for question in questions]
    everything = np.concatenate(sheets, axis=1)
    there = ~np.isnan(everything)
    drawn = _draw(np.where(there, everything, 0), there, resamples, seed)
    ends = np.cumsum([sheet.shape[1] for sheet in sheets])[:-1]
    answers = []
    for question, sheet, means in zip(questions, sheets, np.split(drawn, ends, axis=1), strict=True):
        counted = sheet[is_defined(sheet)]
        mean = counted.mean(axis=0) if len(counted) else np.full(sheet.shape[1], np.nan)
        interval = _middle(question.figure(means)) if len(counted) >= FEWEST else None
        answers.append(Estimate(float(question.figure(mean)), interval, len(counted)))
    return answers


def _draw(numbers: Floats, there: NDArray[np.bool_], resamples: int, seed: int) -> Floats:
    """Return the means of every draw, ``(resamples, columns)``, over the numbers that are there."""
    photos = len(numbers)
    whole = there.all(axis=0)  # then every draw counts as many as there are photographs
    drawn: list[Floats] = []
    for counts in _counts(photos, resamples, seed):
        taken = np.full((len(counts), numbers.shape[1]), float(photos))
        taken[:, ~whole] = counts @ there[:, ~whole].astype(np.float64)
        with np.errstate(invalid="ignore"):  # a draw may hold none of them
            drawn.append(counts @ numbers / taken)
    return np.concatenate(drawn)


def _counts(photos: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each photograph is in each draw, ``(draws, photos)``, in blocks of bounded size."""
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK // photos)
    for start in range(0, resamples, block):
        draws = min(block, resamples - start)
        picked = random.integers(0, photos, (draws, photos))
        picked += np.arange(draws)[:, None] * photos
        yield np.bincount(picked.ravel(), minlength=draws * photos).reshape(draws, photos).astype(np.float64)


def _middle(figures: Floats) -> Interval | None:
    """Return the interval that holds the middle 95 %."""
    figures = figures[np.isfinite(figures)]
    if not len(figures):
        return None
    low, high = np.quantile(figures, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
