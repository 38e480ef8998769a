"""Colorizing many photographs: reading, the network and writing overlap.

A few threads read and finish photographs (Pillow and NumPy let go of the interpreter meanwhile) while the
calling thread gathers what has been read into batches and runs the network. How much is under way is
bounded, in photographs and in pixels, so that memory does not grow with the folder. A photograph counts from
before it is decoded: its header says how large it will be.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError
from hue_cli.images.read import count_pixels
from hue_cli.images.write import remove_stale_parts, replacing
from hue_cli.infer.batching import Batcher
from hue_cli.infer.job import Job, Row, Status
from hue_cli.infer.steps import Prepared, Steps, losses

_PIXELS_UNDER_WAY = 100_000_000

T = TypeVar("T")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class FolderColorizer:
    """Colorizes jobs, many at a time.

    Args:
        steps: bound to a model.
        batch_size: most photographs that share a run of the network.
        workers: threads that read and finish.
    """

    def __init__(self, steps: Steps, *, batch_size: int, workers: int) -> None:
        self._steps = steps
        self._batch_size = batch_size
        self._workers = workers

    def run(self, plan: Iterable[Job | Row], must_stop: Callable[[], bool] = lambda: False) -> Generator[Row]:
        """Yield a row for each photograph, in the order in which they end.

        Args:
            plan: what to do; its rows are passed on.
            must_stop: asked between steps; once true, the run ends: what a thread is busy writing is finished
                and gets its row, the rest is left. Closing the iterator does the same, without the rows.
        """
        with warnings.catch_warnings(), ThreadPoolExecutor(self._workers, "hue") as pool:
            # Decoders warn of oddities in metadata; a person can do nothing about them.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            try:
                run = _Run(self._steps, iter(plan), pool, self._batch_size, self._workers, must_stop)
                yield from run
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


class _Run:
    """What is under way: photographs are read, then wait for the network, then are finished."""

    def __init__(
        self,
        steps: Steps,
        plan: Iterator[Job | Row],
        pool: ThreadPoolExecutor,
        batch_size: int,
        workers: int,
        must_stop: Callable[[], bool],
    ) -> None:
        self._steps = steps
        self._plan: Iterator[Job | Row] | None = plan
        self._next: tuple[Job, int] | None = None
        self._pool = pool
        self._must_stop = must_stop
        self._workers = workers
        self._most = 2 * (workers + batch_size)
        self._reading: dict[Future[Prepared], tuple[Job, int]] = {}
        self._waiting: Batcher[tuple[Job, int, Prepared]] = Batcher(batch_size)
        self._finishing: dict[Future[Row], tuple[Job, int]] = {}
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

    def _fill(self) -> Iterator[Row]:
        """Begin to read as many photographs as the bounds allow."""
        while not self._must_stop():
            if self._next is None:
                step = None if self._plan is None else next(self._plan, None)
                if step is None:
                    self._plan = None
                    return
                if isinstance(step, Row):
                    yield step
                    continue
                self._next = step, count_pixels(step.source)
            job, pixels = self._next
            if not self._has_room(pixels):
                return
            self._next = None
            self._pixels += pixels
            self._reading[self._pool.submit(self._steps.prepare, job.source)] = job, pixels

    def _has_room(self, pixels: int) -> bool:
        """Whether one more photograph fits in; one that is larger than all bounds is done alone."""
        under_way = len(self._reading) + len(self._waiting) + len(self._finishing)
        return under_way == 0 or (under_way < self._most and self._pixels + pixels <= _PIXELS_UNDER_WAY)

    def _run_network(self, batch: list[tuple[Job, int, Prepared]]) -> Iterator[Row]:
        results = self._steps.predict([prepared for _, _, prepared in batch])
        for (job, pixels, prepared), ab in zip(batch, results, strict=True):
            if isinstance(ab, HueError):
                self._pixels -= pixels
                yield _failed(job, ab)
            else:
                self._clean(job.output.parent)
                self._finishing[self._pool.submit(self._finish, job, prepared, ab)] = job, pixels

    def _collect(self) -> Iterator[Row]:
        """Wait until something is read or finished."""
        both: list[Future[Any]] = [*self._reading, *self._finishing]
        done, _ = wait(both, return_when=FIRST_COMPLETED)
        for read in [future for future in self._reading if future in done]:
            job, pixels = self._reading.pop(read)
            prepared = _outcome(job, read)
            if isinstance(prepared, Row):
                self._pixels -= pixels
                yield prepared
            else:
                self._waiting.add(prepared.shape, (job, pixels, prepared))
        for finished in [future for future in self._finishing if future in done]:
            job, pixels = self._finishing.pop(finished)
            self._pixels -= pixels
            yield _outcome(job, finished)

    def _drain(self) -> Iterator[Row]:
        """End early: let threads finish the photographs in their hands, and leave the others."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for future, (job, _) in self._finishing.items():
            if not future.cancelled():
                yield _outcome(job, future)

    def _clean(self, folder: Path) -> None:
        if folder not in self._cleaned:
            self._cleaned.add(folder)
            remove_stale_parts(folder)

    def _finish(self, job: Job, prepared: Prepared, ab: NDArray[np.float32]) -> Row:
        """Paint and write a photograph; in a thread."""
        steps, name = self._steps, job.output_format
        rgb = steps.paint(prepared, ab, name)
        if not job.keeps_output:
            with replacing(job.output) as stream:
                steps.encode(prepared, rgb, stream, name)
        if job.compare is not None:
            both, pair = steps.compare(prepared, rgb)
            with replacing(job.compare) as stream:
                steps.encode(both, pair, stream, name)
        height, width = prepared.photo.size
        return Row(
            source=job.source,
            output=job.output,
            status=Status.DONE,
            warnings=(*prepared.photo.warnings, *losses(prepared, name)),
            height=height,
            width=width,
        )


def _outcome(job: Job, future: Future[T]) -> T | Row:
    """Return what a thread made, or the row of the photograph that it failed on, whatever the reason."""
    try:
        return future.result()
    except Exception as error:
        return _failed(job, error)


def _failed(job: Job, error: Exception) -> Row:
    if isinstance(error, HueError):
        message = str(error)
    elif isinstance(error, MemoryError):
        message = f"{job.source}: there is not enough memory for it."
    else:
        message = f"{job.source}: hue stumbled over it ({type(error).__name__}: {error})."
    return Row(source=job.source, output=job.output, status=Status.FAILED, message=message)
