"""Operations, parameters and memory of a network, against counting by hand."""

from __future__ import annotations

import pytest
import torch

from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.cost import cost_of
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe


def test_a_list_of_convolutions_costs_what_its_table_says() -> None:
    """ae-lab: nine convolutions, at 160 pixels."""
    cost = cost_of(RECIPES["ae-lab"], 160)
    # Channels in, channels out, kernel, side of the output.
    layers = [
        (1, 64, 3, 160), (64, 64, 3, 80), (64, 128, 3, 80), (128, 128, 3, 40), (128, 256, 3, 40), (256, 256, 5, 40),
        (256, 128, 3, 20), (128, 64, 3, 20), (64, 32, 3, 40), (32, 16, 3, 80), (16, 2, 3, 160),
    ]  # fmt: skip
    macs = sum(i * o * kernel**2 * side**2 for i, o, kernel, side in layers)

    assert cost.gmac == pytest.approx(macs / 1e9, rel=1e-9)
    assert cost.parameters == 2_585_042
    assert cost.activations >= 4 * sum(o * side**2 for _, o, _, side in layers)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_system_can_be_counted(recipe: Recipe) -> None:
    cost = cost_of(recipe)
    assert cost.gmac > 0.01
    assert cost.activations > 2**20


def test_a_network_counted_is_the_network_built() -> None:
    recipe = RECIPES["hue-s"]
    assert cost_of(recipe).parameters == count_parameters(build_network(recipe.net))
    assert not torch.empty(1).is_meta
