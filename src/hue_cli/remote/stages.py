"""The stages of a photograph's way on a cluster, each a function of a table, or an actor.

A photograph travels as a row: what reading gave, and beside it the little that the network sees, so that the actors
with the network need not unpack the rest. Rows of the report, and the listing's end, pass through.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import HueError
from hue_cli.images.photo import Photo
from hue_cli.infer.batching import Batcher
from hue_cli.infer.contract import Contract
from hue_cli.infer.job import FileFacts, Row
from hue_cli.infer.session import Session, open_session
from hue_cli.infer.steps import Prepared, Settings, Steps
from hue_cli.remote.plan import RemoteJob
from hue_cli.remote.task import RemoteTask, fetch_ahead

_WRITERS = 2
"""Threads of a task that paints and writes: one may wait for the storage."""
_NOTHING = Photo(grey=np.zeros((0, 0), np.uint8))
_NO_LIGHTNESS = np.zeros((1, 0, 0), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is the same for all photographs of a run.

    Attributes:
        model: content of the ONNX file.
        name: of the model.
        contract: what the file says about itself.
        settings: how photographs are colorized.
        device, provider: where the network runs.
        batch_size: most photographs that share a run of the network; None is what suits the device.
        takes_digests: of each file that is read and written.
    """

    model: bytes
    name: str
    contract: Contract
    settings: Settings
    device: str = "auto"
    provider: str | None = None
    batch_size: int | None = None
    takes_digests: bool = False

    def steps(self, session: Session | None = None) -> Steps:
        """Return the steps; without a session, those before and behind the network."""
        found = session or Session(None, name=self.name, contract=self.contract, device="cpu")
        return Steps(found, self.settings, threads=1)


@dataclass(frozen=True, slots=True)
class Read:
    """A photograph between reading and writing."""

    job: RemoteJob
    prepared: Prepared
    seconds: float
    source_file: FileFacts | None


@dataclass(frozen=True, slots=True)
class End:
    """What the listing says when it has ended.

    Attributes:
        listed: how many photographs it named.
        ignored: how many files were no pictures by their names.
        error: why it ended early; else empty.
    """

    listed: int
    ignored: int
    error: str = ""


def read(shared: Any, table: Any) -> Iterator[Any]:
    """Fetch and read photographs; what needs no network passes through."""
    work = _work(shared)
    steps = work.steps()
    items = items_of(table)
    for item in (item for item in items if isinstance(item, End)):
        yield to_table(item=[item], seen=[None])
    for task in fetch_ahead(item for item in items if not isinstance(item, End)):
        done = task if isinstance(task, Row) else _read_one(task, steps, work)
        if isinstance(done, Row):
            yield to_table(item=[done], seen=[None])
            continue
        prepared = done.prepared
        seen = replace(prepared, photo=replace(_NOTHING, sequence=prepared.photo.sequence), source=b"")
        # Files of several pictures are read again for the others; a tint is seen at the network's size.
        kept = replace(
            prepared,
            source=prepared.source if prepared.photo.sequence else b"",
            lightness=prepared.lightness if work.settings.keeps_tone else _NO_LIGHTNESS,
        )
        yield to_table(item=[replace(done, prepared=kept)], seen=[seen])


def _read_one(task: Any, steps: Steps, work: Work) -> Read | Row:
    assert isinstance(task, RemoteTask)
    try:
        if (row := task.begin()) is not None:
            return row
        prepared = task.read(steps, takes_digests=work.takes_digests)
    except Exception as error:  # decoders raise anything
        return task.failed(error)
    finally:
        task.release()
    return prepared if isinstance(prepared, Row) else Read(task.job, prepared, task.seconds, task.source_file)


class Network:
    """An actor with the model open."""

    def __init__(self, shared: Any, has_gpu: bool) -> None:
        self._work = work = _work(shared)
        session = open_session(work.model, work.name, work.device, None if has_gpu else 1, work.provider)
        self._steps = work.steps(session)
        self._batch_size = work.batch_size or session.batch_size

    def __call__(self, table: Any) -> Any:
        """Replace what the network sees by what it says; finish files of several pictures, which need it for each."""
        seen: dict[int, Prepared] = {}
        waiting: Batcher[int] = Batcher(self._batch_size)
        for number, data in enumerate(table.column("seen").to_pylist()):
            if (prepared := _unpickled(data)) is not None:
                seen[number] = prepared
                waiting.add(prepared.shape, number)
        answers: list[Any] = [None] * table.num_rows
        while batch := waiting.take(partial=True):
            for number, ab in zip(batch, self._steps.predict([seen[number] for number in batch]), strict=True):
                answers[number] = ab
        packed = table.column("item").to_pylist()
        for number, prepared in seen.items():
            if prepared.photo.sequence is not None:
                packed[number] = _pickled(
                    _finish_one(self._steps, self._work, _unpickled(packed[number]), answers[number])
                )
                answers[number] = None
        return to_table(answer=answers).append_column("item", _binary(packed))


def finish(shared: Any, table: Any) -> Any:
    """Paint and write photographs; return their rows."""
    work = _work(shared)
    steps = work.steps()
    answers = map(_unpickled, table.column("answer").to_pylist())
    with ThreadPoolExecutor(_WRITERS) as threads:
        return to_table(item=list(threads.map(partial(_finish_one, steps, work), items_of(table), answers)))


def _finish_one(steps: Steps, work: Work, item: Any, answer: NDArray[np.float32] | HueError | None) -> Any:
    if not isinstance(item, Read):
        return item
    task = RemoteTask(item.job)
    task.seconds, task.source_file = item.seconds, item.source_file
    if answer is None or isinstance(answer, HueError):
        return task.failed(answer or HueError(f"{task.source}: the network gave no answer."))
    try:
        return task.finish(steps, item.prepared, answer, takes_digests=work.takes_digests)
    except Exception as error:
        return task.failed(error)


@lru_cache(maxsize=1)
def _work(shared: Any) -> Work:
    """Return what a run has in common, fetched once in each process."""
    import ray

    # Decoders warn of oddities in metadata; a person can do nothing about them.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    found = ray.get(shared)
    assert isinstance(found, Work)
    return found


def to_table(**columns: Iterable[object]) -> Any:
    """Return a table of pickled objects."""
    import pyarrow as pa

    return pa.table({name: _binary([_pickled(value) for value in values]) for name, values in columns.items()})


def items_of(table: Any) -> list[Any]:
    """Return what a table carries."""
    return [_unpickled(data) for data in table.column("item").to_pylist()]


def _binary(values: list[bytes]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.large_binary())


def _pickled(value: object) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _unpickled(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - from another stage of the same run
