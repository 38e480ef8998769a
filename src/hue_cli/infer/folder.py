"""Colorizing many photographs: reading, the network and writing overlap.

A few threads read and finish photographs (Pillow and NumPy let go of the interpreter meanwhile) while the
calling thread gathers what has been read into batches and runs the network. How much is under way is
bounded, in photographs and in pixels, so that memory does not grow with the folder. A photograph counts from
before it is decoded: its header says how large it will be. Each result is claimed against other runs of hue.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError, ImageError
from hue_cli.images.read import count_pixels
from hue_cli.images.write import remove_stale_parts, replacing
from hue_cli.infer.batching import Batcher
from hue_cli.infer.claim import Claim, claim, remove_abandoned_claims
from hue_cli.infer.in_colour import left_alone
from hue_cli.infer.job import FileFacts, Job, Row, Skip, Status
from hue_cli.infer.steps import Prepared, Steps, said_of

_PIXELS_UNDER_WAY = 100_000_000


class FolderColorizer:
    """Colorizes jobs, many at a time.

    Args:
        steps: bound to a model.
        batch_size: most photographs that share a run of the network.
        workers: threads that read and finish.
        takes_digests: of each file that is read and written; for a report.
    """

    def __init__(self, steps: Steps, *, batch_size: int, workers: int, takes_digests: bool = False) -> None:
        self.steps = steps
        self.batch_size = batch_size
        self.workers = workers
        self.takes_digests = takes_digests

    def run(self, plan: Iterable[Job | Row], must_stop: Callable[[], bool] = lambda: False) -> Generator[Row]:
        """Yield a row for each photograph, in the order in which they end.

        Args:
            plan: what to do; its rows are passed on.
            must_stop: asked between steps; once true, the run ends: what a thread is busy writing is finished
                and gets its row, the rest is left. Closing the iterator does the same, without the rows.
        """
        with warnings.catch_warnings(), ThreadPoolExecutor(self.workers, "hue") as pool:
            # Decoders warn of oddities in metadata; a person can do nothing about them.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            run = _Run(self, iter(plan), pool, must_stop)
            try:
                yield from run
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
                run.close()


@dataclass(slots=True)
class _Task:
    """A job under way, in the hands of one thread at a time.

    Attributes:
        job: what is to be done.
        pixels: how many the photograph's header announces.
        claim: on the result.
        seconds: of work so far.
        source_file: what was read, where the run takes digests.
    """

    job: Job
    pixels: int
    claim: Claim
    seconds: float = 0.0
    source_file: FileFacts | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time that the block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - start

    def row(self, status: Status, **facts: Any) -> Row:
        """Return the photograph's row."""
        return Row(
            source=self.job.source,
            output=self.job.output,
            status=status,
            seconds=round(self.seconds, 3),
            source_file=self.source_file,
            **facts,
        )

    def failed(self, error: Exception) -> Row:
        """Return the row of a photograph that failed, whatever the reason."""
        if isinstance(error, HueError):
            message = str(error)
        elif isinstance(error, MemoryError):
            message = f"{self.job.source}: there is not enough memory for it."
        else:
            message = f"{self.job.source}: hue stumbled over it ({type(error).__name__}: {error})."
        return self.row(Status.FAILED, message=message)


class _Run:
    """What is under way: photographs are claimed and read, then wait for the network, then are finished."""

    def __init__(
        self,
        colorizer: FolderColorizer,
        plan: Iterator[Job | Row],
        pool: ThreadPoolExecutor,
        must_stop: Callable[[], bool],
    ) -> None:
        self._steps = colorizer.steps
        self._takes_digests = colorizer.takes_digests
        self._workers = colorizer.workers
        self._plan: Iterator[Job | Row] | None = plan
        self._next: _Task | None = None
        self._pool = pool
        self._must_stop = must_stop
        self._most = 2 * (colorizer.workers + colorizer.batch_size)
        self._reading: dict[Future[Prepared | Row], _Task] = {}
        self._waiting: Batcher[tuple[_Task, Prepared]] = Batcher(colorizer.batch_size)
        self._finishing: dict[Future[Row], _Task] = {}
        self._claims: set[Claim] = set()
        self._made: list[Path] = []
        self._pixels = 0
        self._cleaned: set[Path] = set()

    def __iter__(self) -> Iterator[Row]:
        while not self._must_stop():
            yield from self._fill()
            if not (self._reading or self._waiting or self._finishing):
                return
            # A batch that is not full is run where the threads would otherwise have nothing to do.
            idle = len(self._reading) + len(self._finishing) < self._workers
            if batch := self._waiting.take(partial=idle):
                yield from self._run_network(batch)
            else:
                yield from self._collect()
        yield from self._drain()

    def close(self) -> None:
        """Let other runs have what this one will not do, and remove folders that it made in vain."""
        for held in self._claims:
            held.release()
        for folder in sorted(self._made, key=lambda folder: len(folder.parts), reverse=True):
            with suppress(OSError):  # most are not empty
                folder.rmdir()

    def _fill(self) -> Iterator[Row]:
        """Begin to read as many photographs as the bounds allow."""
        while not self._must_stop():
            if self._next is None:
                step = None if self._plan is None else next(self._plan, None)
                if step is None:
                    self._plan = None
                    return
                if step.output is not None:
                    self._clean(step.output.parent)
                begun = step if isinstance(step, Row) else self._begin(step)
                if isinstance(begun, Row):
                    yield begun
                    continue
                self._next = begun
            task = self._next
            if not self._has_room(task.pixels):
                return
            self._next = None
            self._pixels += task.pixels
            self._reading[self._pool.submit(self._read, task)] = task

    def _begin(self, job: Job) -> _Task | Row:
        """Claim a job's result, against other runs that come past the same photograph."""
        try:
            held = claim(job.output)
        except ImageError as error:
            return Row(source=job.source, output=job.output, status=Status.FAILED, message=str(error))
        if held is None:
            message = f"another run of hue is making {job.output}"
            return Row(source=job.source, output=job.output, status=Status.SKIPPED, skip=Skip.BUSY, message=message)
        if os.path.lexists(job.output) and not (job.overwrites or job.keeps_output):
            held.release()  # the other run has made it since the plan looked
            return Row.of_existing(job.source, job.output)
        self._claims.add(held)
        self._made += held.made
        return _Task(job, count_pixels(job.source), held)

    def _end(self, task: _Task, row: Row) -> Row:
        """Give back what a photograph took up; return its row."""
        self._pixels -= task.pixels
        self._claims.discard(task.claim)
        task.claim.release()
        return row

    def _has_room(self, pixels: int) -> bool:
        """Whether one more photograph fits in; one that is larger than all bounds is done alone."""
        under_way = len(self._reading) + len(self._waiting) + len(self._finishing)
        return under_way == 0 or (under_way < self._most and self._pixels + pixels <= _PIXELS_UNDER_WAY)

    def _read(self, task: _Task) -> Prepared | Row:
        """Read a photograph; in a thread. One in colour may be left as it is, and has its row then."""
        with task.working():
            prepared = self._steps.prepare(task.job.source)
            if self._takes_digests:
                with task.job.source.open("rb") as stream:
                    task.source_file = FileFacts.of(stream)
            if self._steps.leaves_alone(prepared):
                facts = left_alone(task.job, prepared.photo, self._steps)
            else:
                return prepared
        return task.row(Status.SKIPPED, skip=Skip.COLOUR, **facts)

    def _run_network(self, batch: list[tuple[_Task, Prepared]]) -> Iterator[Row]:
        start = time.perf_counter()
        results = self._steps.predict([prepared for _, prepared in batch])
        share = (time.perf_counter() - start) / len(batch)
        for (task, prepared), ab in zip(batch, results, strict=True):
            task.seconds += share
            if isinstance(ab, HueError):
                yield self._end(task, task.failed(ab))
            else:
                self._finishing[self._pool.submit(self._finish, task, prepared, ab)] = task

    def _collect(self) -> Iterator[Row]:
        """Wait until something is read or finished."""
        both: list[Future[Any]] = [*self._reading, *self._finishing]
        done, _ = wait(both, return_when=FIRST_COMPLETED)
        for read in [future for future in self._reading if future in done]:
            task = self._reading.pop(read)
            try:
                prepared = read.result()
            except Exception as error:  # decoders raise anything
                yield self._end(task, task.failed(error))
                continue
            if isinstance(prepared, Row):
                yield self._end(task, prepared)
            else:
                self._waiting.add(prepared.shape, (task, prepared))
        for finished in [future for future in self._finishing if future in done]:
            task = self._finishing.pop(finished)
            yield self._end(task, _outcome(task, finished))

    def _drain(self) -> Iterator[Row]:
        """End early: let threads finish the photographs in their hands, and leave the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for future, task in self._finishing.items():
            if not future.cancelled():
                yield _outcome(task, future)

    def _clean(self, folder: Path) -> None:
        """Remove what killed runs left in a folder of results, once."""
        if folder not in self._cleaned:
            self._cleaned.add(folder)
            remove_stale_parts(folder)
            remove_abandoned_claims(folder)

    def _finish(self, task: _Task, prepared: Prepared, ab: NDArray[np.float32]) -> Row:
        """Paint and write a photograph; in a thread."""
        steps, job = self._steps, task.job
        name, written = job.output_format, None
        with task.working():
            painting = steps.paint(prepared, ab, name)
            rgb = painting if job.compare is None else painting[:]
            if not job.keeps_output:
                with replacing(job.output, times_of=steps.times_of(job.source)) as stream:
                    steps.encode(prepared, rgb, stream, name)
                    if self._takes_digests:
                        written = FileFacts.of(stream)
            if job.compare is not None:
                both, pair = steps.compare(prepared, rgb[:])
                with replacing(job.compare, times_of=steps.times_of(job.source)) as stream:
                    steps.encode(both, pair, stream, name)
        height, width = prepared.photo.size
        return task.row(
            Status.DONE,
            warnings=said_of(prepared, name),
            height=height,
            width=width,
            output_file=written,
        )


def _outcome(task: _Task, future: Future[Row]) -> Row:
    """Return the row that a thread made, or the one of what went wrong."""
    try:
        return future.result()
    except Exception as error:
        return task.failed(error)
