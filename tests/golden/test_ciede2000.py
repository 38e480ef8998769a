"""CIEDE2000 against the published table and against scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000

from hue_cli.metrics.ciede2000 import ciede2000

TABLE = np.loadtxt(Path(__file__).with_name("ciede2000.csv"), delimiter=",")


def as_picture(lab: np.ndarray, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """``(n, 3)`` colours as one picture of a single row, ``(1, 3, 1, n)``."""
    return torch.from_numpy(lab.T.copy()).to(dtype)[None, :, None, :]


@pytest.mark.parametrize("swapped", [False, True])
def test_published_table(swapped: bool) -> None:
    assert TABLE.shape == (34, 7)
    one, other = (TABLE[:, 3:6], TABLE[:, :3]) if swapped else (TABLE[:, :3], TABLE[:, 3:6])
    found = ciede2000(as_picture(one), as_picture(other)).flatten().numpy()
    # Half a unit of the last digit printed.
    np.testing.assert_allclose(found, TABLE[:, 6], rtol=0, atol=0.5001e-4)


def test_agrees_with_scikit_image_over_the_whole_space() -> None:
    random = np.random.default_rng(5)
    low, high = [0, -110, -110], [100, 110, 110]
    one, other = random.uniform(low, high, (20_000, 3)), random.uniform(low, high, (20_000, 3))
    # Greys and colours opposite each other sit on the formula's seams.
    one[:200, 1:] = 0
    other[100:300, 1:] = 0
    other[300:600, 1:] = -one[300:600, 1:] * random.uniform(0.5, 1.5, (300, 1))
    expected = deltaE_ciede2000(one, other)
    found = ciede2000(as_picture(one), as_picture(other)).flatten().numpy()
    # Exactly opposite hues have two middles, and rounding decides which; everywhere else the two are one formula.
    opposite = np.zeros(len(one), bool)
    opposite[300:600] = True
    np.testing.assert_allclose(found[~opposite], expected[~opposite], rtol=0, atol=1e-9)


def test_float32_is_enough_for_photographs() -> None:
    random = np.random.default_rng(6)
    one = random.uniform([0, -60, -60], [100, 60, 60], (20_000, 3))
    other = one + random.normal(0, 8, one.shape)
    single = ciede2000(as_picture(one, torch.float32), as_picture(other, torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.flatten().numpy(), deltaE_ciede2000(one, other), atol=5e-3)
