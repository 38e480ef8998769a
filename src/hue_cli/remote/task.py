"""A photograph under way that is fetched and put as a whole."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from hue_cli.errors import HueError, ImageError
from hue_cli.images.read import count_pixels
from hue_cli.infer.job import Row
from hue_cli.infer.steps import Steps
from hue_cli.infer.task import Task
from hue_cli.remote.location import Location
from hue_cli.remote.plan import RemoteJob

_CONNECTIONS = 16
_BYTES_AHEAD = 256 << 20


class RemoteTask(Task):
    """A job of :class:`hue_cli.remote.plan.RemotePlan`.

    Attributes:
        job: what is to be done.
    """

    def __init__(self, job: RemoteJob, fetched: Future[bytes] | None = None) -> None:
        super().__init__(str(job.source), str(job.output), job.output_format)
        self.job = job
        self._fetched = fetched
        self._content = b""

    def begin(self) -> Row | None:
        """Wait for the content, where it is being fetched already; else fetch it."""
        try:
            with self._working():
                self._content = self.job.source.read() if self._fetched is None else self._fetched.result()
        except HueError as error:
            return self.failed(error)
        self.pixels = count_pixels(self._content)
        return None

    def release(self) -> None:
        """Forget the content."""
        self._content, self._fetched = b"", None

    def content(self) -> bytes:
        """Return what was fetched."""
        return self._content

    def reading(self) -> AbstractContextManager[BinaryIO]:
        """Open what was fetched."""
        return io.BytesIO(self._content)

    def writing(self, steps: Steps) -> AbstractContextManager[BinaryIO]:  # noqa: ARG002 - storage keeps its own times
        """Gather the result, which is put when the block ends well."""
        return _putting(self.job.output, replaces=self.job.replaces)

    def comparing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:  # noqa: ARG002
        """Gather the picture of grey beside colour likewise; None where it is not wanted."""
        return None if self.job.compare is None else _putting(self.job.compare, replaces=True)

    def copy(self, steps: Steps, *, own_extension: bool) -> tuple[str, bool]:  # noqa: ARG002
        """See :meth:`hue_cli.infer.task.Task.copy`."""
        job, target = self.job, self.job.output
        if own_extension:
            target = target.at(target.path.rpartition(".")[0] + PurePosixPath(job.source.name).suffix)
        is_put = not target.is_same(job.source) and target.write(self._content, replaces=job.replaces)
        return str(target), is_put


@contextmanager
def _putting(location: Location, *, replaces: bool) -> Iterator[BinaryIO]:
    """Gather content in memory that is put when the block ends well.

    Raises:
        ImageError: it cannot be put, or something else has been put there since the listing.
    """
    stream = io.BytesIO()
    yield stream
    # Of the same size, it is this very result: an attempt before this one was cut off once it had put it.
    if not location.write(stream.getvalue(), replaces=replaces) and location.size() != stream.getbuffer().nbytes:
        raise ImageError(f"{location}: was put there by something else since the run began, and stays.")


def fetch_ahead(plan: Iterable[RemoteJob | Row]) -> Generator[Task | Row]:
    """Yield a plan's steps as work, in its order, while the next photographs are being fetched."""
    waiting: deque[tuple[Task | Row, int]] = deque()
    size = 0
    with ThreadPoolExecutor(_CONNECTIONS, "hue-fetch") as pool:
        try:
            for step in plan:
                if isinstance(step, Row):
                    waiting.append((step, 0))
                else:
                    waiting.append((RemoteTask(step, pool.submit(step.source.read)), step.size))
                    size += step.size
                while len(waiting) >= 2 * _CONNECTIONS or (size > _BYTES_AHEAD and len(waiting) > 1):
                    first, bytes_of_first = waiting.popleft()
                    size -= bytes_of_first
                    yield first
            while waiting:
                yield waiting.popleft()[0]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
