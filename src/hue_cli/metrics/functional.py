"""Metrics as pure functions: two batches of pictures in, one value a photograph out.

They take ``prediction`` and ``target``, ``(N, 3, H, W)`` float sRGB with gamma in [0, 1] (L*a*b* in CIE units where
the arguments are called so), and return ``(N,)``; what is computed for a photograph does not depend on its neighbours
in the batch. :mod:`hue_cli.metrics.structure` has SSIM and MS-SSIM in the same shape.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from hue_cli.metrics.ciede2000 import ciede2000

PSNR_CAP: Final = 100.0
"""dB of identical pictures: about what one wrong 8-bit value in a 256×256 picture costs (101 dB)."""

BLOB_CHROMA: Final = 40.0
"""Excess of C*ab over the truth from which a pixel belongs to a blob."""

_PIXELS = (1, 2, 3)


def mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over pixels and channels, ``(N,)`` ≥ 0."""
    return (prediction - target).square().mean(dim=_PIXELS)


def rmse(prediction: Tensor, target: Tensor) -> Tensor:
    """Root of the mean squared error of each photograph, ``(N,)`` ≥ 0."""
    return mse(prediction, target).sqrt()


def mae(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error over pixels and channels, ``(N,)`` ≥ 0."""
    return (prediction - target).abs().mean(dim=_PIXELS)


def psnr(prediction: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each photograph in dB, ``(N,)``, at most :data:`PSNR_CAP`."""
    floor = 10 ** (-PSNR_CAP / 10)
    return -10 * torch.log10(mse(prediction, target).clamp_min(floor))


def _largest_channel(rgb: Tensor) -> Tensor:
    """Index of the first of the largest channels, ``(N, H, W)``; ten times faster than ``argmax`` over a short axis."""
    r, g, b = rgb.unbind(1)
    return torch.where(b > torch.maximum(r, g), 2, (g > r).to(torch.int64))


def colorization_accuracy(prediction: Tensor, target: Tensor) -> Tensor:
    """Share of pixels whose largest channel is the truth's largest channel, ``(N,)`` in [0, 1].

    This is what Keras's ``accuracy`` becomes on an output that is a picture. Among equal channels the first
    counts (red before green before blue), so an all-grey picture answers "red" everywhere.
    """
    hit = _largest_channel(prediction) == _largest_channel(target)
    return hit.to(target.dtype).mean(dim=(1, 2))


def delta_e(prediction_lab: Tensor, target_lab: Tensor) -> Tensor:
    """Mean CIEDE2000 difference over pixels, ``(N,)`` ≥ 0; see :func:`hue_cli.metrics.ciede2000.ciede2000`."""
    return ciede2000(prediction_lab, target_lab).mean(dim=(1, 2))


def blobs(prediction_lab: Tensor, target_lab: Tensor) -> Tensor:
    """Share of pixels whose chroma C*ab exceeds the truth's by 40 or more, ``(N,)`` in [0, 1].

    Counts patches of loud colour where there is none; says nothing about colour that is missing.
    """
    painted, true = (torch.hypot(lab[:, 1], lab[:, 2]) for lab in (prediction_lab, target_lab))
    return (painted - true >= BLOB_CHROMA).to(target_lab.dtype).mean(dim=(1, 2))


def _opponents(rgb: Tensor) -> Tensor:
    """Red-green and yellow-blue of each pixel in 8-bit units, ``(N, 2, H·W)``."""
    r, g, b = (rgb * 255).flatten(2).unbind(1)
    return torch.stack([r - g, (r + g) / 2 - b], dim=1)


def _spread_and_shift(opponents: Tensor) -> Tensor:
    """√(σ² + σ²) + 0.3 √(μ² + μ²) over the two opponents, ``(N,)``."""
    variance, mean = torch.var_mean(opponents, dim=2, correction=0)
    return variance.sum(dim=1).sqrt() + 0.3 * mean.square().sum(dim=1).sqrt()


def colorfulness(prediction: Tensor, _target: Tensor | None = None) -> Tensor:
    """Colourfulness M̂⁽³⁾ with signed opponents, as published, ``(N,)`` ≥ 0; about 15 is slight, 59 is strong.

    The truth is not looked at.

    References:
        Hasler and Süsstrunk (2003), "Measuring colourfulness in natural images", section 7.
    """
    return _spread_and_shift(_opponents(prediction))


def colorfulness_absolute(prediction: Tensor, _target: Tensor | None = None) -> Tensor:
    """Colourfulness with the opponents' absolute values, ``(N,)`` ≥ 0: what colorization papers print.

    It came into the field with CT2 and DDColor, whose scripts take |R − G| and |(R + G)/2 − B| before mean and
    deviation. The two variants rank pictures differently and must not be compared with each other.
    """
    return _spread_and_shift(_opponents(prediction).abs())
