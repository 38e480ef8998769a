"""Colorizing many photographs: reading, the network and writing overlap.

A few threads share the work (Pillow, NumPy and onnxruntime let go of the interpreter meanwhile). With batches they read
and finish photographs, while the calling thread gathers what has been read and runs the network. Batches of one need no
gathering: a thread takes a photograph all the way, in memory that the one before has left. How much is under way is
bounded, in photographs and in pixels, so that memory does not grow with the folder. A photograph counts from before it
is decoded: its header says how large it will be. Where photographs lie and how results are put in place is the business
of their :class:`hue_cli.infer.task.Task`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError
from hue_cli.infer.batching import Batcher
from hue_cli.infer.disk import Disk
from hue_cli.infer.job import Job, Row
from hue_cli.infer.steps import Prepared, Steps
from hue_cli.infer.task import Task
from hue_cli.stopping import DroppedError

_PIXELS_UNDER_WAY = 1 << 27
_HEEDS_EVERY = 0.2
"""Seconds; Windows lets no handler of signals run while a thread waits without an end."""
_FILES_EACH, _FILES_BESIDE = 6, 16
"""Open at once: of a photograph its claim, a file in memory, its result and its comparison with a lock each; and what
the process opens besides."""


class FolderColorizer:
    """Colorizes jobs, many at a time.

    Args:
        steps: bound to a model.
        batch_size: most photographs that share a run of the network; with one, several runs go side by side.
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
                and gets its row, the rest is left. Closing the iterator does the same, without the rows. What is
                being written is dropped as well, and has no row, where the steps' ``check`` raises
                :class:`hue_cli.stopping.DroppedError`.
        """
        with closing(Disk()) as disk:
            yield from self.run_tasks(disk.tasks(plan), must_stop)

    def run_tasks(self, tasks: Generator[Task | Row], must_stop: Callable[[], bool] = lambda: False) -> Generator[Row]:
        """Yield a row for each photograph, wherever they lie; else as :meth:`run`."""
        with warnings.catch_warnings(), ThreadPoolExecutor(self.workers, "hue") as pool:
            # Decoders warn of oddities in metadata; a person can do nothing about them.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            run = _Run(self, tasks, pool, must_stop)
            try:
                yield from run
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
                run.close()


class _Run:
    """What is under way: photographs are begun and read, then wait for the network, then are finished."""

    def __init__(
        self,
        colorizer: FolderColorizer,
        tasks: Generator[Task | Row],
        pool: ThreadPoolExecutor,
        must_stop: Callable[[], bool],
    ) -> None:
        self._steps = colorizer.steps
        self._takes_digests = colorizer.takes_digests
        self._workers = colorizer.workers
        self._gathers = colorizer.batch_size > 1
        self._tasks: Generator[Task | Row] | None = tasks
        self._next: Task | None = None
        self._pool = pool
        self._must_stop = must_stop
        self._most = min(2 * (colorizer.workers + colorizer.batch_size), _most_open())
        self._reading: dict[Future[Prepared | Row | None], Task] = {}
        self._waiting: Batcher[tuple[Task, Prepared]] = Batcher(colorizer.batch_size)
        self._finishing: dict[Future[Row | None], Task] = {}
        self._begun: set[Task] = set()
        self._pixels = 0

    def __iter__(self) -> Iterator[Row]:
        while not self._must_stop():
            yield from self._fill()
            if not (self._reading or self._waiting or self._finishing):
                return
            # A batch that is not full is run where the threads would otherwise have nothing to do, or nothing is on
            # its way to fill it.
            idle = len(self._reading) + len(self._finishing) < self._workers
            if batch := self._waiting.take(partial=idle or not self._reading):
                yield from self._run_network(batch)
            else:
                yield from self._collect()
        yield from self._drain()

    def close(self) -> None:
        """Give back what photographs took up that this run will not finish."""
        for task in self._begun:
            task.release()

    def _fill(self) -> Iterator[Row]:
        """Begin to read as many photographs as the bounds allow."""
        while not self._must_stop():
            if self._next is None:
                found = None if self._tasks is None else next(self._tasks, None)
                if found is None:
                    self._tasks = None
                    return
                if isinstance(found, Row):
                    yield found
                    continue
                if (row := found.begin()) is not None:
                    yield row
                    continue
                self._begun.add(found)
                self._next = found
            task = self._next
            if not self._has_room(task.pixels):
                return
            self._next = None
            self._pixels += task.pixels
            if self._gathers:
                self._reading[self._pool.submit(self._read, task)] = task
            else:
                self._finishing[self._pool.submit(self._colour, task)] = task

    def _end(self, task: Task, row: Row) -> Row:
        """Give back what a photograph took up; return its row."""
        self._pixels -= task.pixels
        self._begun.discard(task)
        task.release()
        return row

    def _has_room(self, pixels: int) -> bool:
        """Whether one more photograph fits in; one that is larger than all bounds is done alone."""
        under_way = len(self._reading) + len(self._waiting) + len(self._finishing)
        return under_way == 0 or (under_way < self._most and self._pixels + pixels <= _PIXELS_UNDER_WAY)

    def _read(self, task: Task) -> Prepared | Row | None:
        """Read a photograph; None where the run was stopped before that."""
        return None if self._must_stop() else task.read(self._steps, takes_digests=self._takes_digests)

    def _run_network(self, batch: list[tuple[Task, Prepared]]) -> Iterator[Row]:
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
        """Wait until something is read or finished, or the run is to end."""
        both: list[Future[Any]] = [*self._reading, *self._finishing]
        done: set[Future[Any]] = set()
        while not done and not self._must_stop():
            done, _ = wait(both, _HEEDS_EVERY, FIRST_COMPLETED)
        for read in [future for future in self._reading if future in done]:
            task = self._reading.pop(read)
            try:
                prepared = read.result()
            except Exception as error:  # decoders raise anything
                yield self._end(task, task.failed(error))
                continue
            if isinstance(prepared, Row):
                yield self._end(task, prepared)
            elif prepared is not None:
                self._waiting.add(prepared.shape, (task, prepared))
        for finished in [future for future in self._finishing if future in done]:
            task = self._finishing.pop(finished)
            if (row := _outcome(task, finished)) is not None:
                yield self._end(task, row)

    def _drain(self) -> Iterator[Row]:
        """End early: let threads finish the photographs in their hands, and leave the others."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._tasks is not None:
            self._tasks.close()  # what fetches ahead begins no more
        both: dict[Future[Any], Task] = {**self._reading, **self._finishing}
        in_hand = {future: task for future, task in both.items() if not future.cancelled()}
        while wait(in_hand, _HEEDS_EVERY).not_done:
            pass
        for future, task in in_hand.items():
            if isinstance(row := _outcome(task, future), Row):
                yield row

    def _colour(self, task: Task) -> Row | None:
        """Take a photograph all the way; None where the run was stopped before it was painted."""
        prepared = self._read(task)
        if prepared is None or isinstance(prepared, Row):
            return prepared
        if self._must_stop():
            return None
        start = time.perf_counter()
        (ab,) = self._steps.predict([prepared])
        task.seconds += time.perf_counter() - start
        return task.failed(ab) if isinstance(ab, HueError) else self._finish(task, prepared, ab)

    def _finish(self, task: Task, prepared: Prepared, ab: NDArray[np.float32]) -> Row:
        return task.finish(self._steps, prepared, ab, takes_digests=self._takes_digests)


def _most_open() -> int:
    """Return how many photographs may be under way before the system gives no more files."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return sys.maxsize
    with suppress(OSError):  # not every system lists them, or lets us see
        files -= sum(1 for _ in Path("/dev/fd").iterdir())
    return max(1, (files - _FILES_BESIDE) // _FILES_EACH)


def _outcome(task: Task, future: Future[Any]) -> Any:
    """Return what a thread made, or the row of what went wrong; None where it was dropped."""
    try:
        return future.result()
    except DroppedError:
        return None
    except Exception as error:
        return task.failed(error)
