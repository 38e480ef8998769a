"""The right rows of a report become a model's scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hue_cli.errors import UsageError
from hue_cli.export.scores import read_scores
from hue_cli.models.trained import TrainedRun
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

RECIPE = RECIPES["residual-curriculum"]
WriteScores = Callable[[Path, Recipe], Path]


@pytest.fixture
def report(tmp_path: Path, write_scores: WriteScores) -> Path:
    return write_scores(tmp_path / "scores.json", RECIPE)


@pytest.fixture
def run(tmp_path: Path) -> TrainedRun:
    (tmp_path / "weights.safetensors").write_bytes(b"weights")
    return TrainedRun(weights=tmp_path / "weights.safetensors", recipe=RECIPE, facts={"calibration": {"gain": 1.2}})


def _say_of_the_model(report: Path, **facts: object) -> None:
    data = json.loads(report.read_text(encoding="utf-8"))
    (scored,) = [model for model in data["models"].values() if model["digest"] == RECIPE.digest()]
    scored |= {"origin": "elsewhere", **facts}
    report.write_text(json.dumps(data), encoding="utf-8")


def test_scores_of_these_weights_at_this_gain_are_taken(report: Path, run: TrainedRun) -> None:
    _say_of_the_model(report, sha256=hashlib.sha256(b"weights").hexdigest(), gain=1.2)
    assert read_scores(report, run).photos == 951


@pytest.mark.parametrize("facts", [{"sha256": "0" * 64, "gain": 1.2}, {"gain": 1.0}])
def test_scores_of_other_weights_or_another_gain_are_refused(
    report: Path, run: TrainedRun, facts: dict[str, object]
) -> None:
    _say_of_the_model(report, **facts)
    with pytest.raises(UsageError, match=r"scores of other weights .* elsewhere, .*weights\.safetensors.*hue eval"):
        read_scores(report, run)


def test_rows_are_found_by_what_they_are(report: Path, run: TrainedRun) -> None:
    scores = read_scores(report, run)

    assert (scores.protocol, scores.dataset, scores.photos) == ("hue-256-v1", "test.tar", 951)
    assert scores.truth == {"cf-abs": 36.0}
    assert scores.grey["psnr"] == 23.2
    assert scores.used == {"psnr": 23.51, "msssim": 0.961, "cf-abs": 12.0}, "what was not measured is left out"
    assert scores.raw["mse"] == 0.0091
    assert scores.colour_share == pytest.approx(1 / 3)
    assert scores.to_metrics()["psnr"] == 23.51
    assert scores.to_metrics()["raw_psnr"] == 21.25


def test_scores_of_another_training_are_refused(report: Path, run: TrainedRun) -> None:
    with pytest.raises(UsageError, match=r"0 of the models .* \(found it, other\).*hue eval"):
        read_scores(report, replace(run, recipe=replace(RECIPE, seed=5)))


def test_two_scores_of_the_same_training_are_refused(report: Path, run: TrainedRun) -> None:
    data = json.loads(report.read_text(encoding="utf-8"))
    data["models"]["other"]["digest"] = RECIPE.digest()
    report.write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(UsageError, match="2 of the models"):
        read_scores(report, run)


def test_a_report_without_raw_figures_is_enough(report: Path, run: TrainedRun) -> None:
    data = json.loads(report.read_text(encoding="utf-8"))
    data["rows"] = [row for row in data["rows"] if row["treatment"] != "raw"]
    report.write_text(json.dumps(data), encoding="utf-8")

    assert read_scores(report, run).raw == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.pop("rows"),
        lambda data: data.update(models=None),
        lambda data: data.update(rows=[row for row in data["rows"] if row["kind"] != "baseline"]),
        lambda data: data.update(rows=[row for row in data["rows"] if row["kind"] != "model"]),
    ],
)
def test_what_is_no_report_is_refused(
    report: Path, run: TrainedRun, damage: Callable[[dict[str, Any]], object]
) -> None:
    data = json.loads(report.read_text(encoding="utf-8"))
    damage(data)
    report.write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(UsageError, match=r"scores\.json: not the scores of a model.*hue eval"):
        read_scores(report, run)


def test_a_report_that_is_missing_or_no_json(tmp_path: Path, run: TrainedRun) -> None:
    (tmp_path / "text.json").write_text("scored", encoding="utf-8")

    for name in ("nowhere.json", "text.json"):
        with pytest.raises(UsageError, match=name):
            read_scores(tmp_path / name, run)
