"""Every metric by name: what it measures, which way is better, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable

from hue_cli.errors import UsageError
from hue_cli.metrics import bleeding, flicker, functional, hues, skin, structure
from hue_cli.metrics.backbones import FidMetric, LpipsMetric
from hue_cli.metrics.metric import Metric, PairMetric, RepaintMetric, in_lab, in_rgb

_ALL: tuple[Metric, ...] = (
    PairMetric(
        name="mse",
        unit="",
        higher_is_better=False,
        function=in_rgb(functional.mse),
        source="mean squared error of sRGB in [0, 1]",
        decimals=4,
    ),
    PairMetric(
        name="rmse",
        unit="",
        higher_is_better=False,
        function=in_rgb(functional.rmse),
        source="root of each photo's mse",
        decimals=4,
    ),
    PairMetric(
        name="mae",
        unit="",
        higher_is_better=False,
        function=in_rgb(functional.mae),
        source="mean absolute error of sRGB in [0, 1]",
        decimals=4,
    ),
    PairMetric(
        name="psnr",
        unit="dB",
        higher_is_better=True,
        function=in_rgb(functional.psnr),
        source=f"mean of each photo's PSNR, peak 1; identical pictures count {functional.PSNR_CAP:g} dB",
        decimals=2,
    ),
    PairMetric(
        name="ssim",
        unit="",
        higher_is_better=True,
        function=in_rgb(structure.ssim),
        source="Wang et al. 2004; Gaussian window 11, sigma 1.5, mean of R, G, B",
        decimals=4,
    ),
    PairMetric(
        name="msssim",
        unit="",
        higher_is_better=True,
        function=in_rgb(structure.ms_ssim),
        source=f"Wang et al. 2003; five scales; photos of {structure.MSSSIM_MINIMUM} pixels and more",
        decimals=4,
    ),
    PairMetric(
        name="accuracy",
        unit="",
        higher_is_better=True,
        function=in_rgb(functional.colorization_accuracy),
        source="Keras's accuracy on pictures: the largest of R, G, B is the truth's",
        decimals=4,
    ),
    PairMetric(
        name="deltae",
        unit="ΔE",
        higher_is_better=False,
        function=in_lab(functional.delta_e),
        source="CIEDE2000, Sharma et al. 2005, mean over pixels",
        decimals=2,
    ),
    PairMetric(
        name="blobs",
        unit="",
        higher_is_better=False,
        function=in_lab(functional.blobs),
        source=f"share of pixels whose chroma is {functional.BLOB_CHROMA:g} or more above the truth's",
        decimals=4,
    ),
    PairMetric(
        name="bleeding",
        unit="",
        higher_is_better=False,
        function=in_lab(bleeding.bleeding),
        source="hue: share of the painted colour beside true colour edges that goes on across them",
        decimals=3,
    ),
    PairMetric(
        name="skin-hue",
        unit="°",
        higher_is_better=False,
        function=skin.skin_hue,
        source="mean hue error on skin-coloured pixels (Kovač et al. 2003 and Chai and Ngan 1999); grey counts "
        f"{skin.NO_ANSWER:g}°",
        decimals=1,
    ),
    PairMetric(
        name="hue-coverage",
        unit="",
        higher_is_better=True,
        function=in_lab(hues.count_hues),
        reduce=hues.cover,
        source=f"hue: share of the truth's hues, of {hues.BINS}, that are painted anywhere in the set",
        decimals=3,
    ),
    PairMetric(
        name="cf",
        unit="",
        higher_is_better=None,
        function=in_rgb(functional.colorfulness),
        source="Hasler and Süsstrunk 2003, signed opponents",
        decimals=2,
        sees_target=False,
    ),
    PairMetric(
        name="cf-abs",
        unit="",
        higher_is_better=None,
        function=in_rgb(functional.colorfulness_absolute),
        source="absolute-value variant that colorization papers print (CT2, DDColor)",
        decimals=2,
        sees_target=False,
    ),
    RepaintMetric(
        name="flicker",
        unit="ΔE",
        higher_is_better=False,
        function=flicker.flicker,
        source="hue: mean a*b* difference after four changes that hardly change the photo",
        decimals=2,
        asked_for="a model paints five times for it",
    ),
    LpipsMetric(
        name="lpips",
        unit="",
        higher_is_better=False,
        source="Zhang et al. 2018, AlexNet, version 0.1; torchmetrics",
        decimals=4,
        asked_for="it needs the weights of AlexNet",
    ),
    FidMetric(
        name="fid",
        unit="",
        higher_is_better=False,
        source="Heusel et al. 2017, TensorFlow's Inception; torchmetrics, photos squashed to 299×299",
        decimals=2,
        asked_for="it needs the weights of Inception, and seconds a photo on a CPU",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
if len(METRICS) != len(_ALL):
    raise RuntimeError("two metrics share a name")

GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(metric.name for metric in _ALL if not metric.asked_for),
    "colorfulness": ("cf", "cf-abs"),
}
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
