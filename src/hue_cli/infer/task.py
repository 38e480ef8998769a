"""A photograph under way: read, and finished once the network has seen it, wherever it lies."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError
from hue_cli.infer.job import FileFacts, Row, Skip, Status
from hue_cli.infer.steps import IfColour, InColourError, Prepared, Steps, said_of


class Task(ABC):
    """A photograph under way, in the hands of one thread at a time.

    Attributes:
        source, output: where from and where to, a path or a URL.
        output_format: Pillow's name of the output's format.
        keeps_output: whether the result is there and stays, so that only a comparison is made.
        pixels: how many the photograph's header announces; known once the work has begun.
        seconds: of work so far.
        source_file: what was read, where the run takes digests.
    """

    def __init__(
        self, source: Path | str, output: Path | str, output_format: str, *, keeps_output: bool = False
    ) -> None:
        self.source = source
        self.output = output
        self.output_format = output_format
        self.keeps_output = keeps_output
        self.pixels = 0
        self.seconds = 0.0
        self.source_file: FileFacts | None = None

    @abstractmethod
    def begin(self) -> Row | None:
        """Take up the work; the photograph's row where there is none after all."""

    @abstractmethod
    def release(self) -> None:
        """Give back what :meth:`begin` took."""

    @abstractmethod
    def content(self) -> Path | bytes:
        """Return the photograph, as it is read.

        Raises:
            ImageError: it cannot be fetched.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[BinaryIO]:
        """Open the photograph's file, for its digest."""

    @abstractmethod
    def writing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:
        """Open the result, which is in its place, whole, when the block ends well; None where it is there already."""

    @abstractmethod
    def comparing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:
        """Open the picture of grey beside colour likewise; None where it is not wanted."""

    @abstractmethod
    def copy(self, steps: Steps, *, own_extension: bool) -> tuple[Path | str, bool]:
        """Put the photograph, as it is, where its result would be.

        Args:
            steps: of this run.
            own_extension: give it the photograph's own extension, since the result's names another format.

        Returns:
            Where, and whether it was put: False where something is there that stays.

        Raises:
            ImageError: it cannot be put.
        """

    def read(self, steps: Steps, *, takes_digests: bool) -> Prepared | Row:
        """Read the photograph. One in colour may be left as it is, and has its row then.

        Raises:
            ImageError: it cannot be read.
        """
        with self._working():
            prepared = steps.prepare(self.content(), str(self.source))
            if takes_digests:
                with self.reading() as stream:
                    self.source_file = FileFacts.of(stream)
        return self._left_alone(steps, prepared) if steps.leaves_alone(prepared) else prepared

    def _left_alone(self, steps: Steps, prepared: Prepared) -> Row:
        """Copy a photograph in colour where that is wanted, and say so."""
        photo = prepared.photo
        height, width = photo.size
        facts: dict[str, Any] = {"skip": Skip.COLOUR, "height": height, "width": width}
        if steps.settings.if_colour is IfColour.SKIP or self.keeps_output:
            message = "is in colour already; --if-color recolor gives it new colours"
            return self.row(Status.SKIPPED, message=message, **facts)
        with self._working():
            target, is_put = self.copy(steps, own_extension=self.output_format != photo.image_format)
        if not is_put:
            return self.row(Status.SKIPPED, message=f"is in colour already, and {target} is there already", **facts)
        message = f"is in colour already; copied as it is to {target}"
        return self.row(Status.SKIPPED, message=message, **facts | {"skip": Skip.COPIED, "output": target})

    def finish(self, steps: Steps, prepared: Prepared, ab: NDArray[np.float32], *, takes_digests: bool) -> Row:
        """Paint and write the photograph, unless one of its further pages turns out to be in colour.

        Args:
            steps: bound to the model.
            prepared: the photograph.
            ab: ``(2, h, w)`` float32, a* and b* in CIE units.
            takes_digests: of the file that is written.

        Raises:
            ImageError: it cannot be written.
            DroppedError: nobody waits for it any more; nothing was put in place.
        """
        try:
            return self._finished(steps, prepared, ab, takes_digests=takes_digests)
        except InColourError:
            return self._left_alone(steps, prepared)

    def _finished(self, steps: Steps, prepared: Prepared, ab: NDArray[np.float32], *, takes_digests: bool) -> Row:
        name, written = self.output_format, None
        with self._working():
            painting = steps.paint(prepared, ab, name)
            # Put in place last to first, the comparison before the result: a run that is killed in between finds no
            # result, and makes both again.
            with ExitStack() as puts:
                if (writing := self.writing(steps)) is not None:
                    stream = puts.enter_context(writing)
                    steps.encode(prepared, painting, stream, name)
                    if takes_digests:
                        written = FileFacts.of(stream)
                if (comparing := self.comparing(steps)) is not None:
                    both, pair = steps.compare(prepared, painting[:])
                    steps.encode(both, pair, puts.enter_context(comparing), name)
                steps.check()
        height, width = prepared.photo.size
        warnings = said_of(prepared, name)
        return self.row(Status.DONE, warnings=warnings, height=height, width=width, output_file=written)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Count the time that the block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start

    def row(self, status: Status, **facts: Any) -> Row:
        """Return the photograph's row."""
        row = Row(
            source=self.source,
            output=self.output,
            status=status,
            seconds=round(self.seconds, 3),
            source_file=self.source_file,
        )
        return replace(row, **facts)

    def failed(self, error: Exception) -> Row:
        """Return the row of a photograph that failed, whatever the reason."""
        if isinstance(error, HueError):
            message = str(error)
        elif isinstance(error, MemoryError):
            message = f"{self.source}: there is not enough memory for it."
        else:
            message = f"{self.source}: hue stumbled over it ({type(error).__name__}: {error})."
        return self.row(Status.FAILED, message=message)
