"""Fetching a model for a command, after saying what comes from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hue_cli.cli.report import Reporter
    from hue_cli.weights.fetch import Transfer
    from hue_cli.weights.resolve import Absent, ModelFile


def accept_model(content: bytes, name: str) -> Mapping[str, Any]:
    """Open a model and run it once; return what it says about itself.

    Raises:
        WeightsError: it is no model of hue, or damaged.
    """
    from hue_cli.infer.session import open_session

    return asdict(open_session(content, name, "cpu").contract)


def obtain(report: Reporter, wanted: str | None) -> ModelFile:
    """Find a model by name or path; fetch it where it is not here.

    Raises:
        UnknownModelError: there is no such model.
        UsageError: it begins with ``hf:`` and does not go on like a repository's name.
        WeightsError: it cannot be fetched, or is refused.
    """
    from hue_cli.weights.resolve import Absent, find_model

    found = find_model(wanted)
    return fetch(report, found) if isinstance(found, Absent) else found


def fetch(report: Reporter, absent: Absent) -> ModelFile:
    """Fetch a model into the cache.

    Raises:
        WeightsError: it cannot be fetched, or is refused.
    """
    from hue_cli.offline import offline_switch
    from hue_cli.weights.fetch import fetch_model

    if offline_switch() is None:  # else it is refused, and nothing is fetched
        report.announce(f"Fetching the model {absent.name}{_size(absent)} from {say_place(absent)}, once.")
    return fetch_model(absent, transfer(report))


def transfer(report: Reporter) -> Transfer:
    """Return how this command fetches: with a bar where it would draw its own."""
    from hue_cli.weights.fetch import Transfer

    return Transfer(
        accept=accept_model,
        on_wait=lambda: report.note("Another hue is fetching the same model; waiting for it."),
        progress=report.shows_progress,
    )


def say_place(absent: Absent) -> str:
    """Return where a model would come from, as in ``hf:ORG/REPO@main at https://huggingface.co``."""
    from hue_cli.weights.hub import endpoint

    return f"{absent.hub} at {endpoint()}"


def _size(absent: Absent) -> str:
    return f" ({absent.weight.size / 1e6:.1f} MB)" if absent.weight is not None else ""
