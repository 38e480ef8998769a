"""The way of photographs into colour, as stages of Ray Data on a cluster.

Listing, reading, network, painting with writing: each is a stage that runs beside the others, and each waits where the
one behind it cannot follow, so that what is under way is bounded.

What may happen twice does so unseen: a stage whose node is lost is run again by Ray, and a result is put only where
none has come meanwhile.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO, cast

from hue_cli.errors import HueError, MissingExtraError, UsageError
from hue_cli.infer.job import Row
from hue_cli.remote.plan import RemotePlan
from hue_cli.remote.stages import End, Network, Work, finish, items_of, read, to_table

_BLOCK_BYTES = 4 << 20
"""Blocks of tables are no larger: some ten thousand names, a handful of small photographs, or one large one."""
_TOGETHER = 16
"""Photographs that a task or actor is given at a time, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How many actors hold the network.

    Attributes:
        minimum, maximum: Ray starts and stops them between these, as the work asks for.
        num_gpus: of each; without any, the network runs on one core.
    """

    minimum: int = 1
    maximum: int | None = None
    num_gpus: float = 0.0

    @classmethod
    def parse(cls, text: str | None, num_gpus: float | None) -> Pool:
        """Read ``N`` or ``MIN:MAX``; None is one to as many as there are cores or GPUs for.

        Raises:
            UsageError: it is neither.
        """
        if text is None:
            return cls(num_gpus=num_gpus or 0.0)
        match = re.fullmatch(r"([1-9]\d*)(?::([1-9]\d*))?", text.strip())
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"--concurrency {text}: expected a number of networks, or MIN:MAX, as in 4 or 1:8.")
        return cls(minimum=int(match[1]), maximum=int(match[2] or match[1]), num_gpus=num_gpus or 0.0)


def colorize_on_cluster(
    plan: RemotePlan, work: Work, pool: Pool, must_stop: Callable[[], bool] = lambda: False
) -> Generator[Row]:
    """Yield a row for each photograph, in the order in which they end.

    Args:
        plan: what to do.
        work: how.
        pool: of actors with the network.
        must_stop: asked between rows; once true, what is under way is dropped.

    Raises:
        MissingExtraError: Ray is not installed.
        HueError: the cluster or a storage fails as a whole.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError("colorize", "ray", "ray") from error

    plan.stamp()
    owns = not ray.is_initialized()
    if owns:
        _connect(ray)
    stdout, sys.stdout = sys.stdout, cast("TextIO", _Apart(sys.stdout))
    try:
        yield from _rows(_stages(ray, plan, work, pool), plan, must_stop)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, HueError):
            raise cause from None
        said = (str(cause or error).strip().splitlines() or [type(error).__name__])[-1]
        raise HueError(
            f"Ray gave up ({said[:300]}). What is done is done; run the same line again to go on."
        ) from error
    finally:
        sys.stdout = stdout
        if owns:
            ray.shutdown()


class _Apart:
    """Standard output for the thread that made it; other threads', as Ray's of nodes that are lost, is an error's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._thread = threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream if threading.get_ident() == self._thread else sys.stderr, name)


def _connect(ray: Any) -> None:
    """Join the cluster that this machine belongs to, or make one of its cores."""
    quiet = {"log_to_driver": False, "logging_level": "error"}
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # hue says what matters in its own words
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), **quiet)
    except ConnectionError as error:
        if "RAY_ADDRESS" in os.environ:
            raise HueError(f"RAY_ADDRESS={os.environ['RAY_ADDRESS']}: no cluster answers ({error}).") from error
        ray.init(include_dashboard=False, **quiet)


def _stages(ray: Any, plan: RemotePlan, work: Work, pool: Pool) -> Any:
    """Return the data set of rows; nothing is done before it is read."""
    from ray.data import ActorPoolStrategy, DataContext

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = _BLOCK_BYTES
    context.max_errored_blocks = -1  # counted at the end: one photograph that kills its worker stops no others
    context.execution_options.preserve_order = False
    size = int(max(1, ray.cluster_resources().get("GPU" if pool.num_gpus else "CPU", 1)) // (pool.num_gpus or 1))
    actors = ActorPoolStrategy(min_size=pool.minimum, max_size=max(pool.minimum, pool.maximum or size))
    # On cores, the network's actors reserve none: they would keep it while they wait, and the tasks around them would
    # not get it. The system shares the cores among both.
    place = {"num_gpus": pool.num_gpus, "num_cpus": 1} if pool.num_gpus else {"num_cpus": 0}
    # The listing stays on this node: anywhere else it could be lost, and begun again with other results there.
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    shared = ray.put(work)
    with DataContext.current(context):
        rows = ray.data.read_datasource(_source(plan), override_num_blocks=1, num_cpus=0, label_selector=here)
        rows = rows.repartition(target_num_rows_per_block=_TOGETHER)
        rows = rows.map_batches(partial(read, shared), batch_format="pyarrow", batch_size=_TOGETHER, num_cpus=1)
        rows = rows.map_batches(
            Network,
            fn_constructor_args=(shared, bool(pool.num_gpus)),
            compute=actors,
            batch_format="pyarrow",
            batch_size=max(_TOGETHER, work.batch_size or 0),
            **place,
        )
        return rows.map_batches(partial(finish, shared), batch_format="pyarrow", batch_size=_TOGETHER, num_cpus=1)


def _rows(found: Any, plan: RemotePlan, must_stop: Callable[[], bool]) -> Iterator[Row]:
    seen, end = 0, None
    for table in found.iter_batches(batch_format="pyarrow", batch_size=None, prefetch_batches=0):
        for item in items_of(table):
            if isinstance(item, End):
                end = item
                plan.ignored += item.ignored
            else:
                seen += 1
                yield item
        if must_stop():
            return
    if end is not None and end.error:
        raise HueError(end.error)
    if end is None or seen < end.listed:
        raise HueError(
            f"{end.listed - seen if end else 'Some'} photographs have no result: workers died with them in their "
            "hands, again and again. Look for memory in Ray's logs; run the same line again for what is left."
        )


def _source(plan: RemotePlan) -> Any:
    """Return the listing as a source of Ray Data, of one task that streams."""
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    def listed() -> Iterator[Any]:
        block: list[object] = []
        count, error = 0, ""
        try:
            for step in plan.steps():
                block.append(step)
                count += 1
                if len(block) == _TOGETHER:
                    yield to_table(item=block)
                    block = []
        except HueError as refused:  # raised here, it would take the photographs along that are under way
            error = str(refused)
        yield to_table(item=[*block, End(count, plan.ignored, error)])

    class Listing(Datasource):  # type: ignore[misc]
        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            return [ReadTask(listed, BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None))]

        def estimate_inmemory_data_size(self) -> int | None:
            return None

    return Listing()
