"""How boldly a regression is used: a factor on its chroma, chosen on validation photos.

A network that is trained to be near the truth on average paints what is certain in colour and the rest in grey, and
its whole picture looks brown. A little more chroma costs it next to nothing in fidelity. Networks that paint RGB
have two pictures anyway, the one that their papers score and the one that keeps the photograph's lightness; only the
second, hue's own, is made bolder.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hue_cli.color import lab_torch
from hue_cli.data.photo_set import Draw, Photos
from hue_cli.metrics import functional as metrics
from hue_cli.models.colorizer import Colorizer

GAINS = tuple(step / 20 for step in range(20, 41))
"""1 to 2: bolder than it paints by itself, or as bold."""
BEARABLE = 0.1
"""Decibels of PSNR that it may cost."""
BATCH = 16


@dataclass(frozen=True, slots=True)
class Boldness:
    """The gain that was chosen, and what it does on the validation photos.

    Attributes:
        gain: factor on a* and b*.
        psnr: that it adds to the PSNR of the gain 1, in dB.
        colour_share: colourfulness in shares of the truth's.
        colour_share_before: likewise, of the gain 1.
    """

    gain: float
    psnr: float
    colour_share: float
    colour_share_before: float


@torch.no_grad()
def choose_gain(colorizer: Colorizer, photos: Photos, size: int, limit: int) -> Boldness:
    """Find the largest gain that costs no more than :data:`BEARABLE` against the best one.

    Args:
        colorizer: with a gain of 1.
        photos: to choose on; none that were trained on, none that it will be scored on.
        size: side of the squares that the network sees.
        limit: photos that are looked at.
    """
    psnrs, colours = torch.zeros(len(GAINS)), torch.zeros(len(GAINS))
    truths, count = 0.0, min(limit, len(photos))
    for index in torch.arange(count).split(BATCH):
        truth = photos.crops(Draw.centred(index), size)
        lightness = lab_torch.rgb_to_lightness(truth)
        ab = colorizer(lightness)
        truths += float(metrics.colorfulness_absolute(truth).sum())
        for at, gain in enumerate(GAINS):
            painted = lab_torch.lab_to_rgb(torch.cat([lightness, lab_torch.within_bounds(ab * gain)], dim=1))
            psnrs[at] += metrics.psnr(painted, truth).sum().cpu()
            colours[at] += metrics.colorfulness_absolute(painted).sum().cpu()
    psnrs /= count
    chosen = int(torch.nonzero(psnrs >= psnrs.max() - BEARABLE).max())
    shares = colours / truths if truths else torch.zeros_like(colours)
    return Boldness(
        gain=GAINS[chosen],
        psnr=float(psnrs[chosen] - psnrs[0]),
        colour_share=float(shares[chosen]),
        colour_share_before=float(shares[0]),
    )
