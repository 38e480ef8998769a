"""A run on disk: whole or not there, and refused with a sentence where it does not fit."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from hue_cli.errors import CheckpointError, ImageError
from hue_cli.models.build import build_network
from hue_cli.recipes.schema import Recipe, digest_of
from hue_cli.train.checkpoint import RUN, STATE, WEIGHTS, load_state, write_text
from hue_cli.train.loop import train

Begin = Any  # of conftest.py


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow over 4 kB: the nearest to a full disk that a test can have.

    Not a fixture: it would hold for what the test runner writes, too, and end it where that is a file.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def interrupt(count: int) -> None:
    """Ctrl-C before the first step."""
    if count == 0:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def trained(begin: Begin, recipe: Recipe, tmp_path: Path) -> Path:
    run, _ = begin(tmp_path / "run", recipe, before=interrupt)
    train(run)
    return tmp_path / "run"


def test_weights_load_strictly_into_the_recipe_s_network(trained: Path, recipe: Recipe) -> None:
    build_network(recipe.net).load_state_dict(load_file(trained / WEIGHTS), strict=True)
    with safe_open(trained / WEIGHTS, "pt") as file:
        assert file.metadata() == {"recipe_digest": recipe.digest()}


def test_tensors_keep_the_names_that_runs_on_disk_have(trained: Path) -> None:
    names = set(load_file(trained / STATE))
    assert {name.partition(".")[0] for name in names} == {"network", "average", "optimizer"}
    assert {"network.0.weight", "average.0.weight", "optimizer.0.exp_avg", "optimizer.0.exp_avg_sq"} <= names
    with safe_open(trained / STATE, "pt") as file:
        assert set(json.loads(file.metadata()["position"])) == {"step", "seconds", "digest", "missed"}


def test_nothing_temporary_is_left(trained: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == ["history.jsonl", STATE, "tensorboard", WEIGHTS]


def test_moments_lie_in_memory_as_their_parameters_do(begin: Begin, trained: Path, recipe: Recipe) -> None:
    run, _ = begin(trained, recipe)
    four_dimensional = 0
    for parameter, moments in run.phases[-1].optimizer.state.items():
        assert moments["exp_avg"].stride() == moments["exp_avg_sq"].stride() == parameter.stride()
        four_dimensional += parameter.is_contiguous(memory_format=torch.channels_last) if parameter.dim() == 4 else 0
    assert four_dimensional > 5


def test_a_full_disk_leaves_the_last_state_whole(trained: Path, begin: Begin, recipe: Recipe) -> None:
    before = (trained / STATE).read_bytes()
    assert len(before) > 4096
    run, _ = begin(trained, recipe, before=interrupt)
    with no_room(), pytest.raises(ImageError, match=r"state\.safetensors: cannot be written \(File too large\)"):
        train(run)
    assert (trained / STATE).read_bytes() == before
    assert not [path for path in trained.iterdir() if path.name.startswith(".")]


def test_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_text(tmp_path / RUN, "{}")
    with no_room(), pytest.raises(ImageError):
        write_text(tmp_path / RUN, "x" * 5000)
    assert (tmp_path / RUN).read_text() == "{}"
    assert len(list(tmp_path.iterdir())) == 1


def test_another_recipe_is_refused(trained: Path, begin: Begin, recipe: Recipe) -> None:
    with pytest.raises(CheckpointError, match="the two are of different runs"):
        begin(trained, replace(recipe, batch_size=3))


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "foreign", "part", "shape", "slot"])
def test_a_damaged_state_is_refused(trained: Path, begin: Begin, recipe: Recipe, damage: str) -> None:
    path = trained / STATE
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:1000])
        case "text":
            path.write_text("not tensors")
        case "empty":
            path.write_bytes(b"")
        case "foreign":
            save_file({"x": torch.zeros(1)}, path)
        case "part":
            save_file({**tensors, "extra.x": torch.zeros(1)}, path, metadata)
        case "shape":
            save_file({**tensors, "network.0.weight": torch.zeros(3)}, path, metadata)
        case "slot":
            save_file({**tensors, "optimizer.999.exp_avg": torch.zeros(3)}, path, metadata)
    with pytest.raises(CheckpointError, match=r"state\.safetensors: the state is damaged .* another folder"):
        begin(trained, recipe)


def test_a_state_of_before_goes_on(begin: Begin, trained: Path, recipe: Recipe) -> None:
    with safe_open(trained / STATE, "pt") as file:
        position = json.loads(file.metadata()["position"])
    position["digest"] = digest_of(recipe, without=())
    save_file(load_file(trained / STATE), trained / STATE, {"position": json.dumps(position)})

    begin(trained, recipe)

    position["digest"] = "0" * 64
    save_file(load_file(trained / STATE), trained / STATE, {"position": json.dumps(position)})
    with pytest.raises(CheckpointError, match="of different runs"):
        begin(trained, recipe)


def test_a_missing_state_is_named(tmp_path: Path, recipe: Recipe) -> None:
    with pytest.raises(CheckpointError, match="Train without --resume"):
        load_state(tmp_path, [], torch.nn.Linear(1, 1), recipe)
