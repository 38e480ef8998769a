"""What a classifier's step knows of the photos that it is trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hue_cli.color import lab_torch
from hue_cli.data.photo_set import Draw, PhotoSet
from hue_cli.models.build import build_network
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.recipes import RECIPES
from hue_cli.train.steps import ClassificationStep, make_step, prior


@pytest.fixture(scope="module")
def network() -> GamutClassifier:
    built = build_network(RECIPES["hue-s"].net)
    assert isinstance(built, GamutClassifier)
    return built


@pytest.fixture(scope="module")
def photos() -> PhotoSet:
    """Two photos, three quarters of all pixels orange, the rest grey."""
    orange, half = np.full((64, 64, 3), (230, 120, 40), np.uint8), np.full((64, 64, 3), 128, np.uint8)
    half[:32] = (230, 120, 40)
    return PhotoSet([torch.from_numpy(orange), torch.from_numpy(half)], ["a", "b"], torch.device("cpu"))


def test_the_prior_is_the_share_of_each_colour(network: GamutClassifier, photos: PhotoSet) -> None:
    found = prior(network, photos)

    orange = lab_torch.rgb_to_lab(torch.tensor([230, 120, 40]).view(1, 3, 1, 1) / 255)[0, 1:3, 0, 0]
    torch.testing.assert_close(found.sum(), torch.tensor(1.0))
    # The mean of the cells is the mean of the colours.
    torch.testing.assert_close((found[:, None] * network.gamut.centres).sum(dim=0), 0.75 * orange, atol=0.1, rtol=0)


def test_only_the_rebalanced_recipe_weighs_colours(network: GamutClassifier, photos: PhotoSet) -> None:
    cast = torch.autocast("cpu", enabled=False)
    plain = make_step(network, RECIPES["hue-s"], cast, photos)
    rebalanced = make_step(network, RECIPES["hue-s-rebalanced"], cast, photos)
    assert isinstance(plain, ClassificationStep)
    assert isinstance(rebalanced, ClassificationStep)
    assert plain.rarity is None
    assert rebalanced.rarity is not None
    rgb = photos.crops(Draw.centred(torch.arange(2)), 64)
    stage = RECIPES["hue-s"].stages[0]
    torch.manual_seed(0)
    one = plain.losses(rgb, stage)
    torch.manual_seed(0)
    other = rebalanced.losses(rgb, stage)
    assert one["mean-ab"] == other["mean-ab"]
    assert one["cross-entropy"] != other["cross-entropy"]
