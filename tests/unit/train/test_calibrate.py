"""How boldly a classifier paints is set by photos, and the setting does what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.data.photo_set import Draw, PhotoSet
from hue_cli.metrics.functional import blobs, colorfulness_absolute
from hue_cli.models.build import build_network
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.recipes import find_recipe
from hue_cli.recipes.specs import GamutClassifierSpec
from hue_cli.train.calibrate import MAX_BLOBS, calibrate
from hue_cli.train.validate import paint


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    recipe = find_recipe("hue-s")
    assert isinstance(recipe.net, GamutClassifierSpec)
    torch.manual_seed(5)
    network = build_network(replace(recipe.net, widths=(16, 16, 16, 16), cell=20.0))
    assert isinstance(network, GamutClassifier)
    network.classes.weight.data *= 300
    network.classes.bias = torch.nn.Parameter(torch.zeros(len(network.gamut)))
    return Colorizer(network, recipe.space).eval()


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_the_photos_become_as_colourful_as_asked(colorizer: Colorizer, colourful: PhotoSet, share: float) -> None:
    found = calibrate(colorizer, colourful, 64, share)
    (batch,) = paint(colorizer, colourful, 64)
    small = torch.nn.functional.avg_pool2d(batch.used, 4)
    truth = torch.nn.functional.avg_pool2d(colourful.crops(Draw.centred(torch.arange(6)), 64), 4)
    reached = float(colorfulness_absolute(small).mean() / colorfulness_absolute(truth).mean())

    assert reached == pytest.approx(share, rel=0.05)
    assert found["chosen"]["cf_abs_share"] == pytest.approx(share, abs=0.02)  # type: ignore[index]


def test_the_best_of_the_calm_settings_is_taken(colorizer: Colorizer, colourful: PhotoSet) -> None:
    found = calibrate(colorizer, colourful, 64, 0.5)
    chosen, tried = found["chosen"], found["tried"]
    assert isinstance(chosen, dict)
    assert isinstance(tried, list)
    calm = [s for s in tried if s["blobs"] <= MAX_BLOBS and s["cf_abs_share"] > 0.48]

    assert chosen in tried
    assert not calm or chosen["psnr_over_grey"] == max(s["psnr_over_grey"] for s in calm)
    network = colorizer.network
    assert isinstance(network, GamutClassifier)
    assert [float(network.temperature), float(network.ceiling), float(network.gain)] == pytest.approx(
        [chosen["temperature"], chosen["ceiling"], chosen["gain"]]
    )


def test_blobs_are_counted_against_the_truth() -> None:
    red = torch.zeros(1, 3, 4, 4)
    red[:, 0] = 1
    grey, red = rgb_to_lab(torch.full((1, 3, 4, 4), 0.5)), rgb_to_lab(red)

    assert float(blobs(red, grey)) == 1
    assert float(blobs(grey, red)) == 0


def test_other_networks_are_refused(colourful: PhotoSet) -> None:
    residual = find_recipe("residual")

    with pytest.raises(TypeError, match="GamutClassifier"):
        calibrate(Colorizer(build_network(residual.net), residual.space), colourful, 64, 0.5)
