"""Writing pictures: encoding them, and never leaving half of one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.errors import ImageError
from hue_cli.images import deep
from hue_cli.images.lock import kept_locked, remove_if_abandoned, still_has_its_name, try_lock
from hue_cli.images.mark import marked
from hue_cli.images.photo import Metadata, Plane, holds_16_bits, holds_alpha

DEFAULT_QUALITY = 92

_PNG_LEVEL = 4
_EXIF_LIMIT_JPEG = 65_533 - 2
_PART_PREFIX, _PART_SUFFIX = ".hue-", ".part"


def encode(
    rgb: NDArray[Any],
    stream: BinaryIO,
    *,
    image_format: str,
    alpha: Plane | None = None,
    metadata: Metadata | None = None,
    quality: int = DEFAULT_QUALITY,
) -> None:
    """Encode a picture, with hue's mark where the format has a place for it.

    Args:
        rgb: ``(H, W, 3)`` uint8, or uint16 where the format holds 16 bits.
        stream: seekable.
        image_format: a key of :data:`hue_cli.images.photo.WRITABLE`.
        alpha: ``(H, W)``; put on white where the format has no transparency.
        metadata: written along as far as the format takes it.
        quality: of JPEG and WebP, 1 to 100.
    """
    metadata = metadata or Metadata()
    metadata = replace(metadata, exif=marked(metadata.exif))
    if alpha is not None and not holds_alpha(image_format):
        rgb, alpha = _on_white(rgb, alpha), None
    if rgb.dtype == np.uint16 and holds_16_bits(image_format):
        _encode_deep(rgb, alpha, stream, image_format, metadata)
        return
    image = Image.fromarray(rgb)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha if alpha.dtype == np.uint8 else (alpha >> 8).astype(np.uint8)))
    image.save(stream, image_format, **_options(image_format, metadata, quality))


def _encode_deep(
    rgb: NDArray[np.uint16], alpha: Plane | None, stream: BinaryIO, image_format: str, metadata: Metadata
) -> None:
    if alpha is not None:
        wide = alpha if alpha.dtype == np.uint16 else alpha.astype(np.uint16) * np.uint16(257)
        rgb = np.dstack([rgb, wide])
    match image_format:
        case "PNG":
            deep.write_png(rgb, metadata, stream)
        case "TIFF":
            deep.write_tiff(rgb, metadata, stream)
        case _:
            deep.write_ppm(rgb, stream)


def _on_white(rgb: NDArray[Any], alpha: Plane) -> NDArray[Any]:
    share = (alpha / np.iinfo(alpha.dtype).max).astype(np.float32)[..., None]
    white = np.iinfo(rgb.dtype).max
    blended: NDArray[Any] = np.rint(rgb * share + white * (1 - share)).astype(rgb.dtype)
    return blended


def _options(image_format: str, metadata: Metadata, quality: int) -> dict[str, Any]:
    """Return Pillow's keyword arguments."""
    options: dict[str, Any] = {}
    if metadata.icc and image_format in ("JPEG", "PNG", "TIFF", "WEBP"):
        options["icc_profile"] = metadata.icc
    if metadata.dpi and image_format in ("JPEG", "PNG", "TIFF"):
        options["dpi"] = metadata.dpi
    if metadata.exif and image_format in ("JPEG", "PNG", "TIFF", "WEBP"):
        options["exif"] = metadata.exif
    match image_format:
        case "JPEG":
            if len(options.get("exif", b"")) > _EXIF_LIMIT_JPEG:
                options["exif"] = marked(None)
            # From 95 on a person asks for the best: no halving of the colour's resolution.
            options |= {"quality": quality, "subsampling": 0 if quality >= 95 else 2}
        case "WEBP":
            options["quality"] = quality
        case "PNG":
            options["compress_level"] = _PNG_LEVEL
        case "TIFF":
            options["compression"] = metadata.compression or "tiff_adobe_deflate"
    return options


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the path's place when the block ends well, and vanishes when not.

    It lies in the same folder, so that the exchange is one step; its name is short, whatever the path's is.

    Raises:
        ImageError: the folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part, stream = _open_part(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        # Renamed while it is locked, and after it was closed: network file systems report a full disk only then.
        with kept_locked(stream.fileno()):
            with stream:
                yield stream
            part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def _open_part(folder: Path) -> tuple[Path, BinaryIO]:
    """Make a temporary file, locked until it is closed, so that other runs know that it is being written."""
    while True:
        # Drawn, not counted: numbers of processes repeat in containers, and several may share a folder.
        part = folder / f"{_PART_PREFIX}{secrets.token_hex(8)}{_PART_SUFFIX}"
        stream = part.open("x+b")
        if try_lock(stream.fileno()) is not False and still_has_its_name(stream.fileno(), part):
            return part, stream
        stream.close()  # another run took it for abandoned, in the moment before it was locked


def _unwritable(path: Path, error: OSError) -> ImageError:
    return ImageError(f"{path}: cannot be written ({error.strerror or error}).")


def remove_stale_parts(folder: Path) -> None:
    """Remove temporary files that killed runs left in a folder."""
    with suppress(OSError):
        for part in folder.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
            remove_if_abandoned(part)
