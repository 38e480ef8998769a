"""Colorizing many photographs: reading, the network and writing overlap.

A few threads read and finish photographs (Pillow and NumPy let go of the interpreter meanwhile) while the
calling thread gathers what has been read into batches and runs the network. How much is under way is
bounded, in photographs and in pixels, so that memory does not grow with the folder.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError, ImageError
from hue_cli.images.write import remove_stale_parts, replacing
from hue_cli.infer.batching import Batcher
from hue_cli.infer.plan import Job, Row, Status
from hue_cli.infer.steps import Prepared, Steps, losses

_PIXELS_UNDER_WAY = 100_000_000


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

    def run(self, plan: Iterable[Job | Row]) -> Generator[Row]:
        """Yield a row for each photograph, in the order in which they end.

        Rows in the plan are passed on. Closing the iterator ends the run: what a thread is busy with is
        finished, the rest is left.
        """
        with warnings.catch_warnings(), ThreadPoolExecutor(self._workers, "hue") as pool:
            # Decoders warn of oddities in metadata; a person can do nothing about them.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            try:
                yield from _Run(self._steps, iter(plan), pool, self._batch_size, self._workers)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


class _Run:
    """What is under way: photographs are read, then wait for the network, then are finished."""

    def __init__(
        self, steps: Steps, plan: Iterator[Job | Row], pool: ThreadPoolExecutor, batch_size: int, workers: int
    ) -> None:
        self._steps = steps
        self._plan: Iterator[Job | Row] | None = plan
        self._pool = pool
        self._workers = workers
        self._most = 2 * (workers + batch_size)
        self._reading: dict[Future[Prepared], Job] = {}
        self._waiting: Batcher[tuple[Job, Prepared]] = Batcher(batch_size)
        self._finishing: dict[Future[Row], tuple[Job, int]] = {}
        self._pixels = 0
        self._cleaned: set[Path] = set()

    def __iter__(self) -> Iterator[Row]:
        while True:
            yield from self._fill()
            if not (self._reading or self._waiting or self._finishing):
                return
            # A batch that is not full is run where the threads would otherwise have nothing to do.
            idle = len(self._reading) + len(self._finishing) < self._workers
            if batch := self._waiting.take(partial=idle):
                yield from self._run_network(batch)
            else:
                yield from self._collect()

    def _fill(self) -> Iterator[Row]:
        """Begin to read as many photographs as the bounds allow."""
        while self._plan is not None and self._has_room():
            step = next(self._plan, None)
            if step is None:
                self._plan = None
            elif isinstance(step, Row):
                yield step
            else:
                self._reading[self._pool.submit(self._steps.prepare, step.source)] = step

    def _has_room(self) -> bool:
        if len(self._reading) + len(self._waiting) + len(self._finishing) >= self._most:
            return False
        # A photograph's size is known once it is read, so few may be read while much is held already.
        return self._pixels < _PIXELS_UNDER_WAY or not (self._waiting or self._finishing or self._reading)

    def _run_network(self, batch: list[tuple[Job, Prepared]]) -> Iterator[Row]:
        results = self._steps.predict([prepared for _, prepared in batch])
        for (job, prepared), ab in zip(batch, results, strict=True):
            if isinstance(ab, HueError):
                self._pixels -= prepared.pixels
                yield _failed(job, ab)
            else:
                self._clean(job.output.parent)
                self._finishing[self._pool.submit(self._finish, job, prepared, ab)] = (job, prepared.pixels)

    def _collect(self) -> Iterator[Row]:
        """Wait until something is read or finished."""
        both: list[Future[Any]] = [*self._reading, *self._finishing]
        done, _ = wait(both, return_when=FIRST_COMPLETED)
        for read in [future for future in self._reading if future in done]:
            job = self._reading.pop(read)
            try:
                prepared = read.result()
            except HueError as error:
                yield _failed(job, error)
            else:
                self._pixels += prepared.pixels
                self._waiting.add(prepared.shape, (job, prepared))
        for finished in [future for future in self._finishing if future in done]:
            job, pixels = self._finishing.pop(finished)
            self._pixels -= pixels
            try:
                yield finished.result()
            except HueError as error:
                yield _failed(job, error)

    def _clean(self, folder: Path) -> None:
        if folder not in self._cleaned:
            self._cleaned.add(folder)
            remove_stale_parts(folder)

    def _finish(self, job: Job, prepared: Prepared, ab: NDArray[np.float32]) -> Row:
        """Paint and write a photograph; in a thread."""
        steps, name = self._steps, job.output_format
        rgb = steps.paint(prepared, ab, name)
        try:
            if not job.keeps_output:
                with replacing(job.output) as stream:
                    steps.encode(prepared, rgb, stream, name)
            if job.compare is not None:
                both, pair = steps.compare(prepared, rgb)
                with replacing(job.compare) as stream:
                    steps.encode(both, pair, stream, name)
        except MemoryError:
            raise ImageError(f"{job.source}: there is not enough memory to write it.") from None
        height, width = prepared.photo.size
        return Row(
            source=job.source,
            output=job.output,
            status=Status.DONE,
            warnings=(*prepared.photo.warnings, *losses(prepared, name)),
            height=height,
            width=width,
        )


def _failed(job: Job, error: HueError) -> Row:
    return Row(source=job.source, output=job.output, status=Status.FAILED, message=str(error))
