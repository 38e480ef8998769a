"""The outcome of a scoring: rows beside the paper's, for people and for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hue_cli.evaluate.load import Model
from hue_cli.evaluate.protocol import Protocol, Treatment
from hue_cli.metrics.metric import Metric
from hue_cli.recipes import RECIPES

COLOUR = "cf-abs"
"""The metric by which the share of the truth's colour is taken."""


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
        treatment: of a network's output; None for the truth and the baseline.
        model: name of the model it belongs to; empty for the truth and the baseline.
    """

    label: str
    kind: Kind
    scores: Mapping[str, float]
    photos: Mapping[str, int] = field(default_factory=dict)
    treatment: Treatment | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that a scoring found out.

    Attributes:
        protocol: the rules.
        dataset: name of the photographs.
        photos: how many were scored.
        skipped: name of every file that could not be read, and why.
        metrics: in the order of the columns.
        rows: the truth, the baseline, then each model with its paper.
        models: by the name that rows use.
    """

    protocol: Protocol
    dataset: str
    photos: int
    skipped: tuple[tuple[str, str], ...]
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]
    models: Mapping[str, Model]

    def colour_share(self, row: Row) -> float | None:
        """Return the row's colourfulness (cf-abs) as a share of the truth's; None where either is not known.

        Figures from elsewhere have no share: they are of other photographs than this truth.
        """
        if row.kind in (Kind.RECORDED, Kind.PAPER):
            return None
        truth = self.rows[0].scores.get(COLOUR)
        own = row.scores.get(COLOUR)
        return own / truth if truth and own is not None else None

    def columns(self) -> list[str]:
        """Return the table's column heads."""
        heads = [
            f"{metric.name}{f' ({metric.unit})' if metric.unit else ''}{_arrow(metric)}" for metric in self.metrics
        ]
        return ["", *heads, "colour of truth's (%)"]

    def cells(self) -> list[list[str | float | None]]:
        """Return the table's rows; None where there is no figure."""
        return [self._cells_of(row) for row in self.rows]

    def _cells_of(self, row: Row) -> list[str | float | None]:
        share = self.colour_share(row)
        figures = [_rounded(row.scores.get(metric.name), metric.decimals) for metric in self.metrics]
        return [row.label, *figures, _rounded(None if share is None else 100 * share, 1)]

    def notes(self) -> list[str]:
        """Return what must be read with the table: sources, departures, photographs left out of a mean."""
        return [*self._small_photos(), *self._papers(), *self._departures()]

    def _small_photos(self) -> list[str]:
        measured = next(row for row in self.rows if row.kind is Kind.BASELINE).photos
        return [
            f"{name} is the mean of {count} of the {self.photos} photos: the others are too small for it."
            for name, count in measured.items()
            if count < self.photos
        ]

    def _papers(self) -> list[str]:
        notes: dict[str, None] = {}
        for model in self.models.values():
            if model.recipe and model.recipe.source.figures:
                source = model.recipe.source
                notes[f"The paper's figures are its own, raw, on its own photos: {source.title} ({source.where})."] = (
                    None
                )
        for name, model in self.models.items():
            if model.recipe and model.recipe.source.acceptance:
                notes[f"{name}: public acceptance in its paper's user study: {model.recipe.source.acceptance}."] = None
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

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain data for JSON; figures that do not exist are null."""
        return {
            "protocol": {"name": self.protocol.name, "side": self.protocol.side, "rules": list(self.protocol.rules)},
            "dataset": self.dataset,
            "photos": self.photos,
            "skipped": [{"name": name, "reason": reason} for name, reason in self.skipped],
            "metrics": {
                metric.name: {
                    "unit": metric.unit,
                    "higher_is_better": metric.higher_is_better,
                    "source": metric.source,
                }
                for metric in self.metrics
            },
            "rows": [self._row_to_dict(row) for row in self.rows],
            "models": {name: _model_to_dict(model) for name, model in self.models.items()},
        }

    def _row_to_dict(self, row: Row) -> dict[str, object]:
        return {
            "label": row.label,
            "kind": row.kind.value,
            "model": row.model or None,
            "treatment": row.treatment.value if row.treatment else None,
            "scores": {name: None if math.isnan(value) else value for name, value in row.scores.items()},
            "photos": dict(row.photos),
            "share_of_truth_colour": self.colour_share(row),
        }


def departures_of(model: Model) -> tuple[str, ...]:
    """Return the sentences on what differs from the paper, and on what this training changed in the recipe."""
    if model.recipe is None:
        return ()
    known = RECIPES.get(model.recipe.name)
    if known is None or model.digest == known.digest():
        return model.recipe.departures
    changed = f"This training changed the recipe{_changes(model)}."
    return (*model.recipe.departures, changed)


def _changes(model: Model) -> str:
    """Say in which fields a run's recipe differs; an ONNX file only knows that it does."""
    if model.recipe is None or model.recipe.digest() != model.digest:
        return ""
    then, now = model.recipe.to_dict(), RECIPES[model.recipe.name].to_dict()
    names = [name for name in now if then.get(name) != now[name]]
    return f" ({', '.join(names)})" if names else ""


def paper_row(label: str, model: Model, name: str, metrics: Sequence[Metric]) -> Row | None:
    """Return the paper's figures among these metrics as a row; None if it prints none of them."""
    figures = model.recipe.source.figures if model.recipe else {}
    scores = {metric.name: figures[metric.name] for metric in metrics if metric.name in figures}
    return Row(label=label, kind=Kind.PAPER, scores=scores, treatment=Treatment.RAW, model=name) if scores else None


def _model_to_dict(model: Model) -> dict[str, object]:
    recipe = model.recipe
    return {
        "origin": str(model.origin),
        "recipe": recipe.name if recipe else None,
        "digest": model.digest,
        "size": model.rule.size,
        "paper": {
            "title": recipe.source.title,
            "where": recipe.source.where,
            "figures": dict(recipe.source.figures),
            "acceptance": recipe.source.acceptance or None,
            "treatment": Treatment.RAW.value,
        }
        if recipe
        else None,
        "departures": list(departures_of(model)),
    }


def _arrow(metric: Metric) -> str:
    return {True: " ↑", False: " ↓", None: ""}[metric.higher_is_better]


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None or math.isnan(value) else round(value, decimals)
