"""What ``hue eval --json`` measured, as a model card shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hue_cli.data.manifest import sha256_of
from hue_cli.errors import UsageError
from hue_cli.models.trained import TrainedRun
from hue_cli.recipes.stamps import is_stamp_of

RAW_PREFIX = "raw_"
"""Before the names of raw figures, where used and raw ones stand in one mapping: the ONNX file's metadata."""

Figures = Mapping[str, float]
"""Metric name to value; metrics that could not be measured are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One model's scores.

    Attributes:
        protocol: name and version of the rules they were taken under.
        dataset: name of the photographs.
        photos: how many.
        units: metric name to unit, in the order of the report.
        truth: the true photographs' own figures.
        grey: the black-and-white photographs'.
        used: the model's, as ``hue colorize`` uses it.
        raw: the model's, as its network painted.
        colour_share: colourfulness of ``used``, as a share of the truth's; None if it was not measured.
    """

    protocol: str
    dataset: str
    photos: int
    units: Mapping[str, str]
    truth: Figures
    grey: Figures
    used: Figures
    raw: Figures
    colour_share: float | None

    @property
    def photographs(self) -> str:
        """What they were measured on, as in ``test.tar (951 photos)``."""
        return f"{self.dataset} ({self.photos:,} photos)"

    def to_metrics(self) -> dict[str, float]:
        """Return used and raw figures in one mapping, for the ONNX file's metadata."""
        return {**self.used, **{f"{RAW_PREFIX}{name}": value for name, value in self.raw.items()}}

    def to_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return {
            "protocol": self.protocol,
            "dataset": self.dataset,
            "photos": self.photos,
            "truth": dict(self.truth),
            "grey": dict(self.grey),
            "used": dict(self.used),
            "raw": dict(self.raw),
            "colour_share": self.colour_share,
        }


def read_scores(path: Path, run: TrainedRun) -> Scores:
    """Read the scores of a run from what ``hue eval --json`` printed.

    Raises:
        UsageError: the file cannot be read, or holds no scores of this run.
    """
    recipe = run.recipe
    remedy = "Make it with: hue eval --model RUN --dataset PHOTOS --raw --json > scores.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        models = [name for name, model in data["models"].items() if is_stamp_of(recipe, model["digest"])]
        if len(models) != 1:
            raise UsageError(
                f"{path}: {len(models)} of the models that it scores have the recipe of this run, and one was expected "
                f"(found {', '.join(data['models']) or 'none'}). {remedy}"
            )
        _check(path, data["models"][models[0]], run, remedy)
        rows = {_role(row): row for row in data["rows"] if row["model"] in (None, models[0])}
        used = rows["as used"]
        return Scores(
            protocol=data["protocol"]["name"],
            dataset=data["dataset"],
            photos=data["photos"],
            units={name: metric["unit"] for name, metric in data["metrics"].items()},
            truth=_figures(rows["truth"]),
            grey=_figures(rows["baseline"]),
            used=_figures(used),
            raw=_figures(rows.get("raw", {"scores": {}})),
            colour_share=used["share_of_truth_colour"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not the scores of a model ({error!r}). {remedy}") from error


def _check(path: Path, scored: Mapping[str, Any], run: TrainedRun, remedy: str) -> None:
    """Refuse the scores of another training with the same recipe; older files do not say which weights they are of."""
    sha256, gain = scored.get("sha256"), scored.get("gain")
    if sha256 not in (None, sha256_of(run.weights)) or gain not in (None, run.gain):
        raise UsageError(
            f"{path}: scores of other weights with the same recipe, {scored['origin']}, or before their chroma gain "
            f"changed; expected those of {run.weights}. {remedy}"
        )


def _role(row: Mapping[str, Any]) -> str:
    """Return ``truth``, ``baseline``, ``paper``, or for figures measured now how the model was treated."""
    return str(row["treatment"] if row["kind"] == "model" else row["kind"])


def _figures(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row["scores"].items() if value is not None and math.isfinite(value)}
