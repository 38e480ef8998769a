"""From steps and seconds to stages, exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hue_cli.errors import UsageError
from hue_cli.recipes import RECIPES
from hue_cli.recipes.residual import RESIDUAL, RESIDUAL_CURRICULUM
from hue_cli.recipes.schema import Optim, Schedule, Stage
from hue_cli.train.options import Options, adapt
from hue_cli.train.plan import Plan

epochs_of_stages = st.lists(st.integers(1, 60), min_size=1, max_size=5)


def plan_of(epochs: list[int], steps_per_epoch: int = 1, **more: float | None) -> Plan:
    return Plan(
        stages=[Stage(epochs=n, size=32) for n in epochs], steps_per_epoch=steps_per_epoch, optim=Optim(lr=1e-3), **more
    )


@given(epochs_of_stages, st.integers(1, 5000))
def test_stages_end_with_their_last_epoch(epochs: list[int], steps_per_epoch: int) -> None:
    plan = plan_of(epochs, steps_per_epoch)
    ends = [end * steps_per_epoch for end in accumulate(epochs)]
    assert plan.steps == ends[-1]
    for stage, end in enumerate(ends):
        assert plan.stage_at(plan.progress(end - 1, 0)) == stage
        if end < plan.steps:
            assert plan.stage_at(plan.progress(end, 0)) == stage + 1
    assert plan.progress(plan.steps, 0) == 1


@given(epochs_of_stages, st.floats(1, 1e6), st.floats(0, 1))
def test_a_time_budget_gives_every_stage_its_share(epochs: list[int], budget: float, share: float) -> None:
    plan = plan_of(epochs, 10**6, max_seconds=budget)
    ends = [Fraction(end, sum(epochs)) for end in accumulate(epochs)]
    expected = min(sum(share >= end for end in ends), len(epochs) - 1)
    if all(abs(share - end) > 1e-8 for end in ends):
        assert plan.stage_at(plan.progress(0, share * budget)) == expected
    assert plan.progress(0, budget) == 1
    assert plan.progress(0, budget * 2) == 1


@given(epochs_of_stages, st.integers(0, 10**4), st.integers(0, 10**4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_progress_never_goes_back(epochs: list[int], step: int, more: int, seconds: float, later: float) -> None:
    plan = plan_of(epochs, 20, max_seconds=3600.0)
    now, then = plan.progress(step, seconds), plan.progress(step + more, seconds + later)
    assert 0 <= now <= then <= 1
    assert plan.stage_at(now) <= plan.stage_at(then)
    assert plan.learning_rate(now) >= plan.learning_rate(then) > 0


def test_the_learning_rate_falls_along_a_cosine() -> None:
    plan = plan_of([1])
    assert plan.learning_rate(0) == pytest.approx(1e-3)
    assert plan.learning_rate(0.5) == pytest.approx(5e-4)
    assert plan.learning_rate(1) == pytest.approx(1e-5)
    constant = replace(plan, optim=Optim(lr=1e-3, schedule=Schedule.CONSTANT))
    assert constant.learning_rate(0.9) == 1e-3


@pytest.mark.parametrize("budget", [None, 60.0])
def test_the_learning_rate_decays_by_the_epoch(budget: float | None) -> None:
    optim = Optim(lr=1e-4, schedule=Schedule.EXPONENTIAL, decay=0.9)
    plan = replace(plan_of([20, 30], 7, max_seconds=budget), optim=optim)
    for epoch in (0, 1, 20, 50):
        assert plan.learning_rate(epoch / 50) == pytest.approx(1e-4 * 0.9**epoch)
    assert plan.learning_rate(1 / 100) == pytest.approx(1e-4 * 0.9**0.5)


@given(st.sampled_from(sorted(RECIPES)), st.integers(1, 400))
def test_epochs_are_shared_out_to_the_last(name: str, epochs: int) -> None:
    recipe = RECIPES[name]
    if epochs < len(recipe.stages):
        with pytest.raises(UsageError, match=f"--epochs {epochs}: {name} has {len(recipe.stages)} stages"):
            adapt(recipe, Options(model=name, dataset=(), epochs=epochs))
        return
    adapted = adapt(recipe, Options(model=name, dataset=(), epochs=epochs))
    assert adapted.epochs == epochs
    for stage, original in zip(adapted.stages, recipe.stages, strict=True):
        assert stage.epochs >= 1
        exact = original.epochs * epochs / recipe.epochs
        assert abs(stage.epochs - exact) < 1 or stage.epochs == 1 or epochs < 4 * len(recipe.stages)
        assert replace(stage, epochs=original.epochs) == original


def test_the_paper_s_curriculum_is_kept_in_proportion() -> None:
    shares = [
        [stage.epochs for stage in adapt(RESIDUAL_CURRICULUM, Options(model="", dataset=(), epochs=n)).stages]
        for n in (4, 10, 20, 100, 200)
    ]
    assert shares == [[1, 1, 1, 1], [2, 2, 3, 3], [3, 3, 7, 7], [15, 15, 35, 35], [30, 30, 70, 70]]


def test_a_network_is_used_at_the_size_that_it_was_trained_at() -> None:
    adapted = adapt(RECIPES["deepcolor-unet"], Options(model="deepcolor-unet", dataset=(), size=128))
    assert {stage.size for stage in adapted.stages} == {adapted.size.size} == {128}


def test_without_options_a_recipe_stays_what_it_is() -> None:
    for recipe in RECIPES.values():
        assert adapt(recipe, Options(model=recipe.name, dataset=())) == recipe


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr": 0.0}, "--lr 0: expected more than 0"),
        ({"lr": float("nan")}, "--lr nan: expected more than 0"),
        ({"max_minutes": 0.0}, "--max-minutes 0: expected more than 0"),
        ({"max_minutes": -1.0}, "--max-minutes -1: expected more than 0"),
        ({"max_minutes": float("nan")}, "--max-minutes nan"),
        ({"size": 160}, "--size 160: residual takes multiples of 16 from 176 pixels on"),
        ({"size": 180}, "--size 180: residual takes multiples of 16"),
    ],
)
def test_values_that_make_no_sense_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        adapt(RESIDUAL, Options(model="residual", dataset=(), **options))  # type: ignore[arg-type]
