"""Photos held ready for training: decoded once, cropped in batches on the training device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from hue_cli.data.photos import map_photos
from hue_cli.data.splits import rank
from hue_cli.errors import DatasetError

LONG_SIDE = 1.5
"""Photos are cut to this many times their short side; what lies beyond is seldom the subject."""
SLIVER = 4
"""Photos longer than so many times their short side are cut before they are resized; think of 1×65,535 pixels."""


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

    def share(self, number: int, of: int) -> Draw:
        """Return share ``number``, from 0, of ``of`` that are as large as each other, but for one photo."""
        index, place, flip = (each.tensor_split(of)[number] for each in (self.index, self.place, self.flip))
        return Draw(index, place, flip, self.zoom)


class Photos(Protocol):
    """Photos to train or validate on, whether held or decoded as they are needed."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each photo, as :func:`hue_cli.data.photos.locate` gives it."""
        ...

    def __len__(self) -> int:
        """Return the number of photos."""
        ...

    def crops(self, draw: Draw, size: int) -> Tensor:
        """Cut a batch of squares.

        Args:
            draw: which photos, where and how.
            size: side of the result in pixels.

        Returns:
            ``(N, 3, size, size)`` float32, sRGB in [0, 1], on the training device.
        """
        ...

    def digest(self) -> str:
        """SHA-256 of the sorted names: which photos these are."""
        ...


def fit(image: Image.Image, short_side: int) -> Tensor:
    """Bring a photo's short side to ``short_side`` and cut its long side; ``(H, W, 3)`` uint8."""
    longest = SLIVER * min(image.size)
    if max(image.size) > longest:
        image = _middle(image, longest)
    scale = short_side / min(image.size)
    width, height = (max(short_side, round(side * scale)) for side in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return torch.from_numpy(np.array(_middle(image, int(short_side * LONG_SIDE))))


def _middle(image: Image.Image, longest: int) -> Image.Image:
    """Cut the middle out of an image, neither side longer than ``longest``."""
    width, height = image.size
    left, top = max(0, width - longest) // 2, max(0, height - longest) // 2
    return image.crop((left, top, left + min(width, longest), top + min(height, longest)))


def cut(photos: Iterable[Tensor], draw: Draw, size: int, device: torch.device) -> Tensor:
    """Cut a square out of each of ``photos``, which ``draw`` drew; see :meth:`Photos.crops`.

    Args:
        photos: ``(H, W, 3)`` uint8 each, in the order of the draw.
        draw: where and how.
        size: side of the result in pixels.
        device: where the result is made.
    """
    crops = []
    for photo, (down, across) in zip(photos, draw.place.tolist(), strict=True):
        height, width, _ = photo.shape
        side = max(1, round(min(height, width) * draw.zoom))
        top, left = round((height - side) * down), round((width - side) * across)
        crops.append(photo[top : top + side, left : left + side])
    batch = torch.stack(crops).to(device).permute(0, 3, 1, 2).float().div_(255)
    flip = draw.flip.to(device)[:, None, None, None]
    batch = torch.where(flip, batch.flip(3), batch)
    if batch.shape[-1] != size:
        batch = F.interpolate(batch, (size, size), mode="bicubic", antialias=True).clamp_(0, 1)
    return batch


def digest_of(names: Iterable[str]) -> str:
    """SHA-256 of the sorted names."""
    return hashlib.sha256("\n".join(sorted(names)).encode(errors="surrogateescape")).hexdigest()


class PhotoSet:
    """Photos held as uint8 tensors on the training device, each ``(H, W, 3)`` with the same short side.

    21,668 photos of 176 pixels take about 2.5 GB.
    """

    def __init__(self, photos: Sequence[Tensor], names: Sequence[str], device: torch.device) -> None:
        self.names = list(names)
        self._photos = list(photos)
        self._device = device

    def __len__(self) -> int:
        """See :class:`Photos`."""
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
        photos: list[Tensor] = []
        names: list[str] = []
        try:
            for name, photo in map_photos(
                sources, lambda image: fit(image, short_side), on_bad=on_bad, keep=keep, limit=limit
            ):
                photos.append(photo.to(device))
                names.append(name)
                on_photo(len(names))
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise DatasetError(
                f"{len(names)} photos of {short_side} pixels do not fit in the memory of {device}. "
                "Take fewer with --max-images, or smaller ones with --size."
            ) from error
        if not names:
            raise none_found(sources)
        return cls(photos, names, device)

    def digest(self) -> str:
        """See :meth:`Photos.digest`."""
        return digest_of(self.names)

    def crops(self, draw: Draw, size: int) -> Tensor:
        """See :meth:`Photos.crops`."""
        return cut([self._photos[index] for index in draw.index.tolist()], draw, size, self._device)


def none_found(sources: Sequence[Path]) -> DatasetError:
    """Return the error for sources without a photo."""
    found = ", ".join(map(str, sources))
    return DatasetError(f"{found}: expected colour photos, found none that can be read. Name others with --dataset.")


def hold_out(names: Iterable[str], count: int) -> frozenset[str]:
    """Return the ``count`` names that belong to validation: those of the smallest hash, so that every run agrees.

    A name that is added or taken away moves one other name at most across the line.
    """
    return frozenset(sorted(set(names), key=rank)[:count])
