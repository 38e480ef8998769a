"""The loop: curriculum, interruption and going on, to the bit."""

from __future__ import annotations

import itertools
import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from hue_cli.recipes.schema import Recipe, Stage, StageInput
from hue_cli.train import loop
from hue_cli.train.checkpoint import STATE, WEIGHTS
from hue_cli.train.loop import train
from hue_cli.train.seeding import order

Begin = Any  # of conftest.py


def at(step: int, act: Callable[[], object]) -> Callable[[int], object]:
    """Act before this step, counted from 0 in this process."""
    return lambda count: act() if count == step else None


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def fail() -> None:
    raise RuntimeError("as a kill would")


def state(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / STATE)


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_the_same_seed_gives_the_same_run(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    losses = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run, watch = begin(tmp_path / name, replace(recipe, seed=seed))
        train(run)
        losses.append(watch.losses_seen)
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
    assert_same(state(tmp_path / "a"), state(tmp_path / "b"))


def test_stages_change_exactly_at_their_epoch(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    stages = tuple(Stage(epochs=n, size=24, sees=sees) for sees, n in zip(StageInput, (1, 2, 1, 3), strict=True))
    run, watch = begin(tmp_path, replace(recipe, stages=stages))
    finished, end = train(run)
    assert finished
    assert end.step == 7 * 3
    assert watch.sees == [sees for sees, n in zip(StageInput, (1, 2, 1, 3), strict=True) for _ in range(3 * n)]
    rows = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [(row["step"], row["stage"]) for row in rows] == [
        (3, "colour"), (9, "edge-colour"), (12, "edge-grey"), (21, "grey"),
    ]  # fmt: skip
    samples = ["1-colour.png", "2-edge-colour.png", "3-edge-grey.png", "4-grey.png"]
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == samples
    with Image.open(tmp_path / "samples" / "4-grey.png") as grid:
        assert grid.size == (4 * 24, 7 * 24)


def test_stages_of_two_sizes_cut_the_same_photos(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    run, watch = begin(tmp_path, replace(recipe, stages=(Stage(epochs=1, size=12), Stage(epochs=2, size=24))))
    assert train(run)[0]
    assert watch.sides == [12] * 3 + [24] * 6


@pytest.mark.parametrize("stop_at", [0, 2, 5])
def test_going_on_is_as_if_nothing_had_happened(begin: Begin, recipe: Recipe, tmp_path: Path, stop_at: int) -> None:
    straight, watch = begin(tmp_path / "straight", recipe)
    assert train(straight)[0]
    broken, first = begin(tmp_path / "broken", recipe, before=at(stop_at, ctrl_c))
    finished, position = train(broken)
    assert finished is (stop_at == 5)
    assert position.step == stop_at + 1
    resumed, second = begin(tmp_path / "broken", recipe)
    assert train(resumed)[0]
    assert first.losses_seen + second.losses_seen == watch.losses_seen
    assert_same(state(tmp_path / "straight"), state(tmp_path / "broken"))
    assert_same(load_file(tmp_path / "straight" / WEIGHTS), load_file(tmp_path / "broken" / WEIGHTS))


def test_going_on_twice_counts_time_once(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    run, _ = begin(tmp_path, recipe, before=at(1, ctrl_c))
    _, first = train(run)
    run, _ = begin(tmp_path, recipe, before=at(1, ctrl_c))
    _, second = train(run)
    assert 0 < first.seconds < second.seconds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_after_its_step(begin: Begin, recipe: Recipe, tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    run, watch = begin(tmp_path, recipe, before=at(4, lambda: signal.raise_signal(number)))
    finished, position = train(run)
    assert not finished
    assert position.step == len(watch.sees) == 5
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_does_not_wait(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    def twice() -> None:
        ctrl_c()
        time.sleep(0.6)
        ctrl_c()

    run, _ = begin(tmp_path, recipe, before=at(4, twice))
    with pytest.raises(KeyboardInterrupt):
        train(run)
    assert state(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_arrives_doubled_is_one(
    begin: Begin, recipe: Recipe, tmp_path: Path, number: signal.Signals
) -> None:
    def doubled() -> None:
        signal.raise_signal(number)
        signal.raise_signal(number)

    def unheeded(_number: int, _frame: object) -> None:
        raise AssertionError("taken for a second request")

    before = signal.signal(number, unheeded)
    try:
        run, _ = begin(tmp_path, recipe, before=at(4, doubled))
        finished, position = train(run)
    finally:
        signal.signal(number, before)
    assert (finished, position.step) == (False, 5)


def test_what_a_script_ignores_stays_ignored(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run, _ = begin(tmp_path, recipe, before=at(4, ctrl_c))
    assert train(run)[0]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def test_a_time_budget_ends_the_run_with_every_stage_seen(
    begin: Begin, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    stages = tuple(Stage(epochs=10**4, size=24, sees=sees) for sees in StageInput)
    run, watch = begin(
        tmp_path, replace(recipe, stages=stages), max_seconds=60.0, before=lambda _count: clock.advance(2.0)
    )
    finished, end = train(run)
    assert finished
    assert end.seconds == 60.0
    assert list(dict.fromkeys(watch.sees)) == list(StageInput)
    assert run.phases[-1].optimizer.param_groups[0]["lr"] < 0.3e-3


@pytest.mark.parametrize(("takes", "between"), [(1.0, 23), (8.0, 11), (100.0, 1), (1000.0, 1)])
def test_validation_leaves_a_budget_to_training(
    begin: Begin, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes: float, between: int
) -> None:
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "STATE_EVERY_SECONDS", 1e9)
    stages = (Stage(epochs=10**4, size=24, sees=StageInput.GREY),)
    run, _ = begin(
        tmp_path, replace(recipe, stages=stages), max_seconds=1800.0, before=lambda _count: clock.advance(10.0)
    )
    validations: list[float] = []

    def validate() -> dict[str, float]:
        validations.append(clock.now)
        clock.advance(takes)
        return {}

    run.validate, run.save_samples, run.record.draw_curve = validate, lambda _name: None, lambda: None
    assert train(run)[0]
    # The last one is the stage's own; the first one's duration cannot be known before.
    assert len(validations) - 1 == between
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(validations[:-1]))
    assert between == 1 or between * takes <= 0.05 * 1800


def test_the_first_state_lies_there_before_the_first_step(begin: Begin, recipe: Recipe, tmp_path: Path) -> None:
    run, _ = begin(tmp_path, recipe, before=at(0, fail))
    with pytest.raises(RuntimeError, match="as a kill would"):
        train(run)
    resumed, watch = begin(tmp_path, recipe)
    assert train(resumed)[1].step == len(watch.sees) == 6


def test_states_are_saved_along_the_way(
    begin: Begin, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "STATE_EVERY_SECONDS", 0.0)
    straight, _ = begin(tmp_path / "straight", recipe)
    train(straight)
    run, _ = begin(tmp_path / "killed", recipe, before=at(4, fail))
    with pytest.raises(RuntimeError, match="as a kill would"):
        train(run)
    resumed, watch = begin(tmp_path / "killed", recipe)
    train(resumed)
    assert len(watch.sees) == 6 - 4
    assert_same(state(tmp_path / "straight"), state(tmp_path / "killed"))
    histories = [(tmp_path / name / "history.jsonl").read_text().splitlines() for name in ("straight", "killed")]
    assert [json.loads(row)["step"] for row in histories[0]] == [json.loads(row)["step"] for row in histories[1]]


def test_every_epoch_is_a_shuffle_of_its_own() -> None:
    orders = [order(0, epoch, 100) for epoch in range(3)] + [order(1, 0, 100)]
    for one in orders:
        assert sorted(one.tolist()) == list(range(100))
    assert len({tuple(one.tolist()) for one in orders}) == 4
    assert torch.equal(order(0, 1, 100), orders[1])
