"""The outcome of a scoring: rows beside the paper's, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hue_cli.evaluate.intervals import Estimate, Interval
from hue_cli.evaluate.load import Model
from hue_cli.evaluate.outputs import Findings, OutputFolder
from hue_cli.evaluate.protocol import Protocol, Treatment
from hue_cli.metrics.metric import Floats, Metric
from hue_cli.recipes.changes import told_departures
from hue_cli.recipes.stamps import is_stamp_of

COLOUR = "cf-abs"
"""The metric by which the share of the truth's colour is taken."""

SHARE_HEAD = "colour of truth's (%)"
PLUS_MINUS = "  ± (95 %)"

Cell = str | float | None


class Kind(StrEnum):
    """What a row is about."""

    TRUTH = "truth"
    """The true photographs themselves."""
    BASELINE = "baseline"
    """Every photograph in black and white."""
    MODEL = "model"
    """Measured now."""
    RECORDED = "recorded"
    """Measured when the model was filed, on the photographs that its label names."""
    OUTPUT = "output"
    """Pictures that some tool had made before, measured now."""
    PAPER = "paper"
    """Printed in a paper, on photographs of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        label: first cell.
        kind: where the figures come from.
        scores: metric name to value.
        photos: metric name to the number of photographs measured; empty for figures from elsewhere.
        intervals: metric name to the 95 % interval of its value, where there is one.
        share: colourfulness (cf-abs) as a share of the truth's on the same photographs; None for figures from
            elsewhere, which are of other photographs than this truth.
        treatment: of a network's output; None for the truth, the baseline and outputs.
        model: name of the model or the outputs it belongs to; empty for the truth and the baseline.
    """

    label: str
    kind: Kind
    scores: Mapping[str, float]
    photos: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    share: Estimate | None = None
    treatment: Treatment | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one row has more than another, on the photographs that both were measured on.

    Attributes:
        row: label of the one.
        against: label of the other, which is subtracted.
        figures: metric name to the difference.
        share: difference of the shares of the truth's colour.
    """

    row: str
    against: str
    figures: Mapping[str, Estimate]
    share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that a scoring found out.

    Attributes:
        protocol: the rules.
        dataset: name of the photographs.
        names: of the photographs that were scored, in the data set's order.
        skipped: name of every file that could not be read, and why.
        metrics: in the order of the columns.
        rows: the truth, the baseline, then each model with its paper.
        single: label of a row that was measured and name of a metric to the numbers of the photographs, ``(photos,)``;
            metrics of the whole set are not among them.
        models: by the name that rows use.
        outputs: folders of finished pictures and what was found out about them, likewise.
        differences: of every model and folder to one of them; empty if there is only one.
    """

    protocol: Protocol
    dataset: str
    names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    single: Mapping[str, Mapping[str, Floats]]
    models: Mapping[str, Model]
    outputs: Mapping[str, tuple[OutputFolder, Findings]] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    @property
    def photos(self) -> int:
        """How many photographs were scored."""
        return len(self.names)

    def columns(self) -> list[str]:
        """Return the table's column heads."""
        return ["", *(head_of(metric) for metric in self.metrics), SHARE_HEAD]

    def cells(self) -> list[list[Cell]]:
        """Return the table's rows, each with half the widths of its 95 % intervals in a row below it."""
        lines: list[list[Cell]] = []
        for row in self.rows:
            share = None if row.share is None else 100 * row.share.value
            figures = [_rounded(row.scores.get(metric.name), metric.decimals) for metric in self.metrics]
            lines.append([row.label, *figures, _rounded(share, 1)])
            if row.intervals:
                halves = [_half(row.intervals.get(metric.name), metric.decimals) for metric in self.metrics]
                lines.append([PLUS_MINUS, *halves, _half(row.share.interval if row.share else None, 1, 100)])
        return lines

    def difference_cells(self) -> list[list[Cell]]:
        """Return the rows of a table of the differences, under the same heads and likewise."""
        lines: list[list[Cell]] = []
        for each in self.differences:
            found = [(each.figures.get(metric.name), metric.decimals) for metric in self.metrics]
            figures = [_rounded(figure.value if figure else None, decimals) for figure, decimals in found]
            halves = [_half(figure.interval if figure else None, decimals) for figure, decimals in found]
            lines.append([f"{each.row} − {each.against}", *figures, _rounded(100 * each.share.value, 1)])
            lines.append([PLUS_MINUS, *halves, _half(each.share.interval, 1, 100)])
        return lines

    def notes(self) -> list[str]:
        """Return what must be read with the table: sources, departures, photographs left out of a mean."""
        return [*self._part_of_the_photos(), *self._outputs(), *self._papers(), *self._departures()]

    def _part_of_the_photos(self) -> list[str]:
        """Say which means are over fewer photographs than there are: some are too small, or show no skin."""
        most: dict[str, int] = {}
        for row in self.rows:
            for name, count in row.photos.items():
                most[name] = max(count, most.get(name, 0))
        return [
            f"{name} is the mean of {count} of the {self.photos} photos: for the others it is not defined."
            for name, count in most.items()
            if 0 < count < self.photos
        ]

    def _outputs(self) -> list[str]:
        notes: list[str] = []
        for name, (_, findings) in self.outputs.items():
            said = {
                "photos have no picture in it": findings.missing,
                "pictures cannot be read": [*findings.broken],
                "pictures have another shape than their photo and were resized to it": [
                    f"{photo} ({size})" for photo, size in findings.resized.items()
                ],
                "pictures belong to no photo": findings.extra,
            }
            notes += [f"{name}: {len(names)} {what}: {_first(names)}" for what, names in said.items() if names]
            if findings.by_file_name:
                notes.append(f"{name}: matched by file name alone, because no path below the folders agrees.")
            if findings.incomplete:
                notes.append(
                    f"{name}: its means are over {findings.scored} of the {self.photos} photos; "
                    "differences are over those that both rows have."
                )
        return notes

    def _papers(self) -> list[str]:
        sources = {name: model.recipe.source for name, model in self.models.items() if model.recipe}
        notes: dict[str, None] = {
            f"The paper's figures are its own, raw, on its own photos: {source.title} ({source.where}).": None
            for source in sources.values()
            if source.figures
        }
        for name, source in sources.items():
            if source.acceptance:
                notes[f"{name}: public acceptance in its paper's user study: {source.acceptance}."] = None
            if source.curves:
                curves = f"{', '.join(source.curves)}: {source.title} ({source.where})"
                notes[f"{name}: its paper prints no figures, curves only of {curves}."] = None
        return list(notes)

    def _departures(self) -> list[str]:
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, model in self.models.items():
            if departures := departures_of(model):
                groups.setdefault(departures, []).append(name)
        return [
            "\n".join([f"{', '.join(names)}: departures from the paper", *(f"  - {line}" for line in departures)])
            for departures, names in groups.items()
        ]


def departures_of(model: Model) -> tuple[str, ...]:
    """Return the sentences on what differs from the paper, and on what this training changed in the recipe."""
    if model.recipe is None:
        return ()
    if is_stamp_of(model.recipe, model.digest):
        return told_departures(model.recipe)
    # An ONNX file only knows that something differs.
    return (*model.recipe.departures, "This training changed the recipe.")


def paper_row(label: str, model: Model, name: str, metrics: Sequence[Metric]) -> Row | None:
    """Return the paper's figures among these metrics as a row; None if it prints none of them."""
    figures = model.recipe.source.figures if model.recipe else {}
    scores = {metric.name: figures[metric.name] for metric in metrics if metric.name in figures}
    return Row(label=label, kind=Kind.PAPER, scores=scores, treatment=Treatment.RAW, model=name) if scores else None


def head_of(metric: Metric) -> str:
    """Return the head of a metric's column: its name, unit and which way is better."""
    return f"{metric.name}{f' ({metric.unit})' if metric.unit else ''}{_arrow(metric)}"


def _first(names: Sequence[str], most: int = 5) -> str:
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])


def _half(interval: Interval | None, decimals: int, scale: float = 1.0) -> float | None:
    return None if interval is None else _rounded(interval.half * scale, decimals)


def _arrow(metric: Metric) -> str:
    return {True: " ↑", False: " ↓", None: ""}[metric.higher_is_better]


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, decimals)
