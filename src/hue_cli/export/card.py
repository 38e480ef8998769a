"""The page of a released model: everything a person must know before using it, out of the run's own record."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from hue_cli.export.run import Exported
from hue_cli.export.scores import Figures, Scores
from hue_cli.models.trained import TrainedRun
from hue_cli.recipes.changes import told_departures
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.specs import ResNet18AutoencoderSpec

_DIGITS = 4


def write_card(
    name: str, run: TrainedRun, exported: Exported, scores: Scores | None, data_note: str = "", notes: str = ""
) -> str:
    """Return the model card in Markdown.

    Args:
        name: of the model.
        run: where it was trained.
        exported: its file.
        scores: on photographs that it was not trained on; None if it was not scored.
        data_note: Markdown about the training photographs and their terms.
        notes: Markdown about this model alone.
    """
    recipe = run.recipe
    parts = [
        f"# {name}\n",
        f"{recipe.summary[0].upper()}{recipe.summary[1:]}. Recipe `{recipe.name}`, after *{recipe.source.title}* "
        f"({recipe.source.where}).\n",
        f"    hue colorize old_photos/ --model {name}\n",
        _facts(run, exported),
        notes.strip() + "\n" if notes else "",
        _scores(recipe, scores) if scores else "## Scores\n\nNot measured yet.\n",
        _departures(recipe),
        _training(run),
        f"## Licence\n\nWeights: {exported.contract.licence or 'not stated'}. The code of hue is Apache-2.0.\n",
    ]
    if data_note:
        parts.append(data_note.strip() + "\n")
    return "\n".join(part for part in parts if part)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def _facts(run: TrainedRun, exported: Exported) -> str:
    contract = exported.contract
    rows = [
        ("file", f"`{exported.path.name}`, {exported.size / 1e6:.1f} MB, weights stored as {exported.precision}"),
        ("SHA-256", f"`{exported.sha256}`"),
        ("recipe's digest", f"`{contract.digest}`"),
        (
            "size",
            f"short side {contract.size} pixels by default; sides are padded to multiples of {contract.multiple_of}",
        ),
        (
            "largest difference from PyTorch",
            f"{exported.difference:.2g} units of a* or b* (allowed: {exported.bound:g})",
        ),
    ]
    if run.gain != 1:
        rows.append(("chroma", f"as used, × {run.gain:g}: {_boldness(run.facts['calibration'])}"))
    if isinstance(run.facts.get("parameters"), int):
        rows.insert(0, ("parameters", f"{run.facts['parameters']:,}"))
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]) + "\n"


def _boldness(found: Mapping[str, Any]) -> str:
    """Say what a gain does, as :class:`hue_cli.train.boldness.Boldness` found it."""
    return (
        f"{found['colour_share']:.0%} of the truth's colour on the validation photos in place of "
        f"{found['colour_share_before']:.0%}, for {max(0.0, -found['psnr']):.2f} dB of PSNR"
    )


def _scores(recipe: Recipe, scores: Scores) -> str:
    columns = {
        "as used": _printed(scores.used),
        "raw": _printed(scores.raw),
        "grey": _printed(scores.grey),
        "truth": _printed(scores.truth),
        "paper (raw)": _printed(recipe.source.figures) | dict.fromkeys(recipe.source.curves, "curve only"),
    }
    shown = {head: cells for head, cells in columns.items() if cells}
    names = [name for name in scores.units if any(name in cells for cells in shown.values())]
    rows = []
    for name in names:
        label = f"{name} ({scores.units[name]})" if scores.units[name] else name
        rows.append([label, *(cells.get(name, "–") for cells in shown.values())])
    share = (
        ""
        if scores.colour_share is None
        else (f"As used, its pictures have {scores.colour_share:.0%} of the truth's colourfulness. ")
    )
    study = f" Public acceptance in its user study: {recipe.source.acceptance}." if recipe.source.acceptance else ""
    return (
        f"## Scores\n\nOn {scores.photos:,} photographs of `{scores.dataset}` that it was not trained on, under the "
        f"rules `{scores.protocol}`.\n\n{_table(['', *shown], rows)}\n{share}*As used*: the photograph keeps its own "
        "lightness, as `hue colorize` does. *Raw*: the picture as the network painted it, as papers score it. *Grey*: "
        "the same photographs in black and white, the score of doing nothing. The paper's figures are from its own "
        f"photographs.{study}\n"
    )


def _printed(figures: Figures) -> dict[str, str]:
    return {name: f"{value:.{_DIGITS}g}" for name, value in figures.items()}


def _departures(recipe: Recipe) -> str:
    departures = told_departures(recipe)
    if not departures:
        return ""
    return "## Departures from the paper\n\n" + "".join(f"- {departure}\n" for departure in departures)


def _training(run: TrainedRun) -> str:
    facts = run.facts
    encoder = encoder_weights_of(run.recipe, facts)
    told = [
        ("on", run.training_data),
        ("begun with", _init(facts.get("init"))),
        ("encoder", "from scratch, without ImageNet's weights" if encoder == "none" else encoder),
        ("photos seen", _number(facts.get("photos_seen"))),
        ("epochs", _number(facts.get("epochs_seen"))),
        ("minutes", _number(facts.get("minutes"))),
        ("device", facts.get("device")),
        ("arithmetic", facts.get("precision")),
        ("seed", _number(facts.get("seed"))),
        ("versions", _versions(facts.get("versions"))),
        ("validation", _metrics(facts.get("metrics"))),
    ]
    lines = "".join(f"- {name}: {value}\n" for name, value in told if value)
    command = typed_again(facts.get("command"))
    return f"## Training\n\n{f'    {command}{chr(10) * 2}' if command else ''}{lines}"


def encoder_weights_of(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    """Return what an encoder began with, ``none`` for from scratch.

    Empty where there is no encoder, or where all began with a run's weights.
    """
    has_one = isinstance(recipe.net, ResNet18AutoencoderSpec) or hasattr(recipe.net, "encoder")
    return str(facts.get("encoder_weights", "none")) if has_one and not facts.get("init") else ""


def _init(init: Any) -> str:
    """Say whose weights a run began with; empty where it began afresh."""
    if not isinstance(init, Mapping):
        return ""
    steps = f", after {init['steps']:,} steps" if isinstance(init.get("steps"), int) else ""
    recipe = f" of recipe `{init['recipe']}`{steps}" if "recipe" in init else ""
    return f"the weights of `{typed_again([init.get('weights')])}`{recipe}, SHA-256 `{init.get('sha256')}`"


def typed_again(command: object) -> str:
    """Return the command line of a run; of absolute paths, which mean nothing elsewhere, only the last part."""
    if not isinstance(command, list):
        return ""
    return shlex.join(PurePath(str(word)).name if PurePath(str(word)).is_absolute() else str(word) for word in command)


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else ""


def _versions(versions: Any) -> str:
    if not isinstance(versions, Mapping):
        return ""
    return ", ".join(f"{name} {version}" for name, version in versions.items() if name != "platform")


def _metrics(metrics: Any) -> str:
    if not isinstance(metrics, Mapping):
        return ""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.{_DIGITS}g}" for name, value in numbers.items())
