"""Means over photographs that arrive in batches: thin over the pure functions, so the two cannot disagree."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hue_cli.metrics.catalogue import Metric


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


def measure(metric: Metric, prediction: Tensor, target: Tensor) -> Tensor:
    """Return the metric's value for each photograph.

    Args:
        metric: from :mod:`hue_cli.metrics.catalogue`.
        prediction: ``(N, 3, H, W)`` float sRGB in [0, 1].
        target: the same shape.

    Returns:
        ``(N,)`` float64 on the CPU; NaN where the metric is not defined for the picture's size.

    Raises:
        ValueError: the shapes differ or are no pictures.
        TypeError: the values are not floats.
    """
    _check(prediction, target)
    return metric.function(prediction, target).to(device="cpu", dtype=torch.float64)


class MeanOverPhotos:
    """The mean of one metric over every photograph seen; each counts once, whatever its batch or size."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.photos = 0
        """Photographs counted so far: those for which the metric is defined."""
        self._total = 0.0

    def update(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Count a batch and return the value of each photograph; see :func:`measure`."""
        values = measure(self.metric, prediction, target)
        defined = values[~values.isnan()]
        self.photos += len(defined)
        self._total += float(defined.sum())
        return values

    def compute(self) -> float:
        """Return the mean, NaN if no photograph was counted."""
        return self._total / self.photos if self.photos else math.nan
