"""Figures for the curve while a run goes on; ``hue eval`` gives those for the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hue_cli.color import lab_torch
from hue_cli.data.photo_set import Draw, PhotoSet
from hue_cli.losses.regression import MSSSIM_MINIMUM, msssim
from hue_cli.models.colorizer import Colorizer

BATCH = 25


@dataclass(frozen=True, slots=True)
class Painted:
    """One batch of validation, all sRGB ``(N, 3, H, W)`` in [0, 1]: the truth, its grey, the network's own
    picture, and the picture as used, with the photograph's lightness."""

    truth: Tensor
    grey: Tensor
    raw: Tensor
    used: Tensor


@torch.no_grad()
def paint(colorizer: Colorizer, photos: PhotoSet, size: int, limit: int | None = None) -> Iterator[Painted]:
    """Colorize the middle of each photo, ``size`` pixels square, from its lightness alone."""
    for index in torch.arange(min(len(photos), limit or len(photos))).split(BATCH):
        truth = photos.crops(Draw.centred(index), size)
        lightness = lab_torch.rgb_to_lightness(truth)
        ab, raw = colorizer.paint(lightness)
        used = lab_torch.lab_to_rgb(torch.cat([lightness, ab], dim=1))
        grey = lab_torch.lightness_to_grey(lightness).expand(-1, 3, -1, -1)
        yield Painted(truth, grey, raw, used)


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    return -10 * ((a - b) ** 2).mean(dim=(1, 2, 3)).clamp_min(1e-10).log10()


def _colourfulness_abs(rgb: Tensor) -> Tensor:
    """The absolute-value variant that papers print, ``(N,)``, of sRGB on the scale of 255."""
    r, g, b = (rgb * 255).unbind(1)
    rg, yb = (r - g).abs(), ((r + g) / 2 - b).abs()
    return _norm(rg.std((1, 2)), yb.std((1, 2))) + 0.3 * _norm(rg.mean((1, 2)), yb.mean((1, 2)))


def _norm(a: Tensor, b: Tensor) -> Tensor:
    return (a**2 + b**2).sqrt()


def validate(colorizer: Colorizer, photos: PhotoSet, size: int, limit: int | None = None) -> dict[str, float]:
    """Return the means over the validation photos.

    Keys: ``psnr`` (as used), ``psnr_over_grey``, ``cf_abs_share`` (of the truth's colourfulness), ``raw_mse``
    and, where ``size`` allows it, ``raw_msssim``.
    """
    sums: dict[str, Tensor] = {}
    for batch in paint(colorizer, photos, size, limit):
        figures = {
            "psnr": _psnr(batch.used, batch.truth),
            "psnr_grey": _psnr(batch.grey, batch.truth),
            "cf_abs": _colourfulness_abs(batch.used),
            "cf_abs_truth": _colourfulness_abs(batch.truth),
            "raw_mse": ((batch.raw - batch.truth) ** 2).mean(dim=(1, 2, 3)),
        }
        if size >= MSSSIM_MINIMUM:
            figures["raw_msssim"] = msssim(batch.raw, batch.truth)
        for name, values in figures.items():
            sums[name] = sums.get(name, values.new_zeros(())) + values.sum()
    count = min(len(photos), limit or len(photos))
    means = {name: float(total) / count for name, total in sums.items()}
    grey, truth = means.pop("psnr_grey"), means.pop("cf_abs_truth")
    share = means.pop("cf_abs") / truth if truth else 0.0
    return {**means, "psnr_over_grey": means["psnr"] - grey, "cf_abs_share": share}
