"""Figures for the curve while a run goes on; ``hue eval`` gives those for the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hue_cli.color import lab_torch
from hue_cli.data.photo_set import Draw, Photos
from hue_cli.metrics import functional as metrics
from hue_cli.metrics.structure import MSSSIM_MINIMUM, ms_ssim
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.cost import cost_of
from hue_cli.recipes.schema import Recipe

BATCH = 25
CURVE_PHOTOS = 100
"""So many draw the curve, at most."""
RECORD_PHOTOS = 500
"""So many are validated on when training has ended, at most."""
CURVE_GMAC = 300.0
"""On a CPU the photos of the curve cost a network so much at most: some seconds of a few cores."""


@dataclass(frozen=True, slots=True)
class Painted:
    """One batch of validation, all sRGB ``(N, 3, H, W)`` in [0, 1].

    Attributes:
        truth: the photos.
        grey: the photos without their colour.
        raw: what the network painted, its own lightness included.
        used: what it painted, joined to the photo's lightness.
    """

    truth: Tensor
    grey: Tensor
    raw: Tensor
    used: Tensor


@torch.no_grad()
def paint(colorizer: Colorizer, photos: Photos, size: int, limit: int | None = None) -> Iterator[Painted]:
    """Colorize the middle of each photo, ``size`` pixels square, from its lightness alone."""
    for index in torch.split(torch.arange(min(len(photos), limit or len(photos))), BATCH):
        truth = photos.crops(Draw.centred(index), size)
        lightness = lab_torch.rgb_to_lightness(truth)
        ab, raw = colorizer.paint(lightness)
        used = lab_torch.lab_to_rgb(torch.cat([lightness, ab], dim=1))
        grey = lab_torch.lightness_to_grey(lightness).expand(-1, 3, -1, -1)
        yield Painted(truth, grey, raw, used)


def validate(colorizer: Colorizer, photos: Photos, size: int, limit: int | None = None) -> dict[str, float]:
    """Return the means over the validation photos.

    Keys: ``psnr`` (as used), ``psnr_over_grey``, ``cf_abs_share`` (of the truth's colourfulness), ``raw_mse``
    and, where ``size`` allows it, ``raw_msssim``.
    """
    sums: dict[str, Tensor] = {}
    for batch in paint(colorizer, photos, size, limit):
        figures = {
            "psnr": metrics.psnr(batch.used, batch.truth),
            "psnr_grey": metrics.psnr(batch.grey, batch.truth),
            "cf_abs": metrics.colorfulness_absolute(batch.used),
            "cf_abs_truth": metrics.colorfulness_absolute(batch.truth),
            "raw_mse": metrics.mse(batch.raw, batch.truth),
        }
        if size >= MSSSIM_MINIMUM:
            figures["raw_msssim"] = ms_ssim(batch.raw, batch.truth)
        for name, values in figures.items():
            sums[name] = sums.get(name, values.new_zeros(())) + values.sum()
    count = min(len(photos), limit or len(photos))
    means = {name: float(total) / count for name, total in sums.items()}
    grey, truth = means.pop("psnr_grey"), means.pop("cf_abs_truth")
    share = means.pop("cf_abs") / truth if truth else 0.0
    return {**means, "psnr_over_grey": means["psnr"] - grey, "cf_abs_share": share}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Validation of one run: always the same photos, as many as its network can paint in reasonable time.

    Attributes:
        colorizer: around the average of the weights.
        photos: to validate on.
        size: side of the squares, in pixels.
        curve_photos: how many of them draw the curve.
        record_photos: how many stand for the run when it has ended.
    """

    colorizer: Colorizer
    photos: Photos
    size: int
    curve_photos: int
    record_photos: int

    @classmethod
    def affordable(cls, recipe: Recipe, network: nn.Module, photos: Photos, device: torch.device) -> Exam:
        """Choose the numbers of photos; only on a CPU do they depend on what the network costs."""
        curve = CURVE_PHOTOS
        if device.type == "cpu":
            curve = min(curve, max(1, int(CURVE_GMAC / cost_of(recipe).gmac)))
        return cls(
            colorizer=Colorizer(network, recipe.space).eval(),
            photos=photos,
            size=recipe.stages[-1].size,
            curve_photos=min(curve, len(photos)),
            record_photos=min(RECORD_PHOTOS // CURVE_PHOTOS * curve, len(photos)),
        )

    def for_curve(self) -> dict[str, float]:
        """Return the figures of a point of the curve; see :func:`validate`."""
        return validate(self.colorizer, self.photos, self.size, self.curve_photos)

    def for_record(self) -> dict[str, float]:
        """Return the figures that stand for the run; see :func:`validate`."""
        return validate(self.colorizer, self.photos, self.size, self.record_photos)
