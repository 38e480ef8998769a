"""The steps of one photograph's way into colour; :mod:`hue_cli.infer.folder` runs them side by side."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError, ImageError
from hue_cli.images.photo import Photo, colour_format, holds_16_bits, holds_alpha
from hue_cli.images.read import read_photo
from hue_cli.images.resize import NetworkSize, crop_to_photo, network_input, network_size
from hue_cli.images.tint import tint
from hue_cli.images.write import DEFAULT_QUALITY, encode
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How photographs are colorized.

    Attributes:
        size: short side that the network sees; None takes the model's.
        strength: factor on a* and b*.
        quality: of JPEG and WebP, 1 to 100.
    """

    size: int | None = None
    strength: float = 1.0
    quality: int = DEFAULT_QUALITY


@dataclass(slots=True)
class Timings:
    """Seconds spent in each step, over all threads."""

    decode: float = 0.0
    network: float = 0.0
    colour: float = 0.0
    encode: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Add the time that the block takes to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                setattr(self, step, getattr(self, step) + time.perf_counter() - start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A photograph that is ready for the network.

    Attributes:
        name: for messages.
        photo: what was read.
        size: at which the network sees it.
        lightness: ``(1, padded height, padded width)`` float32, L* in [0, 100].
    """

    name: str
    photo: Photo
    size: NetworkSize
    lightness: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """Padded height and width: what photographs of one batch have in common."""
        return self.size.padded_height, self.size.padded_width


class Steps:
    """The steps, bound to a model and settings; safe to use from several threads.

    Attributes:
        session: the model.
        timings: what each step has taken so far.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self.timings = Timings()
        self.session = session
        self._settings = settings
        self._threads = usable_cores()

    def prepare(self, source: Path | bytes, name: str | None = None) -> Prepared:
        """Read a photograph and scale its lightness for the network.

        Raises:
            ImageError: it cannot be read.
        """
        rule = self.session.contract
        with self.timings.measure("decode"):
            photo = read_photo(source, name)
        with self.timings.measure("colour"):
            size = network_size(
                *photo.size,
                size=self._settings.size or rule.size,
                multiple_of=rule.multiple_of,
                minimum=rule.minimum,
            )
            lightness = network_input(photo.grey, size)
        return Prepared(name=name or str(source), photo=photo, size=size, lightness=lightness)

    def predict(self, batch: Sequence[Prepared]) -> list[NDArray[np.float32] | HueError]:
        """Run the network on photographs of one padded shape.

        Returns:
            For each, ``(2, h, w)`` float32 without padding, a* and b* in CIE units; or the error that it met.
            A batch that fails, for instance for want of memory, is tried again one by one.
        """
        try:
            with self.timings.measure("network"):
                ab = self.session.predict(np.stack([prepared.lightness for prepared in batch]))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            if len(batch) > 1:
                return [result for prepared in batch for result in self.predict([prepared])]
            return [ImageError(f"{batch[0].name}: the network failed on it ({str(error).strip()[:300]}).")]
        return [self._checked(prepared, one) for prepared, one in zip(batch, ab, strict=True)]

    @staticmethod
    def _checked(prepared: Prepared, ab: NDArray[np.float32]) -> NDArray[np.float32] | HueError:
        if not np.isfinite(ab).all():
            return ImageError(f"{prepared.name}: the network gave values that are not finite; try another --size.")
        return crop_to_photo(ab, prepared.size)

    def paint(self, prepared: Prepared, ab: NDArray[np.float32], image_format: str) -> NDArray[Any]:
        """Return the colour picture, ``(H, W, 3)`` uint8, or uint16 where photograph and format have 16 bits."""
        depth = prepared.photo.depth if holds_16_bits(image_format) else 8
        with self.timings.measure("colour"):
            return tint(prepared.photo.grey, ab, strength=self._settings.strength, depth=depth, threads=self._threads)

    def encode(self, prepared: Prepared, rgb: NDArray[Any], stream: BinaryIO, image_format: str) -> None:
        """Encode a picture with the photograph's transparency and metadata.

        Raises:
            ImageError: the format cannot hold it.
            OSError: the stream cannot be written.
        """
        photo = prepared.photo
        with self.timings.measure("encode"):
            try:
                encode(
                    rgb,
                    stream,
                    image_format=image_format,
                    alpha=photo.alpha,
                    metadata=photo.metadata,
                    quality=self._settings.quality,
                )
            except (ValueError, OverflowError) as error:
                raise ImageError(f"{prepared.name}: cannot be written as {image_format} ({error}).") from error

    def compare(self, prepared: Prepared, rgb: NDArray[Any]) -> tuple[Prepared, NDArray[Any]]:
        """Return the grey photograph and its colour version side by side, and what it takes to encode them."""
        grey = prepared.photo.grey
        if grey.dtype != rgb.dtype:
            grey = (grey >> 8).astype(np.uint8) if rgb.dtype == np.uint8 else grey.astype(np.uint16) * np.uint16(257)
        alpha: Any = prepared.photo.alpha
        photo = replace(prepared.photo, alpha=None if alpha is None else np.hstack([alpha, alpha]))
        return replace(prepared, photo=photo), np.hstack([np.repeat(grey[..., None], 3, axis=2), rgb])


def losses(prepared: Prepared, image_format: str) -> Iterator[str]:
    """Say what of the photograph the format of the result cannot hold."""
    if prepared.photo.depth == 16 and not holds_16_bits(image_format):
        yield f"{prepared.name}: has 16 bits a channel; {image_format} holds 8 of them."
    if prepared.photo.alpha is not None and not holds_alpha(image_format):
        yield f"{prepared.name}: is transparent in parts; {image_format} shows white there."


def colorize_bytes(
    steps: Steps, source: Path | bytes, image_format: str | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Colorize one photograph in memory.

    Args:
        steps: bound to a model.
        source: path or content of the photograph.
        image_format: Pillow's name; None keeps the photograph's where it holds colour, else PNG.

    Returns:
        The encoded picture, and warnings about it.

    Raises:
        ImageError: it cannot be read, colorized or written.
    """
    prepared = steps.prepare(source)
    (ab,) = steps.predict([prepared])
    if isinstance(ab, HueError):
        raise ab
    chosen = image_format or colour_format(prepared.photo.image_format)
    stream = io.BytesIO()
    steps.encode(prepared, steps.paint(prepared, ab, chosen), stream, chosen)
    return stream.getvalue(), (*prepared.photo.warnings, *losses(prepared, chosen))
