"""The rules under which photographs are scored, by name and version.

Numbers compare only under the same rules, so a rule that changes a number changes the version.
``docs/evaluation.md`` says the same in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Pixels = NDArray[np.uint8]


class Treatment(StrEnum):
    """What becomes of a network's output before it is scored."""

    AS_USED = "as used"
    """The photograph keeps its own lightness and takes a* and b* from the network: what `hue colorize` writes."""
    RAW = "raw"
    """The picture as the network painted it, with a lightness of its own: what papers score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a photograph is prepared and compared.

    Attributes:
        name: with its version, as printed beside every score.
        side: longest short side, in pixels, at which photographs are scored.
        rules: in sentences, for reports.
    """

    name: str
    side: int
    rules: tuple[str, ...]

    def prepare(self, image: Image.Image) -> Pixels:
        """Bring an upright RGB photograph to the size at which it is scored, ``(H, W, 3)``.

        Larger photographs are reduced, aspect kept; smaller ones stay as they are, because pixels made up by
        enlargement would be scored as truth.
        """
        scale = self.side / min(image.size)
        if scale < 1:
            width, height = (max(1, round(side * scale)) for side in image.size)
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        return np.array(image.convert("RGB"))


HUE_256 = Protocol(
    name="hue-256-v1",
    side=256,
    rules=(
        "Photos whose short side is over 256 pixels are reduced to it (Lanczos), aspect kept; no crop, no enlargement.",
        "As used: what hue colorize writes; the network works at its own size, the photo's lightness is kept.",
        "Raw: what the network painted, its own lightness included.",
        "Predictions are rounded to 8 bits and compared in sRGB; metrics are taken photo by photo, then averaged.",
    ),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """True photographs of one size.

    Attributes:
        names: one a photograph.
        pixels: ``(N, H, W, 3)`` uint8 sRGB.
        places: of the photographs in the data set, from 0; empty where they are of none.
    """

    names: tuple[str, ...]
    pixels: Pixels
    places: tuple[int, ...] = ()


def to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    """Return 8-bit pictures ``(N, H, W, 3)`` as ``(N, 3, H, W)`` float32 in [0, 1], as metrics take them."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32).contiguous() / 255
