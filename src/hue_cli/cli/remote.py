"""What ``hue colorize`` does with URLs, and on clusters."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hue_cli.cli.tally import Tally
    from hue_cli.infer.job import Row
    from hue_cli.infer.naming import Naming
    from hue_cli.infer.steps import Settings, Steps
    from hue_cli.remote.plan import RemotePlan
    from hue_cli.weights.resolve import Absent, ModelFile

_MORE_WORKERS = 4
"""Threads beyond one a core: some wait for the storage."""
_NO_MATTER = ("max_pixels", "keeps_times", "provenance")
"""Settings that change which photographs have results, or nothing in their pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where the work is done.

    Attributes:
        is_cluster: on a Ray cluster, not on this machine.
        num_gpus: of each network there.
        concurrency: how many networks there, as it was typed.
    """

    is_cluster: bool
    num_gpus: float | None
    concurrency: str | None

    def check(self) -> None:
        """Refuse options of a cluster where there is none, before anything is read.

        Raises:
            UsageError: there are some, or they make no sense.
        """
        from hue_cli.remote.cluster import Pool

        if not self.is_cluster and (self.num_gpus is not None or self.concurrency is not None):
            raise UsageError("--num-gpus and --concurrency belong to --engine ray.")
        Pool.parse(self.concurrency, self.num_gpus)

    def takes(self, *places: str | None) -> bool:
        """Whether these inputs and outputs are not for the ordinary way: a cluster's, or URLs."""
        return self.is_cluster or any(place is not None and "://" in place for place in places)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run works, as it was typed.

    Attributes:
        model: the model's file.
        settings: how photographs are colorized.
        device, provider: where the network runs.
        batch_size, workers: None is what suits.
    """

    model: ModelFile
    settings: Settings
    device: str
    provider: str | None
    batch_size: int | None
    workers: int | None


def plan_remote(inputs: Sequence[str], output: str | None, naming: Naming, *, keeps_times: bool) -> RemotePlan:
    """Sort out inputs of which one is a URL, or whose results go to one, or that a cluster colorizes.

    Raises:
        UsageError: the options do not go with URLs, or the inputs do not exist.
        HueError: a storage refuses.
    """
    from hue_cli.remote.plan import RemotePlan

    if "-" in (*inputs, output):
        raise UsageError("- does not go with URLs and clusters: fetch the picture with the storage's own program.")
    if keeps_times:
        raise UsageError("--preserve-times does not go with URLs and clusters: storage keeps its own times.")
    return RemotePlan.make(inputs, output, naming)


def facts_of(settings: Settings, naming: Naming, model: ModelFile | Absent) -> dict[str, Any]:
    """Return what decides the content of results, as plain data for JSON."""
    from hue_cli.weights.resolve import Absent

    content = b"" if isinstance(model, Absent) else model.read()
    facts = {name: value for name, value in asdict(settings).items() if name not in _NO_MATTER}
    return facts | {
        "model": model.name,
        "model_sha256": hashlib.sha256(content).hexdigest(),
        "provenance": settings.provenance is not None,
        "format": naming.extension,
        "compare": naming.compare,
    }


def colour_remote(steps: Steps, plan: RemotePlan, run: Run, tally: Tally) -> Generator[Row]:
    """Colorize on this machine what lies elsewhere."""
    from hue_cli.infer.cores import usable_cores
    from hue_cli.infer.folder import FolderColorizer
    from hue_cli.remote.task import fetch_ahead

    colorizer = FolderColorizer(
        steps,
        batch_size=run.batch_size or steps.session.batch_size,
        workers=run.workers or usable_cores() + _MORE_WORKERS,
        takes_digests=tally.keeps_report,
    )
    return colorizer.run_tasks(fetch_ahead(plan.steps()), lambda: tally.stop.is_asked)


def colour_on_cluster(engine: Engine, plan: RemotePlan, run: Run, tally: Tally) -> Generator[Row]:
    """Colorize on a Ray cluster."""
    from hue_cli.infer.session import open_session
    from hue_cli.remote.cluster import Pool, colorize_on_cluster
    from hue_cli.remote.stages import Work

    content = run.model.read()
    work = Work(
        model=content,
        name=run.model.name,
        contract=open_session(content, run.model.name, "cpu", threads=1).contract,
        settings=run.settings,
        device=run.device,
        provider=run.provider,
        batch_size=run.batch_size,
        takes_digests=tally.keeps_report,
    )
    pool = Pool.parse(engine.concurrency, engine.num_gpus)
    return colorize_on_cluster(plan, work, pool, lambda: tally.stop.is_asked)
