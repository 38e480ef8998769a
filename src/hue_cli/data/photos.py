"""Colour photos out of folders, tars and single files, decoded one at a time.

Tars are never unpacked, so a name such as ``../x`` has no power; links in them are passed over. What
cannot be decoded is handed to ``on_bad`` and left out.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps, UnidentifiedImageError

from hue_cli.errors import DatasetError, ImageError
from hue_cli.images.decoders import MAX_PIXELS, allow_pixels

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".gif"})
MAX_BYTES = 200 * 2**20
"""A larger file is no photo to train on."""
MAX_MEGAPIXELS = 128
"""Nor is a larger picture; several threads decode at once, each three bytes a pixel."""

# Loaded now, because Pillow would do so at the first photo, in several threads at once.
Image.init()
# Those of SUFFIXES that this build of Pillow has. By itself it also tries formats that start other programs.
_FORMATS = tuple(form for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", "GIF") if form in Image.OPEN)
# Pillow's bound, which warns and raises at other sizes than MAX_MEGAPIXELS, is the one that all of hue reads with.
allow_pixels(MAX_PIXELS)

T = TypeVar("T")


def _ignore(_name: str, _reason: str) -> None:
    """Leave a bad photo out without a word."""


def _all(_name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Place:
    """Where one encoded photo lies.

    Attributes:
        name: path below its folder, or ``TAR:MEMBER``.
        path: the file, or the tar that holds it.
        offset: of its first byte; None in a compressed tar, which can only be read in order.
        size: in bytes.
    """

    name: str
    path: Path
    offset: int | None
    size: int

    def read(self) -> bytes:
        """Return the encoded photo.

        Raises:
            OSError: the file cannot be read, or the tar is compressed.
        """
        if self.offset is None:
            raise OSError(f"{self.path} is compressed and can only be read in order")
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def locate(
    sources: Sequence[Path],
    *,
    keep: Callable[[str], bool] = _all,
    on_bad: Callable[[str, str], None] = _ignore,
) -> Iterator[Place]:
    """Yield the place of every picture file, in a stable order, without reading any.

    Args:
        sources: folders, tars or single photos.
        keep: chooses by name.
        on_bad: called with name and reason for every file that is left out.

    Raises:
        DatasetError: a source does not exist, or a tar is damaged.
    """
    for place in _places(sources):
        if not keep(place.name):
            continue
        if place.size > MAX_BYTES:
            on_bad(place.name, _too_large(place.size))
            continue
        yield place


def _places(sources: Sequence[Path]) -> Iterator[Place]:
    for source in sources:
        if source.is_dir():
            for path in sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES):
                size = _size(path)
                if size is not None:
                    yield Place(path.relative_to(source).as_posix(), path, 0, size)
        elif _is_tar(source):
            yield from _tar_places(source)
        else:
            size = _size(source)
            if size is None:
                raise DatasetError(
                    f"{source}: expected a folder of photos, a tar or a photo, found nothing there. "
                    "Give a path that exists, or a data set's name."
                )
            yield Place(source.name, source, 0, size)


def _size(path: Path) -> int | None:
    """Return a file's size; None where there is no regular file, or none that may be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _is_tar(source: Path) -> bool:
    return source.suffix.lower() not in SUFFIXES and _size(source) is not None


def _tar_places(path: Path) -> Iterator[Place]:
    with _reading(path):
        plain = _is_plain(path)
        with tarfile.open(path, "r:" if plain else "r|*") as tar:
            for name, member in _pictures(tar, path):
                yield Place(name, path, member.offset_data if plain else None, member.size)
            if plain:
                _check_end(tar)


def _pictures(tar: tarfile.TarFile, path: Path) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield name and header of the regular files that look like pictures; links and devices are none."""
    for member in tar:
        if member.isreg() and not member.issparse() and Path(member.name).suffix.lower() in SUFFIXES:
            yield f"{path.name}:{member.name}", member


def _is_plain(path: Path) -> bool:
    """Tell whether the members of a tar lie in the file as they are, not compressed."""
    try:
        with tarfile.open(path, "r:"):
            return True
    except tarfile.ReadError:
        return False


def _check_end(tar: tarfile.TarFile) -> None:
    """Raise if what follows the last member is no end mark: ``tarfile`` takes a damaged header for the end."""
    file = tar.fileobj
    assert file is not None
    file.seek(tar.offset)
    block = file.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0") or len(block) % tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"no header and no end mark at byte {tar.offset:,}")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what a damaged tar raises into a sentence."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DatasetError(
            f"{path}: expected a readable tar, found a damaged one ({error}). Fetch or make it again."
        ) from error


def _in_order(
    path: Path, keep: Callable[[str], bool], on_bad: Callable[[str, str], None]
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the pictures in a compressed tar."""
    with _reading(path), tarfile.open(path, "r|*") as tar:
        for name, member in _pictures(tar, path):
            if not keep(name):
                continue
            if member.size > MAX_BYTES:
                on_bad(name, _too_large(member.size))
                continue
            stream = tar.extractfile(member)
            if stream is not None:
                yield name, stream.read()


def _too_large(size: int) -> str:
    return f"{size >> 20} MiB, more than the {MAX_BYTES >> 20} of a photo"


def iter_encoded(
    sources: Sequence[Path],
    *,
    keep: Callable[[str], bool] = _all,
    on_bad: Callable[[str, str], None] = _ignore,
) -> Iterator[tuple[str, bytes]]:
    """Yield ``(name, encoded bytes)`` of every picture file, in the order of :func:`locate`.

    Args:
        sources: folders, tars or single photos.
        keep: chooses by name.
        on_bad: called with name and reason for every file that is left out.

    Raises:
        DatasetError: a source does not exist, or a tar is damaged.
    """
    for source in sources:
        if _is_tar(source) and not _is_plain(source):
            yield from _in_order(source, keep, on_bad)
            continue
        for place in locate([source], keep=keep, on_bad=on_bad):
            try:
                data = place.read()
            except OSError as error:
                on_bad(place.name, error.strerror or str(error))
                continue
            yield place.name, data


def decode(data: bytes, long_side: int | None = None) -> Image.Image:
    """Decode one picture to upright RGB.

    Args:
        data: the file.
        long_side: pixels that it will be reduced to; a large JPEG is then decoded at an eighth, a quarter or half of
            its size, twice that or more, which takes a fraction of the time.

    Raises:
        ImageError: the bytes are not a whole picture of a sane size.
    """
    with _opened(data) as image:
        if long_side is not None and max(image.size) > 2 * long_side:
            scale = 2 * long_side / max(image.size)
            image.draft(None, (round(image.width * scale), round(image.height * scale)))
        upright = ImageOps.exif_transpose(image)
        # Palettes with transparent entries go over RGBA, or Pillow warns.
        return (upright.convert("RGBA") if "transparency" in upright.info else upright).convert("RGB")


def measure(data: bytes) -> tuple[int, int]:
    """Return a picture's width and height as its header says, without decoding it.

    Raises:
        ImageError: the bytes are not a picture of a sane size.
    """
    with _opened(data) as image:
        return image.size


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open one picture of a sane size; turn whatever decoders raise into one error."""
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.size)
            yield image
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError:  # beyond the bound that reading photographs of any kind has set
        raise ImageError(f"more than {MAX_MEGAPIXELS} megapixels") from None
    except UnidentifiedImageError:
        raise ImageError("no picture in a format that hue reads") from None
    except Exception as error:  # decoders raise anything on damaged files: SyntaxError, struct.error, IndexError …
        raise ImageError(f"the file is damaged ({error})") from error


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_MEGAPIXELS * 1_000_000:
        raise ImageError(f"{size[0]}×{size[1]} pixels, more than {MAX_MEGAPIXELS} megapixels")


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
        keep: chooses by name, before anything is read.
        limit: stop after so many photos.
        workers: number of threads.
        on_bad: called with name and reason for every file that is left out.

    Raises:
        DatasetError: a source does not exist, or a tar is damaged.
    """

    def work(data: bytes) -> T:
        return convert(decode(data))

    with ThreadPoolExecutor(workers) as pool:
        queue: deque[tuple[str, Future[T]]] = deque()
        encoded = iter_encoded(sources, keep=keep, on_bad=on_bad)
        yielded = 0
        while limit is None or yielded < limit:
            queue.extend((name, pool.submit(work, data)) for name, data in islice(encoded, 4 * workers - len(queue)))
            if not queue:
                return
            name, future = queue.popleft()
            try:
                result = future.result()
            except (ImageError, ValueError) as error:
                on_bad(name, str(error))
                continue
            yielded += 1
            yield name, result
