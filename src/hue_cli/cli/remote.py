"""What ``hue colorize`` does with URLs."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hue_cli.cli.tally import Tally
    from hue_cli.infer.job import Row
    from hue_cli.infer.plan import Naming
    from hue_cli.infer.steps import Settings, Steps
    from hue_cli.remote.plan import RemotePlan
    from hue_cli.weights.resolve import ModelFile

_MORE_WORKERS = 4
"""Threads beyond one a core: some wait for the storage."""
_NO_MATTER = ("max_pixels", "keeps_times", "provenance")
"""Settings that change which photographs have results, or nothing in their pixels."""


def is_remote(*places: str | None) -> bool:
    """Whether an input or output of the command line is a URL."""
    return any(place is not None and "://" in place for place in places)


def plan_remote(inputs: Sequence[str], output: str | None, naming: Naming, *, keeps_times: bool) -> RemotePlan:
    """Sort out inputs of which one is a URL, or whose results go to one.

    Raises:
        UsageError: the options do not go with URLs, or the inputs do not exist.
        HueError: a storage refuses.
    """
    from hue_cli.remote.plan import RemotePlan

    if "-" in (*inputs, output):
        raise UsageError("- does not go with URLs: fetch the picture with the storage's own program, and pipe it.")
    if keeps_times:
        raise UsageError("--preserve-times does not go with URLs: storage gives each object the time it was put.")
    return RemotePlan.make(inputs, output, naming)


def facts_of(settings: Settings, naming: Naming, model: ModelFile) -> dict[str, Any]:
    """Return what decides a result's content, as plain data for JSON."""
    facts = {name: value for name, value in asdict(settings).items() if name not in _NO_MATTER}
    return facts | {
        "model": model.name,
        "model_sha256": hashlib.sha256(model.read()).hexdigest(),
        "provenance": settings.provenance is not None,
        "format": naming.extension,
        "compare": naming.compare,
    }


def colour_remote(
    steps: Steps, plan: RemotePlan, batch_size: int | None, workers: int | None, tally: Tally
) -> Generator[Row]:
    """Colorize on this machine what lies elsewhere."""
    from hue_cli.infer.cores import usable_cores
    from hue_cli.infer.folder import FolderColorizer
    from hue_cli.remote.task import fetch_ahead

    run = FolderColorizer(
        steps,
        batch_size=batch_size or steps.session.batch_size,
        workers=workers or usable_cores() + _MORE_WORKERS,
        takes_digests=tally.keeps_report,
    )
    return run.run_tasks(fetch_ahead(plan.steps()), lambda: tally.stopping)
