"""Photos held ready for training: decoded once, cropped in batches on the training device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from hue_cli.data.photos import map_photos
from hue_cli.errors import DatasetError

LONG_SIDE = 1.5
"""Photos are cut to this many times their short side; what lies beyond is seldom the subject."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The random choices for one batch.

    Attributes:
        index: ``(N,)`` int64, which photos.
        place: ``(N, 2)`` in [0, 1], where the crop lies between top and bottom, left and right.
        flip: ``(N,)`` bool, mirrored or not.
        zoom: side of the crop as a share of the photo's short side, in (0, 1]; one for the batch.
    """

    index: Tensor
    place: Tensor
    flip: Tensor
    zoom: float

    @classmethod
    def random(cls, index: Tensor, seed: int, zoom: tuple[float, float] = (0.65, 1.0)) -> Draw:
        """Draw for the photos ``index`` from a generator of its own, so that a resumed run draws the same."""
        generator = torch.Generator().manual_seed(seed)
        n = len(index)
        share = zoom[0] + (zoom[1] - zoom[0]) * float(torch.rand((), generator=generator))
        return cls(index, torch.rand(n, 2, generator=generator), torch.rand(n, generator=generator) < 0.5, share)

    @classmethod
    def centred(cls, index: Tensor) -> Draw:
        """Take the middle of the photos ``index``, whole and unmirrored."""
        n = len(index)
        return cls(index, torch.full((n, 2), 0.5), torch.zeros(n, dtype=torch.bool), 1.0)


def _fit(short_side: int) -> Callable[[Image.Image], np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """Return a function that brings a photo's short side to ``short_side`` and cuts its long side."""

    def fit(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        scale = short_side / min(image.size)
        width, height = (max(short_side, round(side * scale)) for side in image.size)
        if (width, height) != image.size:
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        longest = int(short_side * LONG_SIDE)
        left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
        return np.asarray(image.crop((left, top, left + min(width, longest), top + min(height, longest))))

    return fit


class PhotoSet:
    """Photos as one uint8 tensor on the training device, each ``(H, W, 3)`` with the same short side.

    21,668 photos of 176 pixels take about 2.5 GB.
    """

    def __init__(self, pixels: Tensor, shapes: Sequence[tuple[int, int]], names: Sequence[str]) -> None:
        self.pixels = pixels
        self.shapes = list(shapes)
        self.names = list(names)
        sizes = np.array([height * width * 3 for height, width in shapes], dtype=np.int64)
        self._starts = [0, *np.cumsum(sizes)[:-1].tolist()]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def load(
        cls,
        sources: Sequence[Path],
        *,
        short_side: int,
        device: torch.device,
        keep: Callable[[str], bool] = lambda _name: True,
        limit: int | None = None,
        on_photo: Callable[[int], None] = lambda _count: None,
        on_bad: Callable[[str, str], None] = lambda _name, _reason: None,
    ) -> PhotoSet:
        """Decode every photo of ``sources`` whose name ``keep`` accepts.

        Args:
            sources: folders, tars or single photos.
            short_side: in pixels; every photo is brought to it.
            device: where the pixels are held.
            keep: chooses by name.
            limit: stop after so many photos.
            on_photo: told the number of photos after each.
            on_bad: told name and reason of each file that is left out.

        Raises:
            DatasetError: there is no photo at all, or they do not fit in memory.
        """
        arrays: list[Tensor] = []
        shapes: list[tuple[int, int]] = []
        names: list[str] = []
        try:
            for name, array in map_photos(sources, _fit(short_side), on_bad=on_bad, keep=keep, limit=limit):
                arrays.append(torch.from_numpy(array.reshape(-1).copy()))
                shapes.append((array.shape[0], array.shape[1]))
                names.append(name)
                on_photo(len(names))
            if not names:
                found = ", ".join(map(str, sources))
                raise DatasetError(f"{found}: expected colour photos, found none that can be read.")
            pixels = torch.cat(arrays).to(device)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise DatasetError(
                f"{len(names)} photos of {short_side} pixels do not fit in the memory of {device}. "
                "Take fewer with --max-images, or smaller ones with --size."
            ) from error
        return cls(pixels, shapes, names)

    def digest(self) -> str:
        """SHA-256 of the sorted names: which photos these are."""
        return hashlib.sha256("\n".join(sorted(self.names)).encode()).hexdigest()

    def crops(self, draw: Draw, size: int) -> Tensor:
        """Cut a batch of squares.

        Args:
            draw: which photos, where and how.
            size: side of the result in pixels.

        Returns:
            ``(N, 3, size, size)`` float32, sRGB in [0, 1], on the device of the pixels.
        """
        crops = []
        for photo, (down, across) in zip(draw.index.tolist(), draw.place.tolist(), strict=True):
            height, width = self.shapes[photo]
            start = self._starts[photo]
            side = max(1, round(min(height, width) * draw.zoom))
            top, left = round((height - side) * down), round((width - side) * across)
            whole = self.pixels[start : start + height * width * 3].view(height, width, 3)
            crops.append(whole[top : top + side, left : left + side])
        batch = torch.stack(crops).permute(0, 3, 1, 2).float().div_(255)
        flip = draw.flip.to(batch.device)[:, None, None, None]
        batch = torch.where(flip, batch.flip(3), batch)
        if batch.shape[-1] != size:
            batch = F.interpolate(batch, (size, size), mode="bicubic", antialias=True).clamp_(0, 1)
        return batch


def is_held_out(name: str, share: float) -> bool:
    """Tell whether a photo belongs to validation: by a stable hash of its name, so that every run agrees."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") < share * 2**64
