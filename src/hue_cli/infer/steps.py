"""The steps of one photograph's way into colour; :mod:`hue_cli.infer.folder` runs them side by side."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError, ImageError
from hue_cli.images.decoders import MAX_PIXELS, allow_pixels
from hue_cli.images.encode import Encoding, Picture, encode, encode_sequence, losses
from hue_cli.images.mark import Provenance
from hue_cli.images.photo import Photo, colour_format, holds_16_bits, holds_sequence
from hue_cli.images.read import read_photo, read_photos
from hue_cli.images.resize import Kernel, NetworkSize, crop_to_photo, network_input, network_size
from hue_cli.images.tint import DEFAULT_KERNEL, Painting, Rows
from hue_cli.images.tone import Tone, tint_at
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.room import Room
from hue_cli.infer.session import Session

_PIXELS_AT_ONCE = 1 << 22
"""That the network sees, in runs side by side: 80 photographs at the usual size, or two with ``--size 1024``."""


class IfColour(StrEnum):
    """What is done with a photograph that is in colour already."""

    RECOLOR = "recolor"
    """It gets new colours, from its lightness."""
    SKIP = "skip"
    """It is left out."""
    KEEP = "keep"
    """It is copied as it is."""


class InColourError(HueError):
    """A page or picture behind the first is in colour already, so that the file gets no new colours after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How photographs are colorized.

    Attributes:
        size: short side that the network sees; None takes the model's.
        strength: factor on a* and b*.
        kernel: by which a* and b* are brought to the photograph's size.
        max_pixels: larger photographs are refused.
        quality: of formats that lose something, 1 to 100; None is hue's, or the photograph's where that is finer.
        if_colour: what is done with photographs that are in colour already.
        keeps_tone: a toned photograph keeps its tint below the new colours.
        keeps_times: results get their photographs' times of access and change.
        provenance: said of results in their metadata; None says nothing.
    """

    size: int | None = None
    strength: float = 1.0
    kernel: Kernel = DEFAULT_KERNEL
    max_pixels: int = MAX_PIXELS
    quality: int | None = None
    if_colour: IfColour = IfColour.SKIP
    keeps_tone: bool = False
    keeps_times: bool = False
    provenance: Provenance | None = None


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

    def move(self, seconds: float, source: str, target: str) -> None:
        """Count time to another step than where it was measured."""
        with self._lock:
            setattr(self, source, getattr(self, source) - seconds)
            setattr(self, target, getattr(self, target) + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A photograph that is ready for the network.

    Attributes:
        name: for messages.
        source: path or content of the file.
        photo: what was read.
        size: at which the network sees it.
        lightness: ``(1, padded height, padded width)`` float32, L* in [0, 100].
    """

    name: str
    source: Path | bytes
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
        settings: how.
        timings: what each step has taken so far.
        check: called between strips and pages; raises where what is in hand is to be dropped.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        threads: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.timings = Timings()
        self.session = session
        self.settings = settings
        self.check = check
        self._threads = threads or usable_cores()
        allow_pixels(settings.max_pixels)  # before the first header is looked at
        self._most_at_once: int | None = None
        self._room = Room(_PIXELS_AT_ONCE)
        self._encoding = 0
        self._lock = Lock()

    def prepare(self, source: Path | bytes, name: str | None = None) -> Prepared:
        """Read a photograph and scale its lightness for the network.

        Raises:
            ImageError: it cannot be read.
        """
        with self.timings.measure("decode"):
            photo = read_photo(source, name, max_pixels=self.settings.max_pixels)
        return self._scaled(photo, source, name or str(source))

    def _scaled(self, photo: Photo, source: Path | bytes, name: str) -> Prepared:
        rule = self.session.contract
        with self.timings.measure("colour"):
            size = network_size(
                *photo.size,
                size=self.settings.size or rule.size,
                multiple_of=rule.multiple_of,
                minimum=rule.minimum,
            )
            lightness = network_input(photo.grey, size)
        return Prepared(name=name, source=source, photo=photo, size=size, lightness=lightness)

    def times_of(self, source: Path) -> Path | None:
        """Return the file whose times the result of a photograph gets."""
        return source if self.settings.keeps_times else None

    def leaves_alone(self, prepared: Prepared) -> bool:
        """Whether a photograph is in colour already and gets no new ones."""
        return prepared.photo.tone is Tone.COLOUR and self.settings.if_colour is not IfColour.RECOLOR

    def predict(self, batch: Sequence[Prepared]) -> list[NDArray[np.float32] | HueError]:
        """Run the network on photographs of one padded shape.

        Returns:
            For each, ``(2, h, w)`` float32 without padding, a* and b* in CIE units; or the error that it met.
            A batch that fails is tried again in halves, down to single photographs. Where memory was short, later
            batches are no larger, and no more run side by side, than what went through.
        """
        results: list[NDArray[np.float32] | HueError] = []
        left = list(batch)
        while left:
            some = left[: self._most_at_once]
            results += self._predict(some)
            left = left[len(some) :]
        return results

    def _predict(self, batch: list[Prepared]) -> list[NDArray[np.float32] | HueError]:
        try:
            ab = self._run_network(batch)
        except Exception as error:  # onnxruntime's own exceptions share no base class
            is_short = _is_short_of_memory(error)
            if len(batch) > 1:
                half = len(batch) // 2
                if is_short:
                    self._most_at_once = half
                return [*self.predict(batch[:half]), *self.predict(batch[half:])]
            reason = f"the network failed on it ({str(error).strip()[:300]})"
            remedy = "; try a smaller --size, or --device cpu" if is_short else ""
            return [ImageError(f"{batch[0].name}: {reason}{remedy}.")]
        return [self._checked(prepared, one) for prepared, one in zip(batch, ab, strict=True)]

    def _run_network(self, batch: list[Prepared], *, alone: bool = False) -> NDArray[np.float32]:
        """Run the network; where others beside it had the memory, once more without them."""
        seen = np.stack([prepared.lightness for prepared in batch])
        with self._room.take(None if alone else seen.size) as stay, self.timings.measure("network"):
            try:
                return self.session.predict(seen)
            except Exception as error:
                if stay.peak == stay.own or not _is_short_of_memory(error):
                    raise
        ab = self._run_network(batch, alone=True)
        self._room.halve(stay.peak)
        return ab

    @staticmethod
    def _checked(prepared: Prepared, ab: NDArray[np.float32]) -> NDArray[np.float32] | HueError:
        if not np.isfinite(ab).all():
            return ImageError(f"{prepared.name}: the network gave values that are not finite; try another --size.")
        return crop_to_photo(ab, prepared.size)

    def paint(self, prepared: Prepared, ab: NDArray[np.float32], image_format: str) -> Painting:
        """Return the picture to be painted, ``(H, W, 3)`` uint8, or uint16 where photograph and format have 16 bits."""
        photo, strength = prepared.photo, self.settings.strength
        depth = photo.depth if holds_16_bits(image_format) else 8
        with self.timings.measure("colour"):
            if self.settings.keeps_tone and photo.curve is not None:
                lightness = crop_to_photo(prepared.lightness, prepared.size)[0]
                ab = ab * np.float32(strength) + np.moveaxis(tint_at(photo.curve, lightness), -1, 0)
                strength = 1.0
            return Painting(
                photo.grey,
                ab,
                strength=strength,
                depth=depth,
                kernel=self.settings.kernel,
                threads=self._threads,
                check=self.check,
            )

    def encode(self, prepared: Prepared, rgb: Rows, stream: BinaryIO, image_format: str) -> None:
        """Encode a picture with the photograph's transparency and metadata, and colour the file's others with it.

        Raises:
            ImageError: the format cannot hold it, or another page or picture of the file cannot be coloured.
            InColourError: another of them is in colour already.
            OSError: the stream cannot be written.
        """
        settings, sequence = self.settings, prepared.photo.sequence
        encoding = Encoding(image_format=image_format, quality=settings.quality, provenance=settings.provenance)
        first = _picture(prepared, rgb)
        with self._sharing(rgb), self.timings.measure("encode"):
            try:
                if sequence is None or not holds_sequence(image_format, sequence.kind):
                    encode(first, stream, encoding)
                else:
                    pictures = itertools.chain([first], self._others(prepared, image_format))
                    encode_sequence(pictures, stream, encoding, sequence)
            except (ValueError, OverflowError) as error:
                raise ImageError(
                    f"{prepared.name}: cannot be written as {image_format} ({error}). Choose another --format."
                ) from error
        if isinstance(rgb, Painting):  # it was painted strip by strip, as it was encoded
            self.timings.move(rgb.seconds, "encode", "colour")

    @contextmanager
    def _sharing(self, rgb: Rows) -> Iterator[None]:
        """Share the threads with what else is encoded: more of them than cores would only wait for each other."""
        with self._lock:
            self._encoding += 1
            if isinstance(rgb, Painting):
                rgb.threads = max(1, self._threads // self._encoding)
        try:
            yield
        finally:
            with self._lock:
                self._encoding -= 1

    def _others(self, prepared: Prepared, image_format: str) -> Iterator[Picture]:
        """Yield the pages or pictures of a file behind the first, in colour."""
        most = self.settings.max_pixels
        for photo in read_photos(prepared.source, prepared.name, first=1, max_pixels=most):
            self.check()
            one = self._scaled(photo, prepared.source, prepared.name)
            if self.leaves_alone(one):
                raise InColourError(f"{prepared.name}: is in colour already in parts.")
            (ab,) = self.predict([one])
            if isinstance(ab, HueError):
                raise ab
            yield _picture(one, self.paint(one, ab, image_format))

    def compare(self, prepared: Prepared, rgb: NDArray[Any]) -> tuple[Prepared, NDArray[Any]]:
        """Return the grey photograph and its colour version side by side, and what it takes to encode them."""
        grey = prepared.photo.grey
        if grey.dtype != rgb.dtype:
            grey = (grey >> 8).astype(np.uint8) if rgb.dtype == np.uint8 else grey.astype(np.uint16) * np.uint16(257)
        alpha: Any = prepared.photo.alpha
        photo = replace(prepared.photo, alpha=None if alpha is None else np.hstack([alpha, alpha]), sequence=None)
        return replace(prepared, photo=photo), np.hstack([np.repeat(grey[..., None], 3, axis=2), rgb])


def _is_short_of_memory(error: Exception) -> bool:
    """Whether a run of the network failed for want of memory, by what onnxruntime, CUDA and cuDNN say then."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(
        words in said for words in ("failed to allocate", "out of memory", "alloc_failed", "bad_alloc")
    )


def _picture(prepared: Prepared, rgb: Rows) -> Picture:
    photo = prepared.photo
    return Picture(rgb=rgb, alpha=photo.alpha, metadata=photo.metadata, duration=photo.duration)


def said_of(prepared: Prepared, image_format: str) -> tuple[str, ...]:
    """Return the warnings about a photograph, and about what the format of the result cannot hold of it."""
    lost = (f"{prepared.name}: {sentence}" for sentence in losses(prepared.photo, image_format))
    return (*prepared.photo.warnings, *lost)


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
    if steps.leaves_alone(prepared):
        return _passed_on(prepared, image_format)
    (ab,) = steps.predict([prepared])
    if isinstance(ab, HueError):
        raise ab
    chosen = image_format or colour_format(prepared.photo.image_format)
    stream = io.BytesIO()
    try:
        steps.encode(prepared, steps.paint(prepared, ab, chosen), stream, chosen)
    except InColourError:
        return _passed_on(prepared, image_format)
    return stream.getvalue(), said_of(prepared, chosen)


def _passed_on(prepared: Prepared, image_format: str | None) -> tuple[bytes, tuple[str, ...]]:
    """Return a photograph in colour as it is, and a warning.

    Raises:
        ImageError: another format was asked for.
    """
    name, source = prepared.name, prepared.source
    if image_format not in (None, prepared.photo.image_format):
        raise ImageError(
            f"{name}: is in colour already; as it is, it is no {image_format}. "
            "Give it new colours with --if-color recolor."
        )
    content = source if isinstance(source, bytes) else source.read_bytes()
    return content, (f"{name}: is in colour already and was passed on as it is (--if-color recolor).",)
