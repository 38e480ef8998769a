"""Two networks against each other: what each lowers, and that going on is as if nothing had happened."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.data.photo_set import PhotoSet
from hue_cli.losses.adversarial import judge_as
from hue_cli.models.build import build_discriminator, build_network
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Loss, LossTerm, Recipe, SizeRule, Stage
from hue_cli.recipes.specs import ColorGanSpec
from hue_cli.train.average import MovingAverage
from hue_cli.train.checkpoint import STATE, WEIGHTS, Position, load_state
from hue_cli.train.device import autocast
from hue_cli.train.loop import Run, train
from hue_cli.train.parts import Parts
from hue_cli.train.phases import Phase, make_phases
from hue_cli.train.plan import Plan
from hue_cli.train.record import Record
from hue_cli.train.seeding import seed_everything
from hue_cli.train.steps import DiscriminatorStep, GeneratorStep
from hue_cli.train.team import Team
from hue_cli.train.update import Update

CPU = torch.device("cpu")
SIDE = 32


@pytest.fixture(scope="module")
def rivals(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        net=ColorGanSpec(widths=(4, 6), critic_widths=(4, 6, 6, 8), dropout=0.5),
        space=Space(
            sees=Axis(signal=Signal.GREY, channels=1, centre=0.5, scale=0.5),
            paints=Axis(signal=Signal.RGB, channels=3, centre=0.5, scale=0.5),
        ),
        size=SizeRule(size=SIDE, multiple_of=4, minimum=4),
        loss=Loss(terms=((LossTerm.MAE, 2.0), (LossTerm.ADVERSARIAL, 0.25))),
        stages=(Stage(epochs=2, size=SIDE),),
    )


@pytest.fixture(scope="module")
def large_photos() -> PhotoSet:
    noise = torch.randint(0, 256, (7, 40, 44, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return PhotoSet(list(noise), [f"{i}.png" for i in range(7)], CPU)


def make(recipe: Recipe, photos: PhotoSet) -> tuple[Phase, Phase]:
    seed_everything(recipe.seed)
    network, discriminator = build_network(recipe.net), build_discriminator(recipe.net)
    assert discriminator is not None
    rival, own = make_phases(network, discriminator, recipe, autocast(CPU, "float32"), photos)
    return rival, own


def test_judging_is_binary_cross_entropy() -> None:
    logits = torch.tensor([0.0, 2.0]).view(1, 1, 1, 2)
    real = -(math.log(0.5) + math.log(1 / (1 + math.exp(-2)))) / 2
    painted = -(math.log(0.5) + math.log(1 - 1 / (1 + math.exp(-2)))) / 2
    assert float(judge_as(logits, real=True)) == pytest.approx(real)
    assert float(judge_as(logits, real=False)) == pytest.approx(painted)


def test_each_lowers_its_own_losses_alone(rivals: Recipe, large_photos: PhotoSet) -> None:
    rival, own = make(rivals, large_photos)
    assert isinstance(rival.step, DiscriminatorStep)
    assert isinstance(own.step, GeneratorStep)
    rgb = torch.rand(3, 3, SIDE, SIDE)

    terms = rival.step.losses(rgb, rivals.stages[0])
    assert set(terms) == {"discriminator-real", "discriminator-painted"}
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is None for p in own.network.parameters())
    assert all(p.grad is not None for p in rival.network.parameters())

    rival.optimizer.zero_grad(set_to_none=True)
    terms = own.step.losses(rgb, rivals.stages[0])
    assert set(terms) == {"mae", "adversarial"}
    terms["adversarial"].backward()
    assert all(p.grad is None and p.requires_grad for p in rival.network.parameters())
    gradient = own.network.get_parameter("paint.0.weight").grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_weights_of_the_terms_count(rivals: Recipe, large_photos: PhotoSet) -> None:
    rgb = torch.rand(3, 3, SIDE, SIDE)
    found: list[dict[str, Tensor]] = []
    for weight in (0.25, 1.0):
        loss = Loss(terms=((LossTerm.ADVERSARIAL, weight), (LossTerm.MAE, 2.0)))
        _, own = make(replace(rivals, loss=loss), large_photos)
        torch.manual_seed(3)
        found.append({name: term.detach() for name, term in own.step.losses(rgb, rivals.stages[0]).items()})
    torch.testing.assert_close(found[0]["adversarial"] * 4, found[1]["adversarial"])
    torch.testing.assert_close(found[0]["mae"], found[1]["mae"])


def start(folder: Path, recipe: Recipe, photos: PhotoSet, before: Callable[[int], object]) -> tuple[Run, Record]:
    rival, own = make(recipe, photos)
    average = MovingAverage(own.network, recipe.optim.ema)
    position = Position(step=0, seconds=0.0, digest=recipe.digest())
    if (folder / STATE).exists():
        position = load_state(folder, (rival, own), average.network, recipe)
    folder.mkdir(exist_ok=True)
    record = Record(folder, since=position.step)
    count = iter(range(10**6))
    losses = rival.step.losses

    def watched(rgb: Tensor, stage: Stage) -> dict[str, Tensor]:
        before(next(count))
        return losses(rgb, stage)

    rival.step.losses = watched  # type: ignore[method-assign]
    run = Run(
        recipe=recipe,
        plan=Plan(stages=recipe.stages, steps_per_epoch=3, optim=recipe.optim),
        phases=(rival, own),
        update=Update(
            clip=recipe.optim.clip, parts=Parts(2, recipe, own.network, CPU), team=Team(), note=lambda _text: None
        ),
        average=average,
        photos=photos,
        folder=folder,
        record=record,
        batch_size=2,
        position=position,
        validate=dict,
        save_samples=lambda _name: None,
        tell=lambda _progress: None,
    )
    return run, record


def nothing(_: int) -> None:
    """Let the step go on."""


def test_going_on_is_as_if_nothing_had_happened(rivals: Recipe, large_photos: PhotoSet, tmp_path: Path) -> None:
    def ctrl_c(step: int) -> None:
        if step == 2:
            signal.raise_signal(signal.SIGINT)

    run, record = start(tmp_path / "straight", rivals, large_photos, nothing)
    with record:
        assert train(run)[0]
    run, record = start(tmp_path / "broken", rivals, large_photos, ctrl_c)
    with record:
        finished, position = train(run)
    assert (finished, position.step) == (False, 3)
    run, record = start(tmp_path / "broken", rivals, large_photos, nothing)
    with record:
        assert train(run)[0]

    for name in (STATE, WEIGHTS):
        one, other = load_file(tmp_path / "straight" / name), load_file(tmp_path / "broken" / name)
        assert one.keys() == other.keys()
        assert [key for key in one if not torch.equal(one[key], other[key])] == []
    parts = {name.rpartition(".")[0] for name in load_file(tmp_path / "straight" / STATE)}
    assert {"discriminator.network.0.0", "discriminator.optimizer.0", "network.paint.0", "optimizer.0"} <= parts
    assert not any(name.startswith("discriminator") for name in load_file(tmp_path / "straight" / WEIGHTS))


@pytest.mark.parametrize("each", RECIPES.values(), ids=list(RECIPES))
def test_who_has_an_adversarial_term_has_a_rival(each: Recipe) -> None:
    asks = any(term is LossTerm.ADVERSARIAL for term, _ in each.loss.terms)
    assert asks is (build_discriminator(each.net) is not None)


def test_losses_are_logged_apart(rivals: Recipe, large_photos: PhotoSet, tmp_path: Path) -> None:
    run, record = start(tmp_path / "r", rivals, large_photos, nothing)
    told: list[float] = []
    run.tell = lambda progress: told.append(progress.loss)
    with record:
        train(run)
    (row,) = (json.loads(line) for line in (tmp_path / "r" / "history.jsonl").read_text().splitlines())
    assert {name for name in row if name.startswith("loss/")} == {
        "loss/mae", "loss/adversarial", "loss/discriminator-real", "loss/discriminator-painted",
    }  # fmt: skip
