"""Recipes as data: names, digests and look-up."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from hue_cli.errors import UnknownModelError
from hue_cli.recipes import RECIPES, find_recipe
from hue_cli.recipes.schema import Recipe, StageInput
from hue_cli.recipes.specs import ResidualAutoencoderSpec


def test_names_are_kebab_case_and_lead_to_their_recipe() -> None:
    for name, recipe in RECIPES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert find_recipe(name) is recipe


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(UnknownModelError, match=r"'resnet'.*residual-curriculum"):
        find_recipe("resnet")


def test_digests_tell_recipes_apart() -> None:
    assert len({recipe.digest() for recipe in RECIPES.values()}) == len(RECIPES)


def test_a_digest_changes_with_every_part_that_training_depends_on() -> None:
    recipe = RECIPES["residual"]
    assert isinstance(recipe.net, ResidualAutoencoderSpec)
    changed = [
        replace(recipe, seed=1),
        replace(recipe, batch_size=8),
        replace(recipe, optim=replace(recipe.optim, lr=2e-3)),
        replace(recipe, net=replace(recipe.net, top=8)),
        replace(recipe, stages=(replace(recipe.stages[0], epochs=99),)),
    ]

    assert recipe.digest() not in {each.digest() for each in changed}


def test_a_digest_does_not_change_with_what_is_only_said_of_a_recipe() -> None:
    recipe = RECIPES["residual"]
    reworded = replace(
        recipe,
        summary="in other words",
        departures=(*recipe.departures[:-1], "In other words."),
        source=replace(recipe.source, where="elsewhere", figures={}),
        parameters=1,
    )

    assert reworded.digest() == recipe.digest()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_edges_are_spoken_of_where_a_stage_enhances_them(recipe: Recipe) -> None:
    enhances = any(stage.sees in (StageInput.EDGE_COLOUR, StageInput.EDGE_GREY) for stage in recipe.stages)

    assert any("EDGE_ENHANCE" in departure for departure in recipe.departures) is enhances


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_size_rules_fit_themselves(recipe: Recipe) -> None:
    rule = recipe.size

    assert rule.minimum % rule.multiple_of == 0
    assert rule.size % rule.multiple_of == 0
    assert rule.size >= rule.minimum
    assert all(stage.size % rule.multiple_of == 0 for stage in recipe.stages)


def test_recipes_are_plain_data() -> None:
    recipe = RECIPES["residual-curriculum"]

    assert set(recipe.to_dict()) == {field.name for field in fields(recipe)}
    assert hash(recipe.net) == hash(replace(recipe.net))
