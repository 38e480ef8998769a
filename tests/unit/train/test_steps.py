"""What each way to train lowers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hue_cli.losses.regression import kernel_penalty
from hue_cli.models.build import build_network
from hue_cli.recipes.schema import Recipe
from hue_cli.train.device import autocast
from hue_cli.train.steps import RegressionStep


def test_regularization_is_a_term_of_its_own(recipe: Recipe) -> None:
    network = build_network(recipe.net)
    rgb = torch.rand(2, 3, 24, 24)
    cast = autocast(torch.device("cpu"), "float32")
    plain = RegressionStep(network, recipe, cast).losses(rgb, recipe.stages[-1])
    heavy = replace(recipe, optim=replace(recipe.optim, l2=0.01))
    terms = RegressionStep(network, heavy, cast).losses(rgb, recipe.stages[-1])

    assert plain.keys() == {"mse"}
    assert terms.keys() == {"mse", "l2"}
    assert float(terms["l2"].detach()) == pytest.approx(0.01 * float(kernel_penalty(network).detach()))
