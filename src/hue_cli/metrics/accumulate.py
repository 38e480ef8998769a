"""Scores of photographs that arrive in batches: thin over the pure functions, so the two cannot disagree."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hue_cli.metrics.metric import Floats, Metric, PairMetric, Pictures


def _check(prediction: Tensor, target: Tensor) -> None:
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction and target differ in size: {tuple(prediction.shape)} and {tuple(target.shape)}; "
            "a painted photo must have the size of the true one"
        )
    if target.ndim != 4 or target.shape[1] != 3:
        raise ValueError(f"expected pictures of shape (N, 3, H, W), found {tuple(target.shape)}")
    if not (prediction.is_floating_point() and target.is_floating_point()):
        raise TypeError(f"expected float sRGB in [0, 1], found {prediction.dtype} and {target.dtype}")


def measure(metric: PairMetric, prediction: Pictures, target: Pictures) -> Tensor:
    """Return the metric's value for each photograph.

    Args:
        metric: from :mod:`hue_cli.metrics.catalogue`.
        prediction: float sRGB in [0, 1].
        target: the same shape.

    Returns:
        ``(N,)`` float64 on the CPU, ``(N, K)`` for a metric of the whole set; NaN where the metric is not defined for
        the picture.

    Raises:
        ValueError: the shapes differ or are no pictures.
        TypeError: the values are not floats.
    """
    _check(prediction.rgb, target.rgb)
    return metric.function(prediction, target).to(device="cpu", dtype=torch.float64)


class PhotoScores:
    """What was measured photograph by photograph, and the score that it makes.

    Grows by one number a photograph, or by K for a metric of the whole set: intervals are taken of these.
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._batches: list[Floats] = []

    def add(self, values: Tensor) -> None:
        """Count a batch, ``(N,)`` or ``(N, K)``; photographs for which the metric is not defined are NaN."""
        self._batches.append(values.numpy())

    def values(self) -> Floats:
        """Return the numbers of every photograph so far, in order: ``(photos,)`` or ``(photos, K)``."""
        return np.concatenate(self._batches) if self._batches else np.empty(0)

    def score(self) -> tuple[float, int]:
        """Return the score, NaN if there is none, and the number of photographs that it is taken over."""
        values = self.values()
        defined = values[is_defined(values)]
        if not len(defined):
            return math.nan, 0
        return float(combine(self.metric, defined.mean(axis=0))), len(defined)


def is_defined(values: Floats) -> NDArray[np.bool_]:
    """Tell for which photographs there are numbers, ``(photos,)`` or ``(photos, K)`` to ``(photos,)``."""
    there: NDArray[np.bool_] = ~np.isnan(values if values.ndim == 1 else values.sum(axis=1))
    return there


def combine(metric: Metric, mean: Floats) -> Floats:
    """Return the score that a mean over photographs makes, ``(…)`` or ``(…, K)`` to ``(…)``."""
    if isinstance(metric, PairMetric) and metric.reduce is not None:
        return metric.reduce(mean)
    return mean
