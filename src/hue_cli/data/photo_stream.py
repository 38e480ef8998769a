"""Photos that do not fit in memory: decoded when a batch asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from hue_cli.data.photo_set import LONG_SIDE, Draw, Photos, PhotoSet, cut, digest_of, fit, none_found
from hue_cli.data.photos import Place, decode, locate
from hue_cli.errors import DatasetError, ImageError

WORKERS = 4


class PhotoStream:
    """Photos of which only the places are kept: the interface and the crops of :class:`PhotoSet`.

    A photo that turns out to be unreadable is reported once, and the next one takes its place.
    """

    def __init__(
        self,
        places: Sequence[Place],
        *,
        short_side: int,
        device: torch.device,
        on_bad: Callable[[str, str], None] = lambda _name, _reason: None,
    ) -> None:
        self.names = [place.name for place in places]
        self._places = list(places)
        self._short_side = short_side
        self._device = device
        self._on_bad = on_bad
        self._bad: set[int] = set()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="photos")

    def __len__(self) -> int:
        """See :class:`~hue_cli.data.photo_set.Photos`."""
        return len(self.names)

    def digest(self) -> str:
        """See :meth:`hue_cli.data.photo_set.Photos.digest`."""
        return digest_of(self.names)

    def crops(self, draw: Draw, size: int) -> Tensor:
        """See :meth:`hue_cli.data.photo_set.Photos.crops`.

        Raises:
            DatasetError: no photo can be read any more.
        """
        ahead = [(index, self._submit(index)) for index in draw.index.tolist()]
        return cut([self._photo(index, future) for index, future in ahead], draw, size, self._device)

    def _submit(self, index: int) -> Future[Tensor]:
        return self._pool.submit(self._decode, self._places[index])

    def _decode(self, place: Place) -> Tensor:
        return fit(decode(place.read()), self._short_side)

    def _photo(self, index: int, future: Future[Tensor]) -> Tensor:
        """Return the photo that ``future`` decodes, or the next that can be read."""
        while True:
            try:
                return future.result()
            except (ImageError, OSError) as error:
                if index not in self._bad:
                    self._bad.add(index)
                    self._on_bad(self.names[index], str(error))
            if len(self._bad) == len(self):
                raise none_found([place.path for place in self._places[:1]])
            index = (index + 1) % len(self)
            future = self._submit(index)


def open_photos(
    sources: Sequence[Path],
    *,
    short_side: int,
    device: torch.device,
    free_bytes: int | None,
    keep: Callable[[str], bool] = lambda _name: True,
    limit: int | None = None,
    on_photo: Callable[[int], None] = lambda _count: None,
    on_bad: Callable[[str, str], None] = lambda _name, _reason: None,
    on_stream: Callable[[str], None] = lambda _reason: None,
) -> Photos:
    """Hold the photos on the device if half of its free memory takes them; stream them otherwise.

    Args:
        sources: folders, tars or single photos.
        short_side: in pixels; every photo is brought to it.
        device: where crops are made.
        free_bytes: of the device's memory; None where nobody knows, which counts as enough.
        keep: chooses by name.
        limit: take so many photos at most.
        on_photo: told the number of photos after each that is decoded.
        on_bad: told name and reason of each file that is left out.
        on_stream: told, in a sentence, that the photos are streamed and why.

    Raises:
        DatasetError: there is no photo at all, or they would have to be streamed out of a compressed tar.
    """
    refused: list[tuple[str, str]] = []
    places = list(islice(locate(sources, keep=keep, on_bad=lambda *bad: refused.append(bad)), limit))
    needed = len(places) * int(short_side * short_side * LONG_SIDE) * 3
    if free_bytes is None or 2 * needed <= free_bytes:
        return PhotoSet.load(
            sources, short_side=short_side, device=device, keep=keep, limit=limit, on_photo=on_photo, on_bad=on_bad
        )
    size = f"{len(places):,} photos of {short_side} pixels take up to {needed / 2**30:.1f} GiB"
    compressed = next((place.path for place in places if place.offset is None), None)
    if compressed:
        raise DatasetError(
            f"{compressed}: {size}, too much for {device}, and a compressed tar can only be read in order. "
            "Decompress it, or take fewer photos with --max-images."
        )
    for name, reason in refused:
        on_bad(name, reason)
    free = f"{free_bytes / 2**30:.1f}"
    on_stream(f"{size}, more than half of the {free} free on {device}: decoding them as they are needed")
    return PhotoStream(places, short_side=short_side, device=device, on_bad=on_bad)
