"""A filed model is a file, a card, a configuration and a line in the index, and all four agree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from hue_cli.errors import UsageError, WeightsError
from hue_cli.export.card import typed_again, write_card
from hue_cli.export.filing import Filing, file_run, note_in_index
from hue_cli.export.run import Exported
from hue_cli.export.scores import read_scores
from hue_cli.infer.contract import Contract
from hue_cli.models.trained import TrainedRun, read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

WriteRun = Callable[[Recipe, Path], Path]
WriteScores = Callable[[Path, Recipe], Path]
LICENCE = "research only"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[Recipe], Recipe], write_run: WriteRun) -> TrainedRun:
    return read_run(write_run(tiny(RECIPES["cnn-curriculum"]), tmp_path_factory.mktemp("runs") / "cnn"))


@pytest.fixture(scope="module")
def filed(
    tmp_path_factory: pytest.TempPathFactory, run: TrainedRun, write_scores: WriteScores
) -> tuple[Path, Exported]:
    weights = tmp_path_factory.mktemp("weights")
    (weights / "PHOTOS.md").write_text("## Terms\n\nAll rights with the photographers.\n", encoding="utf-8")
    old = {"file": "old/model.onnx", "size": 1, "sha256": "0", "licence": "MIT", "bundled": False, "note": "kept"}
    (weights / "index.json").write_text(json.dumps({"default": "old", "models": {"old": old}}), encoding="utf-8")
    scores = read_scores(write_scores(weights / "scores.json", run.recipe), run)
    filing = Filing(weights=weights, name="cnn-small", licence=LICENCE, bundled=True)
    return weights, file_run(run, filing, scores=scores, opset=20)


def test_the_index_names_the_file_by_size_and_digest(filed: tuple[Path, Exported]) -> None:
    weights, exported = filed
    index = json.loads((weights / "index.json").read_text(encoding="utf-8"))
    data = (weights / "cnn-small" / "model.onnx").read_bytes()

    assert index["models"]["cnn-small"] == {
        "file": "cnn-small/model.onnx",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": LICENCE,
        "bundled": True,
        "metrics": exported.contract.metrics,
        "scored_on": "test.tar (951 photos)",
    }
    assert exported.sha256 == index["models"]["cnn-small"]["sha256"]
    assert index["models"]["old"]["note"] == "kept"
    assert index["default"] == "old", "a default is changed only when asked"
    assert sorted(path.name for path in (weights / "cnn-small").iterdir()) == ["README.md", "config.json", "model.onnx"]


def test_the_file_carries_its_scores(filed: tuple[Path, Exported]) -> None:
    session = onnxruntime.InferenceSession(filed[1].path, providers=["CPUExecutionProvider"])

    contract = Contract.from_metadata(session.get_modelmeta().custom_metadata_map, "model.onnx")

    assert contract == filed[1].contract
    assert contract.licence == LICENCE
    assert contract.precision == "fp32", "the halved weights of this network are off by more than 0.05"
    assert contract.metrics["psnr"] == 23.51
    assert contract.metrics["raw_mse"] == 0.0091
    assert contract.scored_on == "test.tar (951 photos)"
    assert contract.training_data == "1,200 photos of photos.tar"


def test_the_card_says_what_a_user_must_know(filed: tuple[Path, Exported], run: TrainedRun) -> None:
    card = (filed[0] / "cnn-small" / "README.md").read_text(encoding="utf-8")

    assert card.startswith("# cnn-small\n")
    assert filed[1].sha256 in card
    assert "    hue train --model cnn-curriculum --dataset photos.tar\n" in card
    assert "| psnr (dB) | 23.51 | 21.25 | 23.2 | – | – |" in card
    assert "| mse | – | 0.0091 | – | – | 0.0097 |" in card
    assert "33% of the truth's colourfulness" in card
    assert LICENCE in card
    assert card.endswith("All rights with the photographers.\n")
    for departure in run.recipe.departures:
        assert f"- {departure}\n" in card


def test_the_card_has_the_paper_s_user_study(
    filed: tuple[Path, Exported], run: TrainedRun, tmp_path: Path, write_scores: WriteScores
) -> None:
    studied = replace(run.recipe, source=replace(run.recipe.source, acceptance="46 %"))
    scores = read_scores(write_scores(tmp_path / "scores.json", run.recipe), run)

    assert "Public acceptance in its user study: 46 %." in write_card(
        "it", replace(run, recipe=studied), filed[1], scores
    )
    assert "Public acceptance" not in write_card("it", run, filed[1], scores)


def test_the_card_says_where_the_paper_has_curves_only(
    filed: tuple[Path, Exported], run: TrainedRun, tmp_path: Path, write_scores: WriteScores
) -> None:
    drawn = replace(run.recipe, source=replace(run.recipe.source, figures={}, curves=("psnr",)))
    scores = read_scores(write_scores(tmp_path / "scores.json", run.recipe), run)
    card = write_card("it", replace(run, recipe=drawn), filed[1], scores)

    assert "| psnr (dB) | 23.51 | 21.25 | 23.2 | – | curve only |" in card
    assert "| mse | – | 0.0091 | – | – | – |" in card


def test_the_configuration_is_the_whole_recipe(filed: tuple[Path, Exported], run: TrainedRun) -> None:
    config = json.loads((filed[0] / "cnn-small" / "config.json").read_text(encoding="utf-8"))

    assert config["recipe"] == json.loads(json.dumps(run.recipe.to_dict()))
    assert config["contract"]["digest"] == run.recipe.digest()
    assert config["sha256"] == filed[1].sha256
    assert config["scores"]["used"]["psnr"] == 23.51
    assert config["parity"]["largest_difference"] < config["parity"]["bound"]


def test_where_the_same_file_lies_on_the_hub_stays_noted(tmp_path: Path, filed: tuple[Path, Exported]) -> None:
    filing = Filing(weights=tmp_path, name="first", licence=LICENCE)
    note_in_index(filing, filed[1])
    index = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    hub = {"repo": "somebody/first", "revision": "main", "file": "onnx/model.onnx"}
    index["models"]["first"]["hub"] = hub
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")

    note_in_index(filing, filed[1])
    assert json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["models"]["first"]["hub"] == hub

    note_in_index(filing, replace(filed[1], sha256="0" * 64))
    assert "hub" not in json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["models"]["first"]


def test_the_first_model_becomes_the_default(tmp_path: Path, filed: tuple[Path, Exported]) -> None:
    weights = tmp_path / "new" / "weights"

    note_in_index(Filing(weights=weights, name="first", licence=LICENCE), filed[1])
    note_in_index(Filing(weights=weights, name="second", licence=LICENCE), filed[1])
    assert json.loads((weights / "index.json").read_text(encoding="utf-8"))["default"] == "first"

    note_in_index(Filing(weights=weights, name="second", licence=LICENCE, default=True), filed[1])
    index = json.loads((weights / "index.json").read_text(encoding="utf-8"))
    assert index["default"] == "second"
    assert list(index["models"]) == ["first", "second"]


def test_the_card_says_whose_weights_a_run_began_with(filed: tuple[Path, Exported], run: TrainedRun) -> None:
    init = {"weights": "runs/first@0", "sha256": "abc", "recipe": "cnn-curriculum", "steps": 4000}
    tuned = replace(run, facts={**run.facts, "init": init})
    line = "- begun with: the weights of `runs/first@0` of recipe `cnn-curriculum`, after 4,000 steps, SHA-256 `abc`\n"

    assert line in write_card("cnn-small", tuned, filed[1], scores=None)
    assert "begun with" not in write_card("cnn-small", run, filed[1], scores=None)


def test_a_card_without_scores_says_so(filed: tuple[Path, Exported], run: TrainedRun) -> None:
    card = write_card("cnn-small", run, filed[1], scores=None)

    assert "Not measured yet" in card
    assert "As used" not in card


@pytest.mark.parametrize("name", ["", "Residual", "a b", "../up", "a/b", ".hidden", "-x", "résidu"])
def test_names_that_cannot_be_typed_or_stored_are_refused(tmp_path: Path, run: TrainedRun, name: str) -> None:
    with pytest.raises(UsageError, match="small letters"):
        file_run(run, Filing(weights=tmp_path, name=name, licence=LICENCE), scores=None, opset=20)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"models": 3}', '{"default": null}'])
def test_a_damaged_index_is_left_alone(tmp_path: Path, run: TrainedRun, text: str) -> None:
    (tmp_path / "index.json").write_text(text, encoding="utf-8")

    with pytest.raises(WeightsError, match=r"index\.json"):
        file_run(run, Filing(weights=tmp_path, name="first", licence=LICENCE), scores=None, opset=20)

    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]
    assert (tmp_path / "index.json").read_text(encoding="utf-8") == text


def test_commands_are_printed_without_the_folders_of_one_machine() -> None:
    command = ["hue", "train", "--dataset", "/home/somebody/photos/train 0.tar", "../data/val.tar"]

    assert typed_again(command) == "hue train --dataset 'train 0.tar' ../data/val.tar"
    assert typed_again(None) == ""


def test_what_was_written_about_a_model_by_hand_is_part_of_its_card(tmp_path: Path, run: TrainedRun) -> None:
    (tmp_path / "cnn-small").mkdir()
    (tmp_path / "cnn-small" / "NOTES.md").write_text("## Pictures\n\nSkies are blue.\n", encoding="utf-8")

    file_run(run, Filing(weights=tmp_path, name="cnn-small", licence=LICENCE), scores=None, opset=20)

    card = (tmp_path / "cnn-small" / "README.md").read_text(encoding="utf-8")
    assert "## Pictures\n\nSkies are blue.\n\n## Scores" in card
