"""A report of ``hue eval --json``, in the shape that its own tests hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hue_cli.recipes.schema import Recipe

WriteScores = Callable[[Path, Recipe], Path]


def _row(kind: str, label: str, scores: Mapping[str, float | None], **more: Any) -> dict[str, Any]:
    row = {"label": label, "kind": kind, "model": None, "treatment": None, "share_of_truth_colour": None}
    return {**row, "scores": dict(scores), "photos": dict.fromkeys(scores, 951), **more}


@pytest.fixture(scope="session")
def write_scores() -> WriteScores:
    def write(path: Path, recipe: Recipe) -> Path:
        used = {"psnr": 23.51, "msssim": 0.961, "cf-abs": 12.0, "accuracy": None}
        raw = {"psnr": 21.25, "msssim": 0.9012, "mse": 0.0091, "cf-abs": 12.5}
        report = {
            "protocol": {"name": "hue-256-v1", "side": 256, "rules": []},
            "dataset": "test.tar",
            "photos": 951,
            "skipped": [],
            "metrics": {
                "mse": {"unit": ""},
                "psnr": {"unit": "dB"},
                "msssim": {"unit": ""},
                "cf-abs": {"unit": ""},
                "accuracy": {"unit": ""},
            },
            "rows": [
                _row("truth", "truth", {"cf-abs": 36.0}),
                _row("baseline", "grey", {"psnr": 23.2, "msssim": 0.95, "cf-abs": 0.0}),
                _row("model", "it", used, model="it", treatment="as used", share_of_truth_colour=1 / 3),
                _row("model", "it (raw)", raw, model="it", treatment="raw"),
                _row("paper", "its paper", {"mse": 0.0085}, model="it", treatment="raw"),
                _row("model", "other", {"psnr": 99.0}, model="other", treatment="as used"),
            ],
            "models": {"it": {"digest": recipe.digest()}, "other": {"digest": "0" * 64}},
        }
        path.write_text(json.dumps(report), encoding="utf-8")
        return path

    return write
