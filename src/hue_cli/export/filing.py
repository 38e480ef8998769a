"""A trained run put among the released weights: file, card, configuration and a line in the index."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hue_cli.errors import UsageError, WeightsError
from hue_cli.export.card import typed_again, write_card
from hue_cli.export.run import Exported, Precision, export_run
from hue_cli.export.scores import Scores
from hue_cli.images.write import replacing
from hue_cli.models.trained import TrainedRun
from hue_cli.weights.registry import INDEX_NAME, Weight

DATA_NOTE = "PHOTOS.md"
"""Beside the index: what the training photographs show and under which terms they stand; ends every card."""
OWN_NOTE = "NOTES.md"
"""In a model's folder, written by hand: what its pictures look like and what it is bad at; part of its card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """Where and how a model is released.

    Attributes:
        weights: folder with ``index.json``; made if it does not exist.
        name: of the model.
        licence: of its weights.
        bundled: whether it travels inside the package.
        default: whether it becomes the model that is used where none is named.
    """

    weights: Path
    name: str
    licence: str
    bundled: bool = False
    default: bool = False


def file_run(
    run: TrainedRun, filing: Filing, *, scores: Scores | None, precision: Precision = Precision.AUTO, opset: int
) -> Exported:
    """Export a run into ``WEIGHTS/NAME/`` and note it in the index, last of all, so that what it lists is there.

    Raises:
        UsageError: the name is none that a folder and a command line can have.
        WeightsError: the index that is there is damaged.
        CheckpointError: the run is damaged.
        ParityError: the graph does not paint what the network paints.
        ImageError: a file cannot be written.
    """
    if not re.fullmatch(r"[a-z0-9]+(?:[-.@][a-z0-9]+)*", filing.name):
        raise UsageError(
            f"--name {filing.name}: expected small letters, digits and hyphens, as in residual-curriculum."
        )
    _read_index(filing.weights / INDEX_NAME)  # a damaged one is better found before the work than after
    folder = filing.weights / filing.name
    exported = export_run(
        run,
        folder / "model.onnx",
        precision=precision,
        opset=opset,
        licence=filing.licence,
        metrics=scores.to_metrics() if scores else None,
        scored_on=scores.photographs if scores else "",
    )
    data_note, notes = (
        note.read_text(encoding="utf-8") if note.is_file() else ""
        for note in (filing.weights / DATA_NOTE, folder / OWN_NOTE)
    )
    write_text(folder / "README.md", write_card(filing.name, run, exported, scores, data_note, notes))
    write_text(folder / "config.json", to_json(describe(filing, run, exported, scores)))
    note_in_index(filing, exported)
    return exported


def note_in_index(filing: Filing, exported: Exported) -> None:
    """Add the model to ``index.json``, or replace its entry; other entries stay as they are.

    Raises:
        WeightsError: the index that is there is damaged.
        ImageError: the file cannot be written.
    """
    index = _read_index(filing.weights / INDEX_NAME)
    weight = Weight(
        name=filing.name,
        file=f"{filing.name}/model.onnx",
        size=exported.size,
        sha256=exported.sha256,
        licence=filing.licence,
        bundled=filing.bundled,
        metrics=exported.contract.metrics,
        scored_on=exported.contract.scored_on,
    )
    before = index["models"].get(filing.name, {})
    # Where the same file lies on the hub, and how fast it is, stays true.
    kept = {key: before[key] for key in ("hub", "speed") if key in before} if _is_same(before, weight) else {}
    index["models"][filing.name] = weight.to_entry() | kept
    if filing.default or index.get("default") is None:
        index["default"] = filing.name
    write_text(filing.weights / INDEX_NAME, to_json(index))


def _is_same(entry: object, weight: Weight) -> bool:
    return isinstance(entry, dict) and entry.get("sha256") == weight.sha256


def _read_index(path: Path) -> dict[str, Any]:
    """Read the index as it is: entries that this version does not know are kept."""
    if not path.exists():
        return {"default": None, "models": {}}
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        models: object = index["models"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: the list of models cannot be read ({error!r}). Restore the file.") from error
    if not isinstance(models, dict):
        raise WeightsError(f"{path}: 'models' must be an object, found {models!r:.40}. Restore the file.")
    return {**index, "default": index.get("default")}


def describe(filing: Filing, run: TrainedRun, exported: Exported, scores: Scores | None) -> dict[str, Any]:
    """Return what programs may want to know about the model: its ``config.json``."""
    versions = run.facts.get("versions")
    kept = (
        "seed",
        "encoder_weights",
        "dataset",
        "photos",
        "steps",
        "photos_seen",
        "epochs_seen",
        "minutes",
        "device",
        "precision",
        "metrics",
    )
    return {
        "name": filing.name,
        "sha256": exported.sha256,
        "size": exported.size,
        "contract": asdict(exported.contract),
        "recipe": run.recipe.to_dict(),
        "training": {
            "command": typed_again(run.facts.get("command")),
            "versions": {k: v for k, v in versions.items() if k != "platform"} if isinstance(versions, dict) else {},
            **{key: run.facts[key] for key in kept if key in run.facts},
            "init": _without_folder(run.facts.get("init")),
            "gain": run.gain,
        },
        "parity": {"largest_difference": exported.difference, "bound": exported.bound},
        "scores": scores.to_dict() if scores else None,
    }


def _without_folder(init: object) -> object:
    """Return what a run began with, whose path means nothing elsewhere."""
    if not isinstance(init, dict):
        return None
    return {**init, "weights": typed_again([init.get("weights", "")])}


def to_json(data: object) -> str:
    """Return JSON for people too: indented, letters as they are."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file in one step.

    Raises:
        ImageError: it cannot be written.
    """
    with replacing(path) as file:
        file.write(text.encode())
