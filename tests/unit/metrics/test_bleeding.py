"""Bleeding under distortions whose effect is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.filters import gaussian
from torch import Tensor

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.metrics.bleeding import REACH, bleeding


@pytest.fixture(scope="module")
def poster() -> Tensor:
    """A coloured square and a coloured stripe on grey, and next to it nothing at all: L*a*b*, ``(2, 3, 80, 90)``."""
    lab = torch.zeros(2, 3, 80, 90)
    lab[:, 0] = 60
    lab[0, 1:, 20:60, 20:50] = torch.tensor([40.0, 25.0]).view(2, 1, 1)
    lab[0, 1:, :, 70:] = torch.tensor([-30.0, 20.0]).view(2, 1, 1)
    return lab


def blurred(lab: Tensor, sigma: float) -> Tensor:
    """Colour softened, lightness kept."""
    ab = gaussian(lab[:, 1:].numpy(), (0, 0, sigma, sigma))
    return torch.cat([lab[:, :1], torch.from_numpy(ab)], dim=1)


def test_colour_that_stops_where_it_should_bleeds_nothing(poster: Tensor) -> None:
    assert bleeding(poster, poster).tolist() == pytest.approx([0, math.nan], abs=1e-6, nan_ok=True)


def test_a_tint_over_everything_stops_nowhere(poster: Tensor) -> None:
    tint = poster.clone()
    tint[:, 1:] = torch.tensor([10.0, 20.0]).view(2, 1, 1)
    assert float(bleeding(tint, poster)[0]) == pytest.approx(1)


def test_blurring_the_colour_raises_it(poster: Tensor, truth: Tensor) -> None:
    for true in (poster[:1], rgb_to_lab(truth)):
        found = [bleeding(blurred(true, sigma), true) for sigma in (0.1, 1, 2, 4, 8)]
        assert bool(torch.stack(found).diff(dim=0).nan_to_num(1).gt(0).all())
        assert float(found[-1].nanmean()) > 0.6


def test_a_colour_that_runs_over_its_outline_raises_it(poster: Tensor) -> None:
    over = poster[:1].clone()
    over[0, 1:, 20:60, 20:64] = torch.tensor([40.0, 25.0]).view(2, 1, 1)
    beside = float(bleeding(over, poster[:1]))
    assert 0.05 < beside < 0.5


def test_wrong_and_pale_colours_within_their_outlines_do_not(truth: Tensor) -> None:
    true = rgb_to_lab(truth)
    own = bleeding(true, true)
    assert float(own.nan_to_num(0).abs().max()) < 0.25  # real edges overshoot, or are not quite clean
    opposite = true * torch.tensor([1.0, -0.5, -0.5]).view(3, 1, 1)
    torch.testing.assert_close(bleeding(opposite, true), own, equal_nan=True, atol=1e-4, rtol=0)


def test_grey_has_nothing_to_bleed(poster: Tensor) -> None:
    grey = poster * torch.tensor([1.0, 0.01, 0.01]).view(3, 1, 1)
    assert all(math.isnan(value) for value in bleeding(grey, poster).tolist())


def test_an_error_of_colour_is_counted_where_the_formula_says() -> None:
    # A row of colour against a row of grey, by hand: at places 10 and 11 the step lies within two pixels.
    ab = torch.zeros(1, 3, 1, 22)
    ab[:, 1, :, 11:] = 20.0
    softer = ab.clone()
    softer[:, 1, :, 9:13] = torch.tensor([5.0, 10.0, 15.0, 18.0])
    places = range(REACH, 22 - REACH)
    lost = total = 0.0
    for x in places:
        a, p = ab[0, 1, 0], softer[0, 1, 0]
        step, difference = float(a[x + 2] - a[x - 2]), float(a[x + 8] - a[x - 8])
        if step >= 15 and step >= 0.8 * difference and difference >= 0.8 * max(a[x - 8].abs(), a[x + 8].abs()):
            colour = max(float(p[x - 8]), float(p[x + 8]), float(p[x + 8] - p[x - 8]))
            lost, total = lost + colour - float(p[x + 2] - p[x - 2]), total + colour
    assert total > 0
    assert float(bleeding(softer, ab)) == pytest.approx(lost / total)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (2 * REACH, 2 * REACH)])
def test_photos_too_small_for_an_edge_have_no_score(shape: tuple[int, int]) -> None:
    lab = torch.from_numpy(np.random.default_rng(0).normal(0, 30, (1, 3, *shape)))
    assert bleeding(lab, lab).shape == (1,)
