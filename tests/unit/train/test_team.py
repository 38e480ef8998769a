"""Two processes train as one: the same draws, the same losses, the same network."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hue_cli.data.photo_set import Draw, PhotoSet
from hue_cli.errors import DeviceError
from hue_cli.models.build import build_network
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Stage
from hue_cli.recipes.specs import Convolution, ConvolutionListSpec
from hue_cli.train.average import MovingAverage
from hue_cli.train.checkpoint import Position
from hue_cli.train.device import autocast
from hue_cli.train.loop import Run, train
from hue_cli.train.parts import Parts
from hue_cli.train.phases import make_phases
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record
from hue_cli.train.team import Team, assembled, own_device
from hue_cli.train.update import Moved, Update

ROOT = Path(__file__).parents[3]

CPU = torch.device("cpu")
Facts = dict[str, Any]


def train_in(team: Team, folder: Path, stop_at: int | None = None) -> Facts:
    """Train ae-lab's kind of network, which has no batch norm, for two epochs; SIGTERM to the last process stops it."""
    folder.mkdir(exist_ok=True)
    base = RECIPES["ae-lab"]
    assert isinstance(base.net, ConvolutionListSpec)
    recipe = replace(
        base,
        net=replace(base.net, layers=(Convolution(channels=4), Convolution(channels=2))),
        loss=Loss(terms=((LossTerm.MSE, 1.0), (LossTerm.MAE, 0.1))),
        optim=Optim(lr=1e-2, l2=0.01),
        stages=(Stage(epochs=2, size=16),),
        batch_size=5,
    )
    noise = torch.randint(0, 256, (11, 20, 24, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    photos = PhotoSet(list(noise), [f"{i}.png" for i in range(11)], CPU)
    torch.manual_seed(0)
    network = build_network(recipe.net)
    (phase,) = make_phases(network, None, recipe, autocast(CPU, "float32"), photos)
    losses: list[dict[str, float]] = []

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Watched(Update):
        def __call__(self, *args: Any, **more: Any) -> Moved:
            moved = Update.__call__(self, *args, **more)
            losses.append({name: float(term) for name, term in moved.losses.items()})
            if team.rank == team.size - 1 and len(losses) == stop_at:
                signal.raise_signal(signal.SIGTERM)
            return moved

    with Record(folder, since=0) if team.leads else nullcontext() as record:
        finished, end = train(
            Run(
                recipe=recipe,
                plan=Plan(stages=recipe.stages, steps_per_epoch=2, optim=recipe.optim),
                phases=[phase],
                update=Watched(clip=1.0, parts=Parts(2, recipe, network, CPU), team=team, note=print),
                average=MovingAverage(network, 0.5),
                photos=photos,
                folder=folder,
                record=record,
                batch_size=5,
                position=Position(step=0, seconds=0.0, digest=recipe.digest()),
                validate=dict,
                save_samples=lambda _name: None,
                tell=lambda _progress: None,
            )
        )
    weights = {name: value.tolist() for name, value in network.state_dict().items()}
    return {"losses": losses, "weights": weights, "finished": finished, "steps": end.step}


def take_part(folder: Path) -> dict[str, Facts]:
    """Be one of two processes: train to the end, then until one is told to stop."""
    with assembled() as team:
        return {"whole": train_in(team, folder / "whole"), "stopped": train_in(team, folder / "stopped", stop_at=2)}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Facts]]:
    """What two processes found, this one, which leads, and another."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "CUDA_VISIBLE_DEVICES": ""}
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT)))
    other = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, str(tmp_path)],
        env={**os.environ, **shared, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "RANK": "1", "LOCAL_RANK": "1"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    for name, value in {**shared, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    mine = take_part(tmp_path)
    said, _ = other.communicate(timeout=60)
    assert other.returncode == 0
    return [mine, json.loads(said)]


def test_two_processes_are_one(two: list[dict[str, Facts]], tmp_path: Path) -> None:
    alone = train_in(Team(), tmp_path / "alone")
    first, second = (facts["whole"] for facts in two)

    assert first["steps"] == alone["steps"] == 4
    assert first["losses"] == second["losses"]
    assert first["weights"] == second["weights"]
    for mine, theirs in zip(first["losses"], alone["losses"], strict=True):
        assert mine == pytest.approx(theirs, rel=1e-5)
    for name, value in alone["weights"].items():
        torch.testing.assert_close(torch.tensor(first["weights"][name]), torch.tensor(value), atol=1e-5, rtol=1e-4)
    # The leader alone writes.
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == [
        "curve.png", "history.jsonl", "state.safetensors", "tensorboard", "weights.safetensors",
    ]  # fmt: skip
    assert len(list((tmp_path / "whole" / "tensorboard").iterdir())) == 1

    # A signal to one stops both, after the same step.
    first, second = (facts["stopped"] for facts in two)
    assert first["finished"] is second["finished"] is False
    assert first["steps"] == second["steps"] == 2
    assert first["weights"] == second["weights"]


def test_alone_nothing_is_agreed_on() -> None:
    team = Team()
    tensor = torch.ones(2)
    team.add_up([tensor])
    assert team.leads
    assert team.hear("word") == "word"
    assert team.largest(1.0, 2.0) == [1.0, 2.0]
    assert team.any(True)
    assert torch.equal(tensor, torch.ones(2))


def test_shares_of_a_draw_are_the_draw() -> None:
    draw = Draw.random(torch.arange(11), seed=3)
    shares = [draw.share(number, 3) for number in range(3)]
    assert [len(share.index) for share in shares] == [4, 4, 3]
    for name in ("index", "place", "flip"):
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(draw, name))
    assert {share.zoom for share in shares} == {draw.zoom}


def test_each_process_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    team = Team(rank=5, size=8)
    assert own_device("auto", team) == own_device("cuda", team) == "cuda:1"
    assert own_device("cpu", team) == "cpu"
    assert own_device("cuda:3", Team()) == "cuda:3"
    with pytest.raises(DeviceError, match=r"--device cuda:3: 8 processes take a GPU each\. Say --device cuda\."):
        own_device("cuda:3", team)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(take_part(Path(sys.argv[1]))))
