"""A step in parts is the step; what memory does not hold becomes smaller parts; what time cuts short is a mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hue_cli.recipes.schema import Optim, Recipe, Stage
from hue_cli.train.optimizer import make_optimizer
from hue_cli.train.parts import Parts, count_parts
from hue_cli.train.phases import Phase
from hue_cli.train.team import Team
from hue_cli.train.update import Moved, Update

CPU = torch.device("cpu")
STAGE = Stage(epochs=1, size=24)


class Paints:
    """A step whose loss is a mean; it fails as a GPU does above so many photos."""

    def __init__(self, network: nn.Module, holds: int = 10**6) -> None:
        self.network = network
        self.holds = holds
        self.seen: list[int] = []

    def losses(self, rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        self.seen.append(len(rgb))
        if len(rgb) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        painted = self.network(rgb)
        return {"mse": (painted - rgb).square().mean(), "mae": 0.3 * (painted - rgb).abs().mean()}


def move(
    recipe: Recipe,
    *,
    micro: int | None = None,
    holds: int = 10**6,
    late: Callable[[], bool] = lambda: False,
    photos: int = 7,
) -> tuple[Moved, dict[str, Tensor], Paints, list[str]]:
    """Make one step of SGD on a network without batch norm, and return what came of it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 3, 3, padding=1)).double()
    step = Paints(network, holds)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    said: list[str] = []
    parts = Parts(micro, replace(recipe, batch_size=photos), network, CPU)
    moved = Update(clip=0.5, parts=parts, team=Team(), note=said.append)(
        Phase(name="", network=network, optimizer=optimizer, step=step),
        torch.rand(photos, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
        STAGE,
        total=photos,
        seed=lambda: None,
        late=late,
    )
    return moved, network.state_dict(), step, said


@pytest.mark.parametrize(("micro", "parts"), [(1, [1] * 7), (2, [3, 2, 2]), (3, [3, 2, 2]), (4, [4, 3]), (9, [7])])
def test_a_step_in_parts_is_the_step(recipe: Recipe, micro: int, parts: list[int]) -> None:
    whole, weights, step, _ = move(recipe)
    assert step.seen == [7]
    moved, found, step, _ = move(recipe, micro=micro)
    assert step.seen == parts
    assert moved.photos == whole.photos == 7
    for name, term in whole.losses.items():
        torch.testing.assert_close(moved.losses[name], term, atol=0, rtol=1e-12)
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, atol=1e-14, rtol=1e-12)


def test_what_memory_does_not_hold_is_tried_in_halves(recipe: Recipe) -> None:
    _, weights, _, _ = move(recipe)
    moved, found, step, said = move(recipe, holds=3)
    assert step.seen == [7, 3, 2, 2]
    assert moved.photos == 7
    assert [text.rpartition(" in parts of ")[2] for text in said] == ["3 photos from now on"]
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, atol=1e-14, rtol=1e-12)


def test_parts_that_were_asked_for_stay(recipe: Recipe) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        move(recipe, micro=4, holds=3)
    with pytest.raises(torch.OutOfMemoryError):
        move(recipe, holds=0)


def test_time_makes_a_step_of_the_parts_that_are_done(recipe: Recipe) -> None:
    answers = iter([False, True])
    moved, found, step, _ = move(recipe, micro=2, late=lambda: next(answers))
    assert step.seen == [3, 2]
    assert moved.photos == 5
    first, weights, _, _ = move(recipe, photos=7, micro=7)
    assert float(moved.losses["mse"]) == pytest.approx(float(first.losses["mse"]), rel=0.05)
    assert not torch.equal(found["0.weight"], weights["0.weight"])


@pytest.mark.parametrize(
    ("photos", "size", "parts"), [(383, 16, 24), (5, 2, 2), (3, 2, 1), (1, 2, 1), (7, 1, 7), (32, 32, 1)]
)
def test_no_part_is_one_photo_alone_unless_asked_for(photos: int, size: int, parts: int) -> None:
    assert count_parts(photos, size) == parts
    assert size == 1 or photos == 1 or min(map(len, torch.arange(photos).tensor_split(parts))) > 1


def test_on_a_cpu_parts_follow_from_cost_and_memory(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(recipe, batch_size=10**7, stages=(Stage(epochs=1, size=24), Stage(epochs=1, size=48)))
    network = nn.Conv2d(3, 3, 1)
    monkeypatch.setattr("hue_cli.train.parts.free_bytes", lambda *_: None)
    by_cost = Parts(None, large, network, CPU)
    assert by_cost.size(24) == pytest.approx(4 * by_cost.size(48), rel=0.01)
    monkeypatch.setattr("hue_cli.train.parts.free_bytes", lambda *_: 2**30)
    by_memory = Parts(None, large, network, CPU)
    assert 16 < by_memory.size(48) < by_memory.size(24) < by_cost.size(24)
    again = Parts(None, large, network, CPU, known=by_cost.sizes())
    assert again.sizes() == by_cost.sizes()
    assert Parts(5, large, network, CPU, known=by_cost.sizes()).sizes() == {"24": 5, "48": 5}
    assert Parts(None, recipe, network, CPU).sizes() == {"24": 2}


def test_batch_norm_is_given_enough_photos(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.train.parts.GMAC", 1e-9)
    large = replace(recipe, batch_size=64)
    assert Parts(None, large, nn.BatchNorm2d(3), CPU).size(24) == 16
    assert Parts(None, large, nn.Conv2d(3, 3, 1), CPU).size(24) == 2


def test_betas_reach_the_optimizer() -> None:
    optimizer = make_optimizer(nn.Conv2d(1, 1, 1), Optim(lr=1e-4, betas=(0.5, 0.99)))
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.99)
