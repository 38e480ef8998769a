"""The kinds of metric there are: what each is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hue_cli.color.lab_torch import rgb_to_lab

Floats = NDArray[np.float64]
Repaint = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Has a model paint other photographs: ``(N, H, W, 3)`` uint8 sRGB in, painted ones of the same shape out."""


class Pictures:
    """A batch of pictures, whose L*a*b* is computed once however many metrics ask for it.

    Attributes:
        rgb: ``(N, 3, H, W)`` float sRGB in [0, 1].
    """

    def __init__(self, rgb: Tensor) -> None:
        self.rgb = rgb
        self._features: dict[int, Tensor] = {}

    @cached_property
    def lab(self) -> Tensor:
        """L*a*b* in CIE units, ``(N, 3, H, W)``."""
        return rgb_to_lab(self.rgb)

    def features(self, network: torch.nn.Module) -> Tensor:
        """What a network sees in the 8-bit pictures, ``(N, D)``; computed once for each network."""
        if id(network) not in self._features:
            with torch.inference_mode():
                self._features[id(network)] = network((self.rgb * 255).round().to(torch.uint8))
        return self._features[id(network)]


PairFunction = Callable[[Pictures, Pictures], Tensor]
"""Prediction and target to ``(N,)``, or to ``(N, K)`` for a metric of the whole set."""


def in_rgb(function: Callable[[Tensor, Tensor], Tensor]) -> PairFunction:
    """Hand sRGB in [0, 1] to a function of two tensors."""
    return lambda prediction, target: function(prediction.rgb, target.rgb)


def in_lab(function: Callable[[Tensor, Tensor], Tensor]) -> PairFunction:
    """Hand L*a*b* in CIE units to a function of two tensors."""
    return lambda prediction, target: function(prediction.lab, target.lab)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is known of every metric.

    Attributes:
        name: as typed after ``--metrics``, and as key in JSON.
        unit: ``dB``, ``ΔE``, …; empty for a plain number.
        higher_is_better: None where the truth's own value is the best one.
        source: the definition's origin.
        decimals: to print.
        sees_target: False where only the prediction is looked at, so that the truth has a value of its own.
        asked_for: why only those get it who name it; empty for what ``all`` holds.
    """

    name: str
    unit: str
    higher_is_better: bool | None
    source: str
    decimals: int
    sees_target: bool = True
    asked_for: str = ""

    def load(self, device: torch.device) -> Metric:  # noqa: ARG002  for those that have weights
        """Return the metric ready to measure on a device.

        Raises:
            WeightsError: it looks through a network whose weights are not at hand.
        """
        return self

    def facts(self) -> dict[str, Any]:
        """Return the fields that every metric has."""
        return {field.name: getattr(self, field.name) for field in fields(Metric)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMetric(Metric):
    """A metric of a painted picture and the true one.

    Attributes:
        function: two batches of pictures to one value a photograph.
        reduce: for a metric of the whole set: mean of the photographs' K numbers, ``(…, K)``, to the score, ``(…)``.
            None where the score is the mean of the photographs' own.
    """

    function: PairFunction
    reduce: Callable[[Floats], Floats] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepaintMetric(Metric):
    """A metric of a model, which has to paint again for it.

    Attributes:
        function: repaints, with true and painted pictures, ``(N, H, W, 3)`` uint8, to ``(N,)``.
    """

    function: Callable[[Repaint, NDArray[np.uint8], NDArray[np.uint8]], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMetric(Metric):
    """A metric of two sets of pictures, by what a network sees in them.

    Attributes:
        network: ``(N, 3, H, W)`` uint8 sRGB to ``(N, D)`` features.
    """

    network: torch.nn.Module
