"""Photographs past every painter into every metric, in one pass and bounded memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hue_cli.evaluate.painters import Painter
from hue_cli.evaluate.protocol import Batch, Pixels, to_tensor
from hue_cli.metrics.accumulate import FrechetScores, PhotoScores, measure
from hue_cli.metrics.metric import FeatureMetric, Floats, Metric, PairMetric, Pictures, RepaintMetric

CPU = torch.device("cpu")

TRUTH = "truth"
"""Name of the row with the true photographs' own values, for metrics that look at one picture only."""

Photo = tuple[str, Pixels]
"""Name and 8-bit sRGB ``(H, W, 3)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The outcome for one painter.

    Attributes:
        means: metric name to its mean over photographs; NaN where no photograph could be measured.
        photos: metric name to the number of photographs in that mean.
        single: metric name to the numbers of every photograph, ``(photos,)``, or ``(photos, K)`` for a metric of the
            whole set, in the data set's order; NaN where there is no number.
    """

    means: Mapping[str, float]
    photos: Mapping[str, int]
    single: Mapping[str, Floats]


def singles(scores: Scores) -> dict[str, Floats]:
    """Return the numbers ``(photos,)`` that single photographs have, without those of the whole set."""
    return {name: values for name, values in scores.single.items() if values.ndim == 1 and len(values)}


def in_batches(photos: Iterable[Photo], batch_size: int, waiting: int = 4) -> Iterator[Batch]:
    """Put photographs of one size together; lone sizes are not held back for ever.

    Args:
        photos: of any sizes, in the data set's order.
        batch_size: most photographs in a batch.
        waiting: at most this many batches' worth of photographs are held; beyond it the fullest group goes.
    """
    groups: dict[tuple[int, ...], list[tuple[int, Photo]]] = {}
    held = 0
    for place, photo in enumerate(photos):
        group = groups.setdefault(photo[1].shape, [])
        group.append((place, photo))
        held += 1
        if len(group) == batch_size or held > waiting * batch_size:
            fullest = max(groups, key=lambda shape: len(groups[shape]))
            held -= len(groups[fullest])
            yield _batch_of(groups.pop(fullest))
    yield from map(_batch_of, groups.values())


def _batch_of(group: Sequence[tuple[int, Photo]]) -> Batch:
    return Batch(
        names=tuple(name for _, (name, _) in group),
        pixels=np.stack([pixels for _, (_, pixels) in group]),
        places=tuple(place for place, _ in group),
    )


class Onlooker(Protocol):
    """Sees what every painter made of every photograph, batch by batch."""

    def see(self, row: str, batch: Batch, painted: Sequence[Pixels | None]) -> None:
        """Take note.

        Args:
            row: the painter, or :data:`TRUTH`.
            batch: the photographs, which come in another order than the data set's: ``batch.places`` says which.
            painted: the pictures; None where there is none.
        """
        ...


def score(
    photos: Iterable[Photo],
    painters: Mapping[str, Painter],
    metrics: Sequence[Metric],
    *,
    batch_size: int = 8,
    device: torch.device = CPU,
    onlookers: Sequence[Onlooker] = (),
) -> dict[str, Scores]:
    """Let every painter paint every photograph and measure the results against the truth.

    Args:
        photos: the true photographs.
        painters: by the name of their row.
        metrics: what to measure, loaded; the row :data:`TRUTH` holds those that need no truth to compare with.
        batch_size: most photographs painted at once; changes the speed, not the scores, nor their order.
        device: where metrics are computed.
        onlookers: told of every batch.

    Returns:
        Scores by row name: the truth first, then the painters in their order.
    """
    rows = {TRUTH: [_keeper(metric) for metric in metrics if not metric.sees_target]}
    rows |= {name: [_keeper(metric) for metric in metrics] for name in painters}
    places = array("q")
    for batch in in_batches(photos, batch_size):
        places.extend(batch.places)
        truth = Pictures(to_tensor(batch.pixels, device))
        for row, keepers in rows.items():
            painter = painters.get(row)
            painted = painter.paint(batch) if painter else batch.pixels
            seen = _Seen(batch, truth, painter, tuple(painted))
            for keeper in keepers:
                seen.measure(keeper)
            for onlooker in onlookers:
                onlooker.see(row, batch, seen.painted)
    order = np.argsort(places)
    return {row: _scores_of(keepers, order) for row, keepers in rows.items()}


Keeper = PhotoScores | FrechetScores


def _keeper(metric: Metric) -> Keeper:
    return FrechetScores(metric) if isinstance(metric, FeatureMetric) else PhotoScores(metric)


class _Seen:
    """One batch as one painter painted it, before the metrics."""

    def __init__(
        self, batch: Batch, truth: Pictures, painter: Painter | None, painted: Sequence[Pixels | None]
    ) -> None:
        self.painted = painted
        self._painter = painter
        self._there = [index for index, picture in enumerate(painted) if picture is not None]
        self._pixels = np.stack([picture for picture in painted if picture is not None]) if self._there else None
        if len(self._there) < len(painted):
            batch = Batch(tuple(batch.names[i] for i in self._there), batch.pixels[self._there])
            truth = Pictures(truth.rgb[self._there])
        self._batch, self._truth = batch, truth
        self._pictures = truth
        if painter is not None and self._pixels is not None:
            self._pictures = Pictures(to_tensor(self._pixels, truth.rgb.device))

    def measure(self, keeper: Keeper) -> None:
        """Count the batch; what was not painted counts as NaN."""
        if isinstance(keeper, FrechetScores):
            if self._there:
                keeper.add(self._pictures, self._truth)
            return
        values = self._values(keeper.metric) if self._there else torch.empty(0)
        if len(self._there) < len(self.painted):
            whole = torch.full((len(self.painted), *values.shape[1:]), math.nan, dtype=torch.float64)
            whole[self._there] = values.double()
            values = whole
        keeper.add(values)

    def _values(self, metric: Metric) -> Tensor:
        if isinstance(metric, PairMetric):
            return measure(metric, self._pictures, self._truth)
        if isinstance(metric, RepaintMetric) and self._pixels is not None:
            if self._painter is None or not self._painter.repaints:
                return torch.full((len(self._there),), math.nan, dtype=torch.float64)
            return metric.function(self._repaint, self._batch.pixels, self._pixels)
        raise TypeError(f"{metric.name}: its network has not been loaded")

    def _repaint(self, pixels: Pixels) -> Pixels:
        assert self._painter is not None
        painted = self._painter.paint(Batch(self._batch.names, pixels))
        return np.stack([picture for picture in painted if picture is not None])


def _scores_of(keepers: Sequence[Keeper], order: NDArray[np.intp]) -> Scores:
    scores = {keeper.metric.name: keeper.score() for keeper in keepers}
    return Scores(
        means={name: mean for name, (mean, _) in scores.items()},
        photos={name: photos for name, (_, photos) in scores.items()},
        single={
            keeper.metric.name: keeper.values() if isinstance(keeper, FrechetScores) else keeper.values()[order]
            for keeper in keepers
        },
    )
