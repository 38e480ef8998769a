"""Digests of recipes that have been released: runs, model files and cards are stamped with them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hue_cli.recipes import RECIPES
from hue_cli.recipes.parse import parse_recipe
from hue_cli.recipes.stamps import is_stamp_of

CONFIGS = sorted((Path(__file__).parents[2] / "weights").glob("*/config.json"))


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("cnn-curriculum", "f8a84bfc10b5021003e3db48b82da73eeebe3db6177bb61bc5b143015296d68f"),
        ("residual", "5a26e39807c8ea78dcdef0bdc70525389290a258ff48491b46fcbe0d2de388ef"),
        ("residual-curriculum-old", "c69d50d89f9f4164b76ffb9545971eb1c8298caaf6353eb21a402820f412213a"),
        ("residual-curriculum", "6f40fb88af3b37c7c82882a0d60fc192e8d509c912407dfb9c8abd9edbd7754f"),
        ("hue-s", "198a2cf15cb3f3050ca3b1f6c379c5a00a086668a67b932be10da1189a6c9d3e"),
    ],
)
def test_released_recipes_keep_their_digest(name: str, digest: str) -> None:
    assert RECIPES[name].digest() == digest


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_filed_recipes_still_parse_to_what_their_file_is_stamped_with(path: Path) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))

    assert is_stamp_of(parse_recipe(config["recipe"]), config["contract"]["digest"])


@pytest.mark.parametrize(
    ("name", "former"),
    [
        ("cnn-curriculum", "5c2fde1584ebf3f4d698d2e48f952592617ce831f00775e8e7a30acc0abf482f"),
        ("residual", "7abde0134f69075e2e764da048bdf918d02729878b27dc2431ea9294845a7c10"),
        ("residual-curriculum-old", "287c7669f9d64b412c984e4ec85560b5a6011ae67df20f0c8e6059703ef6c09e"),
        ("residual-curriculum", "9a7880c3cc0269a1ef77fb1a232ea20ac5ca9d65ab9efe69f03a26c3a363327d"),
        ("hue-s", "9e1f6659cf177b7b6480b6ba631b3a2f25cbe9c74d07c1155c9e6fb2ed0ca381"),
    ],
)
def test_digests_of_before_are_known_however_a_recipe_is_reworded(name: str, former: str) -> None:
    recipe = replace(RECIPES[name], departures=("Said in other words.",))

    assert is_stamp_of(recipe, former)
    assert not is_stamp_of(replace(recipe, seed=1), former)
    assert not any(is_stamp_of(other, former) for other in RECIPES.values() if other.name != name)
