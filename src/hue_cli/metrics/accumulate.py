"""Scores of photographs that arrive in batches: thin over the pure functions, so the two cannot disagree."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hue_cli.metrics.metric import FeatureMetric, Floats, Metric, PairMetric, Pictures

if TYPE_CHECKING:
    from torchmetrics.image.fid import FrechetInceptionDistance


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
        # One buffer: small tensors kept between the large ones that come and go would keep the heap from being reused.
        self._numbers = array("d")
        self._photos = 0
        self._shape: tuple[int, ...] = ()

    def add(self, values: Tensor) -> None:
        """Count a batch, ``(N,)`` or ``(N, K)``; photographs for which the metric is not defined are NaN."""
        numbers = values.double().numpy()
        if numbers.ndim - 1 > len(self._shape):  # a batch of which nothing was painted does not know K
            self._shape = numbers.shape[1:]
            self._numbers = array("d", [math.nan]) * (self._photos * self._shape[0])
        elif numbers.ndim - 1 < len(self._shape):
            numbers = np.full((len(numbers), *self._shape), math.nan)
        self._numbers.frombytes(numbers.tobytes())
        self._photos += len(numbers)

    def values(self) -> Floats:
        """Return the numbers of every photograph so far, in order: ``(photos,)`` or ``(photos, K)``."""
        return np.array(self._numbers, dtype=np.float64).reshape(self._photos, *self._shape)

    def score(self) -> tuple[float, int]:
        """Return the score, NaN if there is none, and the number of photographs that it is taken over."""
        values = self.values()
        defined = values[is_defined(values)]
        if not len(defined):
            return math.nan, 0
        return float(combine(self.metric, defined.mean(axis=0))), len(defined)


class FrechetScores:
    """The Fréchet distance between the features of painted and true photographs, in bounded memory.

    It is of the set: single photographs have no value, and without their features, which are not kept, no interval.
    """

    def __init__(self, metric: FeatureMetric) -> None:
        self.metric = metric
        self._distance: FrechetInceptionDistance | None = None

    def add(self, prediction: Pictures, target: Pictures) -> None:
        """Count a batch; the truth's features are computed once for all that paint."""
        painted, true = (pictures.features(self.metric.network) for pictures in (prediction, target))
        if self._distance is None:
            from torchmetrics.image.fid import FrechetInceptionDistance

            self._distance = FrechetInceptionDistance(feature=_AsTheyAre(true.shape[1])).to(true.device)
        self._distance.update(painted, real=False)
        self._distance.update(true, real=True)

    def values(self) -> Floats:
        """Return nothing: there are no numbers of single photographs."""
        return np.empty(0)

    def score(self) -> tuple[float, int]:
        """Return the distance, NaN for fewer than two photographs, and how many there were."""
        photos = int(self._distance.real_features_num_samples) if self._distance else 0
        if self._distance is None or photos < 2:
            return math.nan, photos
        return float(self._distance.compute()), photos


class _AsTheyAre(torch.nn.Module):
    """Hands torchmetrics features in place of pictures."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def is_defined(values: Floats) -> NDArray[np.bool_]:
    """Tell for which photographs there are numbers, ``(photos,)`` or ``(photos, K)`` to ``(photos,)``."""
    there: NDArray[np.bool_] = ~np.isnan(values if values.ndim == 1 else values.sum(axis=1))
    return there


def combine(metric: Metric, mean: Floats) -> Floats:
    """Return the score that a mean over photographs makes, ``(…)`` or ``(…, K)`` to ``(…)``."""
    if isinstance(metric, PairMetric) and metric.reduce is not None:
        return metric.reduce(mean)
    return mean
