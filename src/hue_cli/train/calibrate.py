"""How much colour a classifier shows: temperature, gain and ceiling, chosen on validation photos.

A classifier knows how likely each colour is; how boldly to paint is another question, and it is answered after
training, on photos that were not trained on. For each temperature and ceiling the gain is found at which the
photos are as colourful, on average, as the recipe asks; of these settings the one with the best PSNR is taken
among those that keep saturated blobs rare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hue_cli.color import lab_torch
from hue_cli.data.photo_set import Draw, Photos
from hue_cli.metrics import functional as metrics
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.gamut_classifier import GamutClassifier

TEMPERATURES = (1.0, 0.7, 0.5, 0.38)
CEILINGS = (45.0, 60.0, 80.0, 110.0)
MAX_BLOBS = 0.005
BATCH = 16
GAINS = (0.5, 8.0)
"""Bounds between which the gain is sought."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to paint, and what it gives on the validation photos."""

    temperature: float
    ceiling: float
    gain: float
    psnr_over_grey: float
    cf_abs_share: float
    delta_e_over_grey: float
    blobs: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is needed to score a setting, at 1/4 of the network's size.

    Attributes:
        lightness: ``(P, 1, H, W)``, L* in [0, 100].
        truth: ``(P, 3, H, W)`` sRGB.
        means: temperature to the classifier's mean colour ``(P, 2, H, W)``, CIE units.
    """

    lightness: Tensor
    truth: Tensor
    means: Mapping[float, Tensor]


def _classifier(colorizer: Colorizer) -> GamutClassifier:
    network = colorizer.network
    if not isinstance(network, GamutClassifier):
        raise TypeError(f"expected a GamutClassifier, found {type(network).__name__}")
    return network


@torch.no_grad()
def collect(
    colorizer: Colorizer,
    photos: Photos,
    size: int,
    temperatures: Sequence[float] = TEMPERATURES,
    *,
    flip: bool = False,
) -> Evidence:
    """Run a classifier once over photos, so that settings can be scored without it.

    Args:
        colorizer: around a :class:`GamutClassifier`.
        photos: to score on.
        size: side of the squares that the network sees.
        temperatures: to keep the mean colour at.
        flip: average what it says of each photo with what it says of its mirror image.

    Raises:
        TypeError: the network is no classifier.
    """
    network = _classifier(colorizer)
    lightness, truth = [], []
    means: dict[float, list[Tensor]] = {temperature: [] for temperature in temperatures}
    for index in torch.arange(len(photos)).split(BATCH):
        rgb = photos.crops(Draw.centred(index), size)
        seen = colorizer.see(lab_torch.rgb_to_lightness(rgb))
        logits = network.logits(seen)
        if flip:
            logits = (logits + network.logits(seen.flip(3)).flip(3)) / 2
        small = F.avg_pool2d(rgb, size // logits.shape[-1])
        truth.append(small)
        lightness.append(lab_torch.rgb_to_lightness(small))
        for temperature, found in means.items():
            found.append(network.gamut.mean(logits / temperature))
    return Evidence(torch.cat(lightness), torch.cat(truth), {t: torch.cat(m) for t, m in means.items()})


def _paint(evidence: Evidence, ab: Tensor) -> Tensor:
    return lab_torch.lab_to_rgb(torch.cat([evidence.lightness, ab], dim=1))


def _set(network: GamutClassifier, temperature: float, ceiling: float, gain: float) -> None:
    network.temperature.fill_(temperature)
    network.ceiling.fill_(ceiling)
    network.gain.fill_(gain)


@torch.no_grad()
def settle(colorizer: Colorizer, evidence: Evidence, temperature: float, ceiling: float, share: float) -> Setting:
    """Find the gain that gives ``share`` of the truth's colourfulness, by bisection, and score it.

    The classifier is left with that setting.
    """
    network = _classifier(colorizer)
    wanted = share * float(metrics.colorfulness_absolute(evidence.truth).mean())
    low, high = GAINS
    for _ in range(9):
        gain = (low * high) ** 0.5
        _set(network, temperature, ceiling, gain)
        painted = _paint(evidence, network.saturate(evidence.means[temperature]))
        if float(metrics.colorfulness_absolute(painted).mean()) < wanted:
            low = gain
        else:
            high = gain
    grey = _paint(evidence, torch.zeros_like(evidence.means[temperature]))

    painted_lab, grey_lab, truth_lab = (lab_torch.rgb_to_lab(rgb) for rgb in (painted, grey, evidence.truth))
    psnr = metrics.psnr(painted, evidence.truth) - metrics.psnr(grey, evidence.truth)
    delta_e = metrics.delta_e(painted_lab, truth_lab) - metrics.delta_e(grey_lab, truth_lab)

    return Setting(
        temperature=temperature,
        ceiling=ceiling,
        gain=gain,
        psnr_over_grey=float(psnr.mean()),
        cf_abs_share=float(metrics.colorfulness_absolute(painted).mean()) / wanted * share,
        delta_e_over_grey=float(delta_e.mean()),
        blobs=float(metrics.blobs(painted_lab, truth_lab).mean()),
    )


@torch.no_grad()
def calibrate(colorizer: Colorizer, photos: Photos, size: int, colourfulness: float) -> dict[str, object]:
    """Choose temperature, gain and ceiling of a classifier and put them into its weights.

    Args:
        colorizer: around a :class:`GamutClassifier`.
        photos: to choose on; none that were trained on, none that it will be scored on.
        size: side of the squares, as the network is used.
        colourfulness: share of the truth's colourfulness to reach.

    Returns:
        The chosen setting under ``chosen`` and all that were tried under ``tried``, for the run's description.

    Raises:
        TypeError: the network is no classifier.
    """
    evidence = collect(colorizer, photos, size)
    tried = [
        settle(colorizer, evidence, temperature, ceiling, colourfulness)
        for temperature in TEMPERATURES
        for ceiling in CEILINGS
    ]
    # A ceiling can be too low for the colour that is asked for; such a setting is no answer.
    able = [s for s in tried if s.cf_abs_share > colourfulness - 0.02] or tried
    calm = [s for s in able if s.blobs <= MAX_BLOBS] or sorted(able, key=lambda s: s.blobs)[:1]
    chosen = max(calm, key=lambda s: s.psnr_over_grey)
    _set(_classifier(colorizer), chosen.temperature, chosen.ceiling, chosen.gain)
    return {"chosen": asdict(chosen), "tried": [asdict(s) for s in tried]}
