"""Recipes survive the JSON of a run folder, and damaged ones are named."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from hue_cli.recipes import RECIPES
from hue_cli.recipes.parse import parse_recipe
from hue_cli.recipes.schema import Recipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_json_and_back_is_the_same_recipe(recipe: Recipe) -> None:
    trained = replace(recipe, seed=3, parameters=12, stages=recipe.stages[-1:])

    found = parse_recipe(json.loads(json.dumps(trained.to_dict())))

    assert found == trained
    assert found.digest() == trained.digest()


def test_fields_that_came_later_may_be_missing() -> None:
    recipe = RECIPES["residual"]
    data = json.loads(json.dumps(recipe.to_dict()))
    del data["optim"]["l2"], data["optim"]["betas"], data["optim"]["decay"]

    assert parse_recipe(data) == recipe


def _set(data: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for key in parents:
        data = data[key]
    data[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("net.kind", "Transformer", r"recipe\.net\.kind: expected one of .*ResidualAutoencoderSpec.*'Transformer'"),
        ("net.widths", [32, "64"], r"recipe\.net\.widths\[1\]: expected int, found '64'"),
        ("net.widths", 32, r"recipe\.net\.widths: expected"),
        ("net.depth", 3, r"recipe\.net: unknown fields depth"),
        ("space.sees.signal", "smell", "'smell' is not a valid Signal"),
        ("space.sees.channels", True, r"recipe\.space\.sees\.channels: expected int, found True"),
        ("size.minimum", 1.5, r"recipe\.size\.minimum: expected int, found 1\.5"),
        ("loss.terms", [["mse"]], r"recipe\.loss\.terms\[0\]: expected 2 values, found 1"),
        ("source.figures", {"mse": "low"}, r"recipe\.source\.figures\.mse: expected float, found 'low'"),
        ("stages", None, r"recipe\.stages: expected"),
    ],
)
def test_damage_is_named(path: str, value: object, message: str) -> None:
    data = copy.deepcopy(json.loads(json.dumps(RECIPES["residual"].to_dict())))
    _set(data, path, value)

    with pytest.raises(ValueError, match=message):
        parse_recipe(data)


def test_a_missing_field_is_named() -> None:
    data = RECIPES["residual"].to_dict()
    del data["optim"]

    with pytest.raises(ValueError, match="optim"):
        parse_recipe(data)


@pytest.mark.parametrize("data", [None, [], "residual", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="recipe: expected"):
        parse_recipe(data)
