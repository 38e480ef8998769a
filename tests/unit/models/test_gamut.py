"""The a*b* plane in cells: every colour of sRGB is in it, and comes back exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from hue_cli.models.gamut import Gamut

GAMUT = Gamut(10.0)


def _expected(ab: torch.Tensor) -> torch.Tensor:
    cells, weights = GAMUT.encode(ab)
    return (GAMUT.centres[cells] * weights[..., None]).sum(dim=1).permute(0, 3, 1, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_the_weighted_mean_of_the_cells_is_the_colour(seed: int) -> None:
    rgb = torch.rand(500, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    # Corners and edges of the cube are where the gamut ends.
    rgb[:200] = rgb[:200].round()
    ab = torch.from_numpy(rgb2lab(rgb.numpy()))[:, 1:].T.reshape(1, 2, 25, 20).float()
    cells, weights = GAMUT.encode(ab)

    torch.testing.assert_close(_expected(ab), ab, atol=1e-3, rtol=0)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(1, 25, 20))
    assert weights.min() >= 0
    assert cells.min() >= 0
    assert cells.max() < len(GAMUT)


def test_cells_are_neighbours() -> None:
    ab = torch.tensor([12.5, -7.5]).view(1, 2, 1, 1)
    cells, _ = GAMUT.encode(ab)

    assert sorted(GAMUT.centres[cells.flatten()].tolist()) == [[10, -10], [10, 0], [20, -10], [20, 0]]


def test_a_mean_no_colour_has_still_gets_a_target() -> None:
    """Averages over pixels leave the gamut of single colours."""
    weights = GAMUT.encode(torch.tensor([[300.0], [-300.0]]).view(1, 2, 1, 1))[1]

    assert torch.isfinite(weights).all()


@pytest.mark.parametrize("cell", [5.0, 10.0, 20.0])
def test_certainty_gives_the_cell_s_own_colour(cell: float) -> None:
    gamut = Gamut(cell)
    logits = torch.full((1, len(gamut), 1, 1), -1e4)
    logits[0, 17] = 1e4

    torch.testing.assert_close(gamut.mean(logits).flatten(), gamut.centres[17])


def test_ignorance_gives_the_mean_of_all() -> None:
    torch.testing.assert_close(GAMUT.mean(torch.zeros(1, len(GAMUT), 1, 1)).flatten(), GAMUT.centres.mean(dim=0))
