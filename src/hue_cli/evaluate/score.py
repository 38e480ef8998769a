"""Photographs past every painter into every metric, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hue_cli.evaluate.painters import Painter
from hue_cli.evaluate.protocol import Batch, Pixels, to_tensor
from hue_cli.metrics.accumulate import PhotoScores, measure
from hue_cli.metrics.metric import Floats, Metric, PairMetric, Pictures, RepaintMetric

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
            whole set. All painters have the photographs in one order; NaN where there is no number.
    """

    means: Mapping[str, float]
    photos: Mapping[str, int]
    single: Mapping[str, Floats]


def in_batches(photos: Iterable[Photo], batch_size: int, waiting: int = 4) -> Iterator[list[Photo]]:
    """Put photographs of one size together; lone sizes are not held back for ever.

    Args:
        photos: of any sizes, in any order.
        batch_size: most photographs in a batch.
        waiting: at most this many batches' worth of photographs are held; beyond it the fullest group goes.
    """
    groups: dict[tuple[int, ...], list[Photo]] = {}
    held = 0
    for photo in photos:
        group = groups.setdefault(photo[1].shape, [])
        group.append(photo)
        held += 1
        if len(group) == batch_size or held > waiting * batch_size:
            fullest = max(groups, key=lambda shape: len(groups[shape]))
            held -= len(groups[fullest])
            yield groups.pop(fullest)
    yield from groups.values()


def _ignore(_painter: str, _names: Sequence[str], _values: Mapping[str, Sequence[float]]) -> None:
    """Keep no record of single photographs."""


def score(
    photos: Iterable[Photo],
    painters: Mapping[str, Painter],
    metrics: Sequence[Metric],
    *,
    batch_size: int = 8,
    device: torch.device = CPU,
    on_photos: Callable[[str, Sequence[str], Mapping[str, Sequence[float]]], None] = _ignore,
) -> dict[str, Scores]:
    """Let every painter paint every photograph and measure the results against the truth.

    Args:
        photos: the true photographs.
        painters: by the name of their row.
        metrics: what to measure; the row :data:`TRUTH` holds those that need no truth to compare with.
        batch_size: most photographs painted at once; changes the speed, not the scores.
        device: where metrics are computed.
        on_photos: called with painter, photo names and metric name to values, batch by batch; metrics of the whole
            set have no value for a photo.

    Returns:
        Scores by row name: the truth first, then the painters in their order.
    """
    rows = {TRUTH: [PhotoScores(metric) for metric in metrics if not metric.sees_target]}
    rows |= {name: [PhotoScores(metric) for metric in metrics] for name in painters}
    for group in in_batches(photos, batch_size):
        batch = Batch(tuple(name for name, _ in group), np.stack([pixels for _, pixels in group]))
        truth = Pictures(to_tensor(batch.pixels, device))
        for row, scores in rows.items():
            painter = painters.get(row)
            painted = painter.paint(batch) if painter else batch.pixels
            pictures = Pictures(to_tensor(painted, device)) if painter else truth
            told: dict[str, Sequence[float]] = {}
            for each in scores:
                values = _measure(each.metric, pictures, truth, painter, batch, painted)
                each.add(values)
                if values.ndim == 1:
                    told[each.metric.name] = values.tolist()
            on_photos(row, batch.names, told)
    return {row: _scores_of(scores) for row, scores in rows.items()}


def _measure(
    metric: Metric, pictures: Pictures, truth: Pictures, painter: Painter | None, batch: Batch, painted: Pixels
) -> Tensor:
    """Return the metric's numbers for every photograph of a batch, on the CPU."""
    if isinstance(metric, PairMetric):
        return measure(metric, pictures, truth)
    if isinstance(metric, RepaintMetric) and painter is not None:

        def repaint(pixels: Pixels) -> Pixels:
            return painter.paint(Batch(batch.names, pixels))

        return metric.function(repaint, batch.pixels, painted)
    raise TypeError(f"{metric.name}: not a metric of single photographs")


def _scores_of(measured: Iterable[PhotoScores]) -> Scores:
    measured = tuple(measured)
    scores = {each.metric.name: each.score() for each in measured}
    return Scores(
        means={name: mean for name, (mean, _) in scores.items()},
        photos={name: photos for name, (_, photos) in scores.items()},
        single={each.metric.name: each.values() for each in measured},
    )
