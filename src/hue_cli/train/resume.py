"""Going on with a run: with the options that it was started with, on the photos that it was started on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from hue_cli.errors import CheckpointError
from hue_cli.recipes import find_recipe
from hue_cli.recipes.parse import parse_recipe
from hue_cli.recipes.schema import Recipe
from hue_cli.train.checkpoint import RUN, STATE
from hue_cli.train.options import DEFAULT_MODEL, Options, usual_folder

CHANGEABLE = frozenset({"output", "dataset", "val", "device", "precision", "max_minutes", "micro_batch_size"})
"""Options that may be given anew. Photos may lie elsewhere by now: :func:`check_photos` sees that they are the same."""


def recall(given: Mapping[str, Any]) -> Options:
    """Return the options of the run that is to go on, and what the command line changes of them.

    Args:
        given: options that stand on the command line, by their name in :class:`Options`.

    Raises:
        CheckpointError: there is no run, or an option is not what it was started with.
        UsageError: no recipe has the name that is given.
    """
    folder = given.get("output") or _usual_folder(given)
    if not (folder / STATE).exists():
        raise CheckpointError(f"{folder}: expected an interrupted run, found none. Name its folder with --output.")
    options = read_record(folder).get("options")
    if not isinstance(options, dict) or not options.get("dataset"):
        raise _damaged(folder, "it has no options")
    known = {field.name for field in fields(Options)}
    started = {name: tuple(x) if isinstance(x, list) else x for name, x in options.items() if name in known}
    for name in given:
        if name not in CHANGEABLE and given[name] != started.get(name):
            raise CheckpointError(
                f"{_typed(name, given[name])}: the run in {folder} was started {_with(name, started.get(name))}. "
                "Resume it without this option, or train another into a folder of its own."
            )
    return Options(**{**started, **given, "output": folder, "resume": True})


def recall_recipe(folder: Path) -> Recipe:
    """Return the recipe that a run was started with; the one of that name may have changed since.

    Raises:
        CheckpointError: the record has none that can be read.
    """
    try:
        return parse_recipe(read_record(folder).get("recipe"))
    except ValueError as error:
        raise _damaged(folder, error) from error


def check_photos(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """See that a run goes on with its own photos.

    Args:
        folder: the run's.
        before: its record; empty for a run that begins.
        now: number and digest of the photos to train and to validate on, as the record has them under ``photos``.

    Raises:
        CheckpointError: they are others, by number or name.
    """
    recorded = before.get("photos", {})
    for part in ("train", "val"):
        digest = f"{part}_digest"
        if digest in recorded and recorded[digest] != now[digest]:
            raise CheckpointError(
                f"{folder}: the run was started with {recorded[part]:,} photos of digest {recorded[digest][:12]} "
                f"({part}), and there are now {now[part]:,} of digest {now[digest][:12]}. Resume it with the same "
                "photos, named with --dataset and --val if they have moved, or train another into a folder of its own."
            )


def read_record(folder: Path) -> dict[str, Any]:
    """Read ``run.json``.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        record = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error
    if not isinstance(record, dict):
        raise _damaged(folder, "it is no object")
    return record


def _damaged(folder: Path, reason: object) -> CheckpointError:
    return CheckpointError(
        f"{folder / RUN}: expected the record of an interrupted run ({reason}). Train afresh into another folder."
    )


def _usual_folder(given: Mapping[str, Any]) -> Path:
    recipe = find_recipe(given.get("model", DEFAULT_MODEL))
    return usual_folder(recipe.name, given.get("seed", recipe.seed))


def _typed(name: str, value: object) -> str:
    return f"--{name.replace('_', '-')} {value}"


def _with(name: str, value: object) -> str:
    return "without it" if value is None else f"with {_typed(name, value)}"
