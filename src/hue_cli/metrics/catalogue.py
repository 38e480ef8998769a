"""Every metric by name: what it measures, which way is better, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor

from hue_cli.errors import UsageError
from hue_cli.metrics import functional, structure

MetricFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: as typed after ``--metrics``, and as key in JSON.
        unit: ``dB``, ``ΔE``, …; empty for a plain number.
        higher_is_better: None where the truth's own value is the best one.
        function: prediction and target, ``(N, 3, H, W)`` sRGB in [0, 1], to ``(N,)``.
        source: the definition's origin.
        decimals: to print.
        sees_target: False where only the prediction is looked at, so that the truth has a value of its own.
    """

    name: str
    unit: str
    higher_is_better: bool | None
    function: MetricFunction
    source: str
    decimals: int
    sees_target: bool = True


_ALL = (
    Metric(
        name="mse",
        unit="",
        higher_is_better=False,
        function=functional.mse,
        source="mean squared error of sRGB in [0, 1]",
        decimals=4,
    ),
    Metric(
        name="rmse",
        unit="",
        higher_is_better=False,
        function=functional.rmse,
        source="root of each photo's mse",
        decimals=4,
    ),
    Metric(
        name="mae",
        unit="",
        higher_is_better=False,
        function=functional.mae,
        source="mean absolute error of sRGB in [0, 1]",
        decimals=4,
    ),
    Metric(
        name="psnr",
        unit="dB",
        higher_is_better=True,
        function=functional.psnr,
        source=f"mean of each photo's PSNR, peak 1; identical pictures count {functional.PSNR_CAP:g} dB",
        decimals=2,
    ),
    Metric(
        name="ssim",
        unit="",
        higher_is_better=True,
        function=structure.ssim,
        source="Wang et al. 2004; Gaussian window 11, sigma 1.5, mean of R, G, B",
        decimals=4,
    ),
    Metric(
        name="msssim",
        unit="",
        higher_is_better=True,
        function=structure.ms_ssim,
        source=f"Wang et al. 2003; five scales; photos of {structure.MSSSIM_MINIMUM} pixels and more",
        decimals=4,
    ),
    Metric(
        name="accuracy",
        unit="",
        higher_is_better=True,
        function=functional.colorization_accuracy,
        source="Keras's accuracy on pictures: the largest of R, G, B is the truth's",
        decimals=4,
    ),
    Metric(
        name="deltae",
        unit="ΔE",
        higher_is_better=False,
        function=functional.delta_e,
        source="CIEDE2000, Sharma et al. 2005, mean over pixels",
        decimals=2,
    ),
    Metric(
        name="blobs",
        unit="",
        higher_is_better=False,
        function=functional.blobs,
        source=f"share of pixels whose chroma is {functional.BLOB_CHROMA:g} or more above the truth's",
        decimals=4,
    ),
    Metric(
        name="cf",
        unit="",
        higher_is_better=None,
        function=functional.colorfulness,
        source="Hasler and Süsstrunk 2003, signed opponents",
        decimals=2,
        sees_target=False,
    ),
    Metric(
        name="cf-abs",
        unit="",
        higher_is_better=None,
        function=functional.colorfulness_absolute,
        source="absolute-value variant that colorization papers print (CT2, DDColor)",
        decimals=2,
        sees_target=False,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
if len(METRICS) != len(_ALL):
    raise RuntimeError("two metrics share a name")

GROUPS: dict[str, tuple[str, ...]] = {"all": tuple(METRICS), "colorfulness": ("cf", "cf-abs")}
"""Names that stand for several metrics."""


def select_metrics(names: Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics of these names and groups, each once, in the order asked for.

    Raises:
        UsageError: a name is unknown, or there is none; the message lists those there are.
    """
    chosen: dict[str, Metric] = {}
    for name in (name.strip().lower() for name in names):
        for member in GROUPS.get(name, (name,)):
            if member not in METRICS:
                known = ", ".join((*METRICS, *GROUPS))
                raise UsageError(f"No metric is called {name!r}. There are: {known}.")
            chosen[member] = METRICS[member]
    if not chosen:
        raise UsageError(f"No metric is asked for. There are: {', '.join((*METRICS, *GROUPS))}.")
    return tuple(chosen.values())
