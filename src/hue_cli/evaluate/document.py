"""The outcome of a scoring as plain data, and as a table in Markdown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from hue_cli.data.manifest import sha256_of
from hue_cli.evaluate.intervals import LEVEL, RESAMPLES, SEED, Estimate, Interval
from hue_cli.evaluate.load import Model
from hue_cli.evaluate.outputs import Findings, OutputFolder
from hue_cli.evaluate.protocol import Treatment
from hue_cli.evaluate.table import Difference, Evaluation, Row, departures_of, head_of
from hue_cli.images.write import replacing

METHOD = "percentile bootstrap over photos; the same draws for every row"


def to_data(evaluation: Evaluation) -> dict[str, Any]:
    """Return all of it as plain data for JSON; figures that do not exist are null."""
    protocol = evaluation.protocol
    return {
        "protocol": {"name": protocol.name, "side": protocol.side, "rules": list(protocol.rules)},
        "dataset": evaluation.dataset,
        "photos": evaluation.photos,
        "skipped": [{"name": name, "reason": reason} for name, reason in evaluation.skipped],
        "metrics": {
            metric.name: {"unit": metric.unit, "higher_is_better": metric.higher_is_better, "source": metric.source}
            for metric in evaluation.metrics
        },
        "intervals": {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "method": METHOD},
        "rows": [_row(row) for row in evaluation.rows],
        "differences": [_difference(each) for each in evaluation.differences],
        "models": {name: _model(model) for name, model in evaluation.models.items()},
        "outputs": {name: _outputs(*found) for name, found in evaluation.outputs.items()},
    }


def _row(row: Row) -> dict[str, Any]:
    share = row.share
    return {
        "label": row.label,
        "kind": row.kind.value,
        "model": row.model or None,
        "treatment": row.treatment.value if row.treatment else None,
        "scores": {name: _number(value) for name, value in row.scores.items()},
        "intervals": {name: _ends(interval) for name, interval in row.intervals.items()},
        "photos": dict(row.photos),
        "share_of_truth_colour": _number(share.value) if share else None,
        "share_of_truth_colour_interval": _ends(share.interval) if share else None,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "row": difference.row,
        "against": difference.against,
        "figures": {name: _estimate(found) for name, found in difference.figures.items()},
        "share_of_truth_colour": _estimate(difference.share),
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "difference": _number(estimate.value),
        "interval": _ends(estimate.interval),
        "photos": estimate.photos,
    }


def _ends(interval: Interval | None) -> list[float | None] | None:
    return None if interval is None else [_number(interval.low), _number(interval.high)]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _model(model: Model) -> dict[str, Any]:
    recipe = model.recipe
    return {
        "origin": str(model.origin),
        "sha256": sha256_of(model.origin) if model.origin.is_file() else None,
        "gain": model.gain,
        "recipe": recipe.name if recipe else None,
        "digest": model.digest,
        "size": model.rule.size,
        "paper": {
            "title": recipe.source.title,
            "where": recipe.source.where,
            "figures": dict(recipe.source.figures),
            "acceptance": recipe.source.acceptance or None,
            "curves": list(recipe.source.curves),
            "treatment": Treatment.RAW.value,
        }
        if recipe
        else None,
        "departures": list(departures_of(model)),
    }


def _outputs(folder: OutputFolder, findings: Findings) -> dict[str, Any]:
    return {
        "folder": str(folder.path),
        "scored": findings.scored,
        "matched_by": "file name" if findings.by_file_name else "path",
        "missing": findings.missing,
        "extra": findings.extra,
        "broken": findings.broken,
        "resized": findings.resized,
    }


def write_markdown(evaluation: Evaluation, path: Path) -> None:
    """Write :func:`to_markdown` into a file.

    Raises:
        ImageError: the file cannot be written.
    """
    with replacing(path) as stream:
        stream.write(to_markdown(evaluation).encode())


def to_markdown(evaluation: Evaluation) -> str:
    """Return the table, the differences and the notes in Markdown; intervals in brackets."""
    metrics = evaluation.metrics
    heads = ["", *(head_of(metric) for metric in metrics), "colour of the truth's"]
    lines = [[_escaped(row.label), *_cells(evaluation, row)] for row in evaluation.rows]
    parts = [
        f"**{_escaped(evaluation.dataset)}: {evaluation.photos:,} photos, protocol `{evaluation.protocol.name}`**",
        _table(heads, lines),
    ]
    if evaluation.differences:
        lines = [
            [_escaped(f"{each.row} − {each.against}"), *_difference_cells(evaluation, each)]
            for each in evaluation.differences
        ]
        parts.append(_table(["paired difference", *heads[1:]], lines))
    parts.append(f"In brackets: {LEVEL:.0%} intervals ({METHOD}, {RESAMPLES:,} draws).")
    parts += ["  \n".join(_escaped(line) for line in note.splitlines()) for note in evaluation.notes()]
    return "\n\n".join(parts) + "\n"


def _cells(evaluation: Evaluation, row: Row) -> list[str]:
    cells = [
        _figure(row.scores.get(metric.name), row.intervals.get(metric.name), metric.decimals)
        for metric in evaluation.metrics
    ]
    share = row.share
    return [*cells, _figure(share.value, share.interval, 1, percent=True) if share else ""]


def _difference_cells(evaluation: Evaluation, difference: Difference) -> list[str]:
    cells = []
    for metric in evaluation.metrics:
        found = difference.figures.get(metric.name)
        cells.append(_figure(found.value, found.interval, metric.decimals, signed=True) if found else "")
    share = difference.share
    return [*cells, _figure(share.value, share.interval, 1, percent=True, signed=True)]


def _figure(
    value: float | None, interval: Interval | None, decimals: int, *, percent: bool = False, signed: bool = False
) -> str:
    if value is None or not math.isfinite(value):
        return ""
    form = f"{'+' if signed else ''}.{decimals}{'%' if percent else 'f'}"
    text = format(value, form)
    if interval is not None:
        text += f" [{format(interval.low, form)}, {format(interval.high, form)}]"
    return text.replace("-", "−")


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escaped(text: str) -> str:
    """Keep names of files from being taken for Markdown or HTML."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.splitlines())
