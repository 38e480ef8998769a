"""A whole scoring: rows, notes, the record of single photographs, and what can be wrong with photographs."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hue_cli.data.manifest import make_manifest
from hue_cli.data.splits import Side
from hue_cli.errors import DatasetError, ImageError
from hue_cli.evaluate.document import to_data
from hue_cli.evaluate.load import Model, load_models
from hue_cli.evaluate.outputs import find_outputs
from hue_cli.evaluate.run import evaluate
from hue_cli.evaluate.sources import SAMPLES, PhotoSource, choose_source
from hue_cli.evaluate.table import Evaluation, Kind, departures_of
from hue_cli.metrics.catalogue import select_metrics
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe


@pytest.fixture
def models(tmp_path: Path, write_onnx: Callable[..., Path]) -> dict[str, Model]:
    return load_models([str(write_onnx(tmp_path / "m.onnx", metrics={"raw_mse": 0.02, "psnr": 20.0}))], "cpu")


def source(folder: Path) -> PhotoSource:
    return choose_source([str(folder)])


def test_rows_stand_in_order_beside_the_paper(models: dict[str, Model], photos: Path) -> None:
    result = evaluate(models, source(photos), select_metrics(["msssim", "mse"]))
    assert [(row.label, row.kind) for row in result.rows] == [
        ("truth", Kind.TRUTH),
        ("grey", Kind.BASELINE),
        ("residual", Kind.MODEL),
        ("residual, in the paper (raw)", Kind.PAPER),
    ]
    assert [metric.name for metric in result.metrics] == ["msssim", "mse", "cf-abs"]
    assert result.rows[3].scores == {"msssim": 0.9136, "mse": 0.0089}
    assert result.photos == 5
    assert result.dataset == photos.name
    truth, grey, model, paper = (row.share for row in result.rows)
    assert truth
    assert grey
    assert model
    assert (truth.value, grey.value, paper) == (1.0, 0.0, None)
    assert 0.1 < model.value < 2
    heads, cells = result.columns(), result.cells()
    assert {len(line) for line in cells} == {len(heads)}
    assert cells[0][1:3] == [None, None]


def test_raw_of_an_onnx_file_is_what_was_recorded(models: dict[str, Model], photos: Path) -> None:
    result = evaluate(models, source(photos), select_metrics(["mse", "psnr"]), raw=True, limit=1)
    (recorded,) = (row for row in result.rows if row.kind is Kind.RECORDED)
    assert recorded.scores == {"mse": 0.02}
    assert recorded.label == "residual, raw, as recorded when filed"


def test_recorded_figures_name_their_photos_and_claim_no_share_of_these(
    tmp_path: Path, write_onnx: Callable[..., Path], photos: Path
) -> None:
    path = write_onnx(tmp_path / "m.onnx", metrics={"raw_cf-abs": 12.5}, scored_on="test.tar (951 photos)")
    result = evaluate(load_models([str(path)], "cpu"), source(photos), select_metrics(["mse"]), raw=True, limit=1)
    (recorded,) = (row for row in result.rows if row.kind is Kind.RECORDED)
    assert recorded.label == "residual, raw, as recorded on test.tar (951 photos)"
    assert recorded.scores == {"cf-abs": 12.5}
    assert recorded.share is None


def test_raw_of_a_run_is_measured(
    photos: Path, tmp_path: Path, tiny: Callable[[Recipe], Recipe], write_run: Callable[[Recipe, Path], Path]
) -> None:
    folder = write_run(tiny(RECIPES["residual-curriculum"]), tmp_path / "run")
    result = evaluate(load_models([str(folder)], "cpu"), source(photos), select_metrics(["mse"]), raw=True)
    used, raw = (row for row in result.rows if row.kind is Kind.MODEL)
    assert (used.treatment, raw.treatment) == ("as used", "raw")
    # Random weights paint no likeness: only where the photo's lightness is kept is the error small.
    assert raw.scores["mse"] > 2 * used.scores["mse"] > 0


def test_json_is_strict_and_whole(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    Image.new("RGB", (20, 20), (200, 30, 30)).save(small / "s.png")
    result = evaluate(models, source(small), select_metrics(["all"]))
    assert math.isnan(result.rows[1].scores["msssim"])
    text = json.dumps(to_data(result), allow_nan=False)
    data = json.loads(text)
    assert data["protocol"]["name"] == "hue-256-v1"
    assert (data["dataset"], data["photos"], data["skipped"]) == ("small", 1, [])
    assert set(data["metrics"]) == {metric.name for metric in select_metrics(["all"])}
    assert data["metrics"]["psnr"]["unit"] == "dB"
    assert data["rows"][1]["scores"]["msssim"] is None
    assert data["rows"][1]["photos"]["msssim"] == 0
    assert data["models"]["residual"]["paper"]["figures"] == {"msssim": 0.9136, "mse": 0.0089}
    assert data["models"]["residual"]["departures"]


def test_notes_name_source_and_departures_once(models: dict[str, Model], photos: Path) -> None:
    (model,) = models.values()
    twice = {"one": model, "two": replace(model, name="two")}
    result = evaluate(twice, source(photos), select_metrics(["mse"]), limit=1)
    notes = "\n".join(result.notes())
    assert notes.count("Residual Autoencoder with Curriculum Learning") == 1
    assert notes.count(RECIPES["residual"].departures[0]) == 1
    assert "one, two: departures" in notes


def test_public_acceptance_is_a_note_beside_the_scores(models: dict[str, Model], photos: Path) -> None:
    (model,) = models.values()
    unet = replace(model, recipe=RECIPES["deepcolor-unet"])
    result = evaluate({"unet": unet, "other": model}, source(photos), select_metrics(["mse"]), limit=1)
    assert "unet: public acceptance in its paper's user study: 53 %." in result.notes()
    assert "other: public acceptance" not in "".join(result.notes())
    papers = {name: each["paper"] for name, each in json.loads(json.dumps(to_data(result)))["models"].items()}
    assert (papers["unet"]["acceptance"], papers["other"]["acceptance"]) == ("53 %", None)


def test_curves_are_a_note_beside_the_scores(models: dict[str, Model], photos: Path) -> None:
    (model,) = models.values()
    koala = replace(model, recipe=RECIPES["koalarization-bn"])
    result = evaluate({"koala": koala, "other": model}, source(photos), select_metrics(["mse"]), limit=1)
    (note,) = [note for note in result.notes() if "curves only" in note]
    assert note.startswith("koala: its paper prints no figures, curves only of psnr, ssim: Image Colorization")
    papers = {name: each["paper"] for name, each in json.loads(json.dumps(to_data(result)))["models"].items()}
    assert (papers["koala"]["curves"], papers["other"]["curves"]) == (["psnr", "ssim"], [])


def test_a_changed_recipe_is_said(models: dict[str, Model]) -> None:
    (model,) = models.values()
    recipe = RECIPES["residual"]
    assert departures_of(replace(model, digest=recipe.digest())) == recipe.departures
    assert departures_of(model)[-1] == "This training changed the recipe."
    shorter = replace(recipe, stages=recipe.stages[:1], batch_size=4)
    changed = replace(model, recipe=shorter, digest=shorter.digest())
    assert departures_of(changed)[-1] == "This training changed the recipe: batches of 4 in place of 16."
    reworded = replace(recipe, departures=("Something else.",), summary="")
    assert departures_of(replace(model, recipe=reworded, digest=reworded.digest())) == ("Something else.",)
    assert departures_of(replace(model, recipe=None)) == ()


def test_bad_photos_are_left_out_by_name(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.png").write_bytes((photos / "coffee.png").read_bytes())
    (folder / "cut.png").write_bytes((photos / "coffee.png").read_bytes()[:4000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.webp").write_text("no picture")
    (folder / "notes.txt").write_text("not even called one")
    told: list[str] = []
    result = evaluate(models, source(folder), select_metrics(["mse"]), on_bad=lambda name, _: told.append(name))
    assert result.photos == 1
    assert sorted(told) == sorted(name for name, _ in result.skipped) == ["cut.png", "empty.jpg", "text.webp"]
    assert result.rows[1].photos == {"mse": 1, "cf-abs": 1}


def test_folders_without_photos(models: dict[str, Model], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        evaluate(models, source(tmp_path), select_metrics(["mse"]))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(DatasetError, match=r"broken\.png"):
        evaluate(models, source(tmp_path), select_metrics(["mse"]))
    with pytest.raises(DatasetError, match="nowhere"):
        choose_source([str(tmp_path / "nowhere")])


def test_every_photo_stands_in_the_csv(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    result = evaluate(models, source(photos), select_metrics(["psnr"]), per_photo=path, batch_size=2)
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == 5 * 3
    assert {line["photo"] for line in lines} == {p.relative_to(photos).as_posix() for p in photos.rglob("*.png")}
    grey = [float(line["psnr"]) for line in lines if line["row"] == "grey"]
    assert np.mean(grey) == pytest.approx(result.rows[1].scores["psnr"])
    assert {line["psnr"] for line in lines if line["row"] == "truth"} == {""}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
def test_the_data_set_s_order_is_kept_whatever_a_batch_holds(
    models: dict[str, Model], photos: Path, tmp_path: Path, batch_size: int
) -> None:
    mixed = tmp_path / "mixed"  # the one of another size first, which waits longest for its equals
    shutil.copytree(photos, mixed)
    (mixed / "rocket.png").rename(mixed / "a rocket.png")
    names = [path.relative_to(mixed).as_posix() for path in sorted(mixed.rglob("*.png"))]
    made = tmp_path / "made"
    made.mkdir()
    shutil.copy(mixed / names[0], made)
    result = evaluate(
        models,
        source(mixed),
        select_metrics(["psnr"]),
        outputs=find_outputs([str(made)]),
        per_photo=tmp_path / "figures.csv",
        batch_size=batch_size,
    )
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as stream:
        lines = [(line["photo"], line["row"]) for line in csv.DictReader(stream)]
    rows = ["truth", "grey", *models]
    assert lines == [(name, row) for name in names for row in (*rows, *(["made"] if name == names[0] else []))]
    assert list(result.names) == names
    assert result.outputs["made"][1].missing == names[1:]


def test_no_csv_is_left_when_a_scoring_fails(models: dict[str, Model], tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        evaluate(models, source(tmp_path), select_metrics(["psnr"]), per_photo=tmp_path / "out" / "figures.csv")
    assert list(tmp_path.rglob("*.csv")) == list((tmp_path / "out").iterdir()) == []


def test_a_csv_that_cannot_be_written(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ImageError, match="figures"):
        evaluate(models, source(photos), select_metrics(["psnr"]), per_photo=tmp_path / "file" / "figures.csv")


def test_without_a_data_set_the_samples_are_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    found = choose_source([])
    assert tuple(path.name for path in found.paths) == SAMPLES
    assert "sample" in found.name


def test_the_fetched_test_split_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    train, test = (tmp_path / "kaggle" / file for file in ("train_color/1.jpg", "test_color/1.jpg"))
    train.parent.mkdir(parents=True)
    train.touch()
    assert choose_source(["kaggle"]) == PhotoSource(name="kaggle (validation)", paths=(train,))
    (tmp_path / "kaggle" / "manifest.json").unlink()
    test.parent.mkdir()
    test.touch()
    for wanted in ([], ["kaggle"]):
        assert choose_source(wanted) == PhotoSource(name="kaggle (test)", paths=(test,))


def test_training_photos_alone_are_not_scored_on(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    make_manifest("mine", tmp_path, {"1.jpg": Side.TRAIN}, "by hand").write(tmp_path)
    with pytest.raises(DatasetError, match="neither test nor validation photos"):
        choose_source([str(tmp_path)])


def test_evaluations_are_plain_data(models: dict[str, Model], photos: Path) -> None:
    result = evaluate(models, source(photos), select_metrics(["mse"]), limit=2)
    assert isinstance(result, Evaluation)
    assert result.photos == 2
