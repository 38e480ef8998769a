"""Run folders are read strictly, and every way in which one can be wrong has its sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from hue_cli.color.lab_torch import within_bounds
from hue_cli.errors import CheckpointError
from hue_cli.models.trained import read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe, digest_of
from hue_cli.recipes.specs import ResidualAutoencoderSpec

WriteRun = Callable[[Recipe, Path], Path]


@pytest.fixture
def folder(tmp_path: Path, tiny: Callable[[Recipe], Recipe], write_run: WriteRun) -> Path:
    return write_run(tiny(RECIPES["residual"]), tmp_path / "run")


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    change(facts)
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")


def test_the_folder_and_the_file_in_it_are_the_same_run(folder: Path) -> None:
    by_folder, by_file = read_run(folder), read_run(folder / "weights.safetensors")

    assert by_folder == by_file
    assert by_folder.training_data == "1,200 photos of photos.tar"


def test_weights_are_loaded_and_the_network_evaluates(folder: Path) -> None:
    colorizer = read_run(folder).load_colorizer()

    stored = load_file(folder / "weights.safetensors")
    assert not colorizer.training
    assert all(torch.equal(value, stored[name]) for name, value in colorizer.network.state_dict().items())


def test_the_gain_that_was_chosen_is_in_what_is_used_and_not_in_what_is_raw(folder: Path) -> None:
    lightness = torch.linspace(0, 100, 32 * 32).reshape(1, 1, 32, 32)
    before, raw_before = read_run(folder).load_colorizer().paint(lightness)
    _edit(folder, lambda facts: facts.update(calibration={"gain": 1.5}))

    colorizer = read_run(folder).load_colorizer()
    used, raw = colorizer.paint(lightness)

    assert colorizer.gain == 1.5
    torch.testing.assert_close(used, within_bounds(before * 1.5))
    torch.testing.assert_close(colorizer(lightness), used)
    assert torch.equal(raw, raw_before)


@pytest.mark.parametrize("calibration", [None, {}, {"chosen": {"gain": 3.0}}, {"gain": None}])
def test_without_a_gain_it_is_one(folder: Path, calibration: object) -> None:
    _edit(folder, lambda facts: facts.update(calibration=calibration))

    assert read_run(folder).load_colorizer().gain == 1


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere: no such run folder.*hue train"):
        read_run(tmp_path / "nowhere")


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights\.safetensors in it"):
        read_run(tmp_path)


def test_weights_without_their_record(folder: Path) -> None:
    (folder / "run.json").unlink()

    with pytest.raises(CheckpointError, match=r"run\.json: missing"):
        read_run(folder)


def test_a_record_that_is_no_json(folder: Path) -> None:
    (folder / "run.json").write_text("{", encoding="utf-8")

    with pytest.raises(CheckpointError, match=r"run\.json: not the record of a run"):
        read_run(folder)


@pytest.mark.parametrize("key", ["recipe", "digest"])
def test_a_record_that_lacks_a_part(folder: Path, key: str) -> None:
    _edit(folder, lambda facts: facts.pop(key))

    with pytest.raises(CheckpointError, match=f"no '{key}'"):
        read_run(folder)


def test_weights_and_record_of_different_runs(folder: Path) -> None:
    _edit(folder, lambda facts: facts.update(digest="0" * 64))

    with pytest.raises(CheckpointError, match=r"weights\.safetensors: .* says 000000000000: .* of different runs"):
        read_run(folder)


def test_a_run_stays_readable_when_recipes_gain_fields(folder: Path) -> None:
    """What a field added later has as its default is how the older run was trained."""
    _edit(folder, lambda facts: facts["recipe"].pop("seed"))

    assert read_run(folder).recipe.seed == 0


def test_weights_of_another_network(folder: Path) -> None:
    recipe = read_run(folder).recipe
    assert isinstance(recipe.net, ResidualAutoencoderSpec)
    other = replace(recipe, net=replace(recipe.net, top=6))
    _edit(folder, lambda facts: facts.update(recipe=other.to_dict()))

    with pytest.raises(CheckpointError, match=r"not those of recipe 'residual'.*size mismatch"):
        read_run(folder).load_colorizer()


def test_a_weight_too_few_or_too_many_is_refused(folder: Path) -> None:
    run = read_run(folder)
    state = load_file(run.weights)
    metadata = {"recipe_digest": run.recipe.digest()}
    name = next(name for name in state if name.endswith("weight"))
    save_file({**state, "stranger": state[name].clone()}, run.weights, metadata)
    with pytest.raises(CheckpointError, match="stranger"):
        read_run(folder).load_colorizer()

    del state[name]
    save_file(state, run.weights, metadata)
    with pytest.raises(CheckpointError, match="Missing key"):
        read_run(folder).load_colorizer()


def test_weights_that_were_stamped_before_are_those_of_their_run(folder: Path) -> None:
    """A run that was resumed by a newer hue has stamps of both kinds."""
    run = read_run(folder)
    former = digest_of(run.recipe, without=())
    assert former != run.facts["digest"]
    save_file(load_file(run.weights), run.weights, {"recipe_digest": former})

    assert read_run(folder).recipe == run.recipe


def test_weights_cut_short(folder: Path) -> None:
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        read_run(folder)
