"""Which photos a run trains on, and which it validates on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch

from hue_cli.data.datasets import Dataset
from hue_cli.data.photo_set import Photos, hold_out
from hue_cli.data.photo_stream import open_photos
from hue_cli.data.photos import locate
from hue_cli.errors import DatasetError
from hue_cli.recipes.schema import Split
from hue_cli.train.device import free_bytes

VALIDATION_PHOTOS = 500
"""At most so many; the paper's number."""


class Listener(Protocol):
    """Who is told how reading goes; part of :class:`hue_cli.train.run.Listener`."""

    def note(self, text: str) -> None:
        """Say something that matters."""

    def warn(self, text: str) -> None:
        """Say that something is not as it should be."""

    def loading(self, count: int) -> None:
        """So many photos have been decoded."""


class RunPhotos:
    """A data set divided: validation photos are its own, or held out of those for training, by name.

    Args:
        dataset: where the photos lie.
        split: the recipe's; says how many are held out, and of other numbers of photos how large a share.
        limit: take so many at most.
        device: the training device.
        processes: that share the memory of a CPU.
        listener: told what is read, and what is left out.

    Raises:
        DatasetError: there are too few photos to hold one out, or a source cannot be read.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        *,
        limit: int | None,
        device: torch.device,
        listener: Listener,
        processes: int = 1,
    ) -> None:
        self._dataset = dataset
        self._limit = limit
        self._device = device
        self._processes = processes
        self._listener = listener
        self._held: frozenset[str] = frozenset()
        if not dataset.val:
            names = [place.name for place in locate(dataset.train)]
            if len(names) < 2:
                raise DatasetError(
                    f"{dataset.name}: expected two colour photos or more, one of them to validate, found {len(names)}. "
                    "Add photos, or name some to validate on with --val."
                )
            self._held = hold_out(names, max(1, round(len(names) * split.val / (split.train + split.val))))

    def for_training(self, size: int) -> Photos:
        """Open the photos to train on, their short side at ``size`` pixels."""
        return self._open(self._dataset.train, size, self._limit, lambda name: name not in self._held)

    def for_validation(self, size: int) -> Photos:
        """Open the photos to validate on, :data:`VALIDATION_PHOTOS` at most, their short side at ``size`` pixels."""
        limit = min(VALIDATION_PHOTOS, self._limit or VALIDATION_PHOTOS)
        sources = self._dataset.val or self._dataset.train
        return self._open(sources, size, limit, lambda name: not self._held or name in self._held)

    def _open(self, sources: Sequence[Path], size: int, limit: int | None, keep: Callable[[str], bool]) -> Photos:
        return open_photos(
            sources,
            short_side=size,
            device=self._device,
            free_bytes=free_bytes(self._device, self._processes),
            keep=keep,
            limit=limit,
            on_photo=self._listener.loading,
            on_bad=lambda name, reason: self._listener.warn(f"left out {name}: {reason}"),
            on_stream=self._listener.note,
        )
