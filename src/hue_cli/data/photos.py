"""Colour photos out of folders, tars and single files, decoded one at a time.

Tars are read in order and never unpacked, so a name such as ``../x`` has no power. What cannot be
decoded is handed to ``on_bad`` and left out.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps

from hue_cli.errors import DatasetError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".gif"})
MAX_BYTES = 200 * 2**20
"""A larger file is no photo to train on."""

T = TypeVar("T")


def _ignore(_name: str, _reason: str) -> None:
    """Leave a bad photo out without a word."""


def _all(_name: str) -> bool:
    return True


def _in_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        # "r|*" streams: members come in file order and nothing is looked up by name.
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                if not member.isfile() or Path(member.name).suffix.lower() not in SUFFIXES or member.size > MAX_BYTES:
                    continue
                stream = tar.extractfile(member)
                if stream is not None:
                    yield f"{path.name}:{member.name}", stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DatasetError(f"{path}: expected a readable tar, found a damaged one ({error}).") from error


def iter_encoded(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield ``(name, encoded bytes)`` of every picture file, in a stable order.

    Raises:
        DatasetError: a source does not exist, or a tar is damaged.
    """
    for source in sources:
        if source.is_dir():
            files = (p for p in source.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            for path in sorted(files):
                if path.stat().st_size <= MAX_BYTES:
                    yield path.relative_to(source).as_posix(), path.read_bytes()
        elif source.is_file() and source.suffix.lower() in SUFFIXES:
            yield source.name, source.read_bytes()
        elif source.is_file():
            yield from _in_tar(source)
        else:
            raise DatasetError(
                f"{source}: expected a folder of photos, a tar or a photo, found nothing there. "
                "Give a path that exists, or a data set's name."
            )


def decode(data: bytes) -> Image.Image:
    """Decode one picture to upright RGB.

    Raises:
        OSError, ValueError, Image.DecompressionBombError: the bytes are not a whole picture of a sane size.
    """
    with Image.open(BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def map_photos(
    sources: Sequence[Path],
    convert: Callable[[Image.Image], T],
    *,
    keep: Callable[[str], bool] = _all,
    limit: int | None = None,
    workers: int = 4,
    on_bad: Callable[[str, str], None] = _ignore,
) -> Iterator[tuple[str, T]]:
    """Yield ``(name, convert(photo))`` in order, decoding ahead in threads by a bounded amount.

    Args:
        sources: folders, tars or single photos.
        convert: runs in the threads, on an upright RGB image.
        keep: chooses by name, before anything is decoded.
        limit: stop after so many photos.
        workers: number of threads.
        on_bad: called with name and reason for every file that is left out.
    """

    def work(data: bytes) -> T:
        return convert(decode(data))

    with ThreadPoolExecutor(workers) as pool:
        queue: list[tuple[str, Future[T]]] = []
        encoded = ((name, data) for name, data in iter_encoded(sources) if keep(name))
        yielded = 0
        while limit is None or yielded < limit:
            queue += [(name, pool.submit(work, data)) for name, data in islice(encoded, 4 * workers - len(queue))]
            if not queue:
                return
            name, future = queue.pop(0)
            try:
                result = future.result()
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
                on_bad(name, str(error))
                continue
            yielded += 1
            yield name, result


def iter_photos(
    sources: Sequence[Path],
    *,
    limit: int | None = None,
    workers: int = 4,
    on_bad: Callable[[str, str], None] = _ignore,
) -> Iterator[tuple[str, Image.Image]]:
    """Yield ``(name, upright RGB image)``; see :func:`map_photos`."""
    return map_photos(sources, lambda image: image, limit=limit, workers=workers, on_bad=on_bad)
