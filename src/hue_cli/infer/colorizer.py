"""Colorizing from Python: what ``hue colorize`` does, for pictures in memory and for files."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.errors import HueError, ImageError, UsageError
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.mark import Provenance
from hue_cli.infer.batching import Batcher
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.folder import FolderColorizer
from hue_cli.infer.naming import Naming
from hue_cli.infer.plan import Input, Plan
from hue_cli.infer.session import open_session
from hue_cli.infer.steps import IfColour, Prepared, Settings, Steps
from hue_cli.weights.resolve import resolve_model

Picture = TypeVar("Picture", bound=Image.Image)
Array = TypeVar("Array", NDArray[np.uint8], NDArray[np.uint16])
Name = TypeVar("Name", bound=str | os.PathLike[str])

_CHANNELS = (3, 4)
_MODES = frozenset(("1", "L", "LA", "RGB", "RGBA", "CMYK", "I", "F"))
_KEPT = ("dpi", "exif")
_EIGHT_BITS, _SIXTEEN_BITS = "JPEG", "PNG"  # formats of that many
_BOUNDS = {"size": (16, 2048), "strength": (0, 4), "batch_size": (1, 10_000)}
"""The command's, but for the largest batch: nobody has memory for a larger one."""


class Colorizer:
    """A model that is ready to give photographs colour.

    What goes in comes out as the same kind: a picture of Pillow's, an array, or the path of a file. A list of
    them is colorized side by side. The session is opened once; close it, or use a ``with`` block, to free it early.

    Args:
        model: by name, or the path of an ONNX file that hue exported; None is the default model.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        size: short side that the network sees; None takes the model's.
        strength: of the colour; 1 is the network's, 0 is grey.
        batch_size: most pictures that share a run of the network; None takes what suits the device.

    Raises:
        UsageError: there is no such model, the device cannot be used, or a number is out of bounds.
        WeightsError: the model's file is damaged or foreign.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str = "auto",
        size: int | None = None,
        strength: float = 1.0,
        batch_size: int | None = None,
    ) -> None:
        _check_bounds(size=size, strength=strength, batch_size=batch_size)
        file = resolve_model(None if model is None else os.fspath(model))
        content = file.read()
        session = open_session(content, file.name, device)
        settings = Settings(
            size=size,
            strength=strength,
            if_colour=IfColour.RECOLOR,  # who names a picture wants it
            provenance=Provenance.of(file.name, content),
        )
        self._steps: Steps | None = Steps(session, settings)
        self._batch_size = batch_size or session.batch_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the model. The colorizer cannot be used any more."""
        self._steps = None

    @property
    def device(self) -> str:
        """Where the network runs: ``cpu`` or ``cuda:N``."""
        return self._open_steps().session.device

    @overload
    def __call__(self, photo: Image.Image) -> Image.Image: ...
    @overload
    def __call__(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]: ...
    @overload
    def __call__(self, photo: NDArray[np.uint16]) -> NDArray[np.uint16]: ...
    @overload
    def __call__(self, photo: str | os.PathLike[str]) -> Path: ...
    @overload
    def __call__(self, photo: list[Picture] | tuple[Picture, ...]) -> list[Image.Image]: ...
    @overload
    def __call__(self, photo: list[Array] | tuple[Array, ...]) -> list[Array]: ...
    @overload
    def __call__(self, photo: list[Name] | tuple[Name, ...]) -> list[Path]: ...

    def __call__(self, photo: Any) -> Any:
        """Give one photograph colour, or each of a list.

        Args:
            photo: a picture of Pillow's in any mode; an array ``(H, W)``, ``(H, W, 3)`` or, with transparency,
                ``(H, W, 4)``, uint8 or uint16, sRGB, of which the whole range is used; or the path of a file. A file's
                colour version is written beside it, named as ``hue colorize`` names it; where that is there already,
                it stays.

        Returns:
            The same kind, as large as what came in: a picture in RGB or RGBA, 8 bits a channel; an array of
            three or four channels and the same type; or the path of the colour version.

        Raises:
            ImageError: one cannot be read, colorized or written. Of a list of files, the others are done.
            TypeError: it is nothing of the kind.
        """
        steps = self._open_steps()
        if isinstance(photo, list | tuple):
            if photo and all(isinstance(one, str | os.PathLike) for one in photo):
                return self._colorize_files(steps, [Path(one) for one in photo])
            return self._colorize_pictures(steps, photo)
        if isinstance(photo, str | os.PathLike):
            return self._colorize_files(steps, [Path(photo)])[0]
        return self._colorize_pictures(steps, [photo])[0]

    def _open_steps(self) -> Steps:
        if self._steps is None:
            raise UsageError("This Colorizer has been closed. Make another one.")
        return self._steps

    def _colorize_pictures(self, steps: Steps, pictures: Sequence[Any]) -> list[Any]:
        """Colorize pictures in memory on a few threads, as :mod:`hue_cli.infer.folder` does it with files."""
        if not pictures:
            return []
        run = _Pictures(steps, pictures)
        numbers = range(len(pictures))
        with ThreadPoolExecutor(run.workers, "hue") as pool:
            if self._batch_size == 1:
                return list(pool.map(run.colour, numbers))
            try:
                return self._colorize_in_batches(run, numbers, pool)
            finally:
                pool.shutdown(cancel_futures=True)  # where one failed, or Ctrl-C was pressed

    def _colorize_in_batches(self, run: _Pictures, numbers: range, pool: ThreadPoolExecutor) -> list[Any]:
        waiting: Batcher[tuple[int, Prepared]] = Batcher(self._batch_size)
        painted: dict[int, Future[Any]] = {}
        ahead = 2 * (run.workers + self._batch_size)
        for start in range(0, len(numbers), ahead):  # no more are read than the network is about to see
            part = numbers[start : start + ahead]
            for number, prepared in zip(part, pool.map(run.prepare, part), strict=True):
                waiting.add(prepared.shape, (number, prepared))
                while len(waiting) and (batch := waiting.take(partial=number == numbers[-1])):
                    for (at, one), ab in zip(batch, run.steps.predict([one for _, one in batch]), strict=True):
                        if isinstance(ab, HueError):
                            raise ab
                        painted[at] = pool.submit(run.paint, at, one, ab)
        return [painted[number].result() for number in numbers]

    def _colorize_files(self, steps: Steps, paths: list[Path]) -> list[Path]:
        folder = next((path for path in paths if path.is_dir()), None)
        if folder is not None:
            raise UsageError(f"{folder}: is a folder; name files, or use `hue colorize`.")
        # Not Plan.make: names are no patterns here, and one that is missing is one file's failure.
        plan = Plan(Naming(), files=[Input(path, Path(path.name)) for path in paths])
        run = FolderColorizer(steps, batch_size=self._batch_size, workers=usable_cores())
        # A file that was named twice, in whatever way, has one row.
        rows = {_absolute(Path(row.source)): row for row in run.run(plan.steps())}
        made: list[Path] = []
        for path in paths:
            row = rows[_absolute(path)]
            if row.output is None or not os.path.lexists(row.output):
                raise ImageError(f"{path}: {row.message}" if str(path) not in row.message else row.message)
            made.append(Path(row.output))
        return made


class _Pictures:
    """Pictures in memory, by their numbers, each in the hands of one thread at a time.

    Attributes:
        steps: bound to a model.
        workers: threads that they are worth.
    """

    def __init__(self, steps: Steps, pictures: Sequence[Any]) -> None:
        self.steps = steps
        self.workers = min(usable_cores(), len(pictures))
        self._pictures: list[Any] = []
        seen = set[int]()
        for picture in pictures:
            # Pillow's pictures are for one thread at a time: where one is named twice, a copy goes to the second.
            is_shared = isinstance(picture, Image.Image) and id(picture) in seen
            self._pictures.append(picture.copy() if is_shared else picture)
            seen.add(id(picture))

    def colour(self, number: int) -> Any:
        """Take a picture all the way.

        Raises:
            HueError: it cannot be read, or the network fails on it.
        """
        prepared = self.prepare(number)
        (ab,) = self.steps.predict([prepared])
        if isinstance(ab, HueError):
            raise ab
        return self.paint(number, prepared, ab)

    def prepare(self, number: int) -> Prepared:
        """Return a picture, ready for the network."""
        return self.steps.prepare(_to_file(self._pictures[number]), f"picture {number}")

    def paint(self, number: int, prepared: Prepared, ab: NDArray[np.float32]) -> Any:
        """Return the picture in colour."""
        picture = self._pictures[number]
        is_deep = isinstance(picture, np.ndarray) and picture.dtype == np.uint16
        painting = self.steps.paint(prepared, ab, _SIXTEEN_BITS if is_deep else _EIGHT_BITS)
        painting.threads = max(1, usable_cores() // self.workers)
        if isinstance(picture, Image.Image):
            return _completed(painting.to_image(), picture, prepared.photo.alpha)
        has_alpha = picture.ndim == 3 and picture.shape[2] == 4
        return np.dstack([painting[:], picture[..., 3]]) if has_alpha else painting[:]


def _check_bounds(**values: float | None) -> None:
    for name, value in values.items():
        least, most = _BOUNDS[name]
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name}={value}: expected {least} to {most}.")


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # links must not be followed  # noqa: PTH100


def _to_file(picture: Any) -> bytes:
    """Return a picture as the content of an uncompressed file, which is read as any other.

    Raises:
        TypeError: it is neither a picture of Pillow's nor an array of whole numbers.
        ValueError: the array has another shape than pictures have.
    """
    if isinstance(picture, Image.Image):
        image = picture
        if image.mode == "La" or (image.mode in ("1", "L") and image.has_transparency_data):
            image = image.convert("LA")
        elif image.mode.startswith("I;16"):
            image = image.convert("I")  # Pillow has no other way from the rarer byte orders that keeps 16 bits
        elif image.mode not in _MODES or (image.mode == "RGB" and image.has_transparency_data):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif isinstance(picture, np.ndarray):
        image = Image.fromarray(_to_grey(picture))
    else:
        raise TypeError(
            f"expected a path, a picture of Pillow's, an array or a list of one of them, found {type(picture).__name__}"
        )
    stream = io.BytesIO()
    image.save(stream, "TIFF", icc_profile=image.info.get("icc_profile"))
    return stream.getvalue()


def _to_grey(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"expected an array of uint8 or uint16, found {array.dtype}; scale it to that range first")
    if array.ndim == 2 and array.size:
        return np.ascontiguousarray(array)
    if array.ndim != 3 or array.shape[2] not in _CHANNELS or not array.size:
        raise ValueError(f"expected an array of shape (H, W), (H, W, 3) or (H, W, 4), found {array.shape}")
    return rgb_to_grey(array[..., :3])


def _completed(image: Image.Image, source: Image.Image, alpha: NDArray[Any] | None) -> Image.Image:
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha if alpha.dtype == np.uint8 else (alpha >> 8).astype(np.uint8)))
    image.info.update({key: source.info[key] for key in _KEPT if key in source.info})
    return image
