"""Coverage of hues."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.metrics.hues import BINS, count_hues, cover


def wheel(chroma: float, hues: int = BINS) -> Tensor:
    """One row for each hue, in the middle of its bin: L*a*b*, ``(1, 3, BINS, 10)``."""
    angle = (torch.arange(BINS) + 0.5) * (2 * math.pi / BINS)
    angle[hues:] = angle[0]
    lab = torch.full((1, 3, BINS, 10), 50.0)
    lab[0, 1] = (chroma * torch.cos(angle))[:, None]
    lab[0, 2] = (chroma * torch.sin(angle))[:, None]
    return lab


def covered(prediction: Tensor, target: Tensor) -> float:
    return float(cover(count_hues(prediction, target).numpy().mean(axis=0)))


def test_counts_are_shares_of_all_pixels() -> None:
    counts = count_hues(wheel(30), wheel(10))
    assert counts.shape == (1, 2 * BINS)
    assert counts[0, :BINS].tolist() == pytest.approx([1 / BINS] * BINS)
    assert counts[0, BINS:].tolist() == [0] * BINS


def test_counts_agree_with_numpy(truth: Tensor) -> None:
    found = count_hues(rgb_to_lab(truth), rgb_to_lab(truth)).numpy()
    for picture, row in zip(truth, found, strict=True):
        lab = rgb2lab(picture.permute(1, 2, 0).double().numpy())
        hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
        strong = np.hypot(lab[..., 1], lab[..., 2]) >= 20
        expected = np.histogram(hue[strong], bins=BINS, range=(0, 360))[0] / strong.size
        np.testing.assert_allclose(row[:BINS], expected, atol=2e-4)


@pytest.mark.parametrize("hues", [1, 9, 18, BINS])
def test_a_model_with_some_of_the_hues(hues: int) -> None:
    assert covered(wheel(40, hues), wheel(30)) == pytest.approx(hues / BINS)


def test_pale_colours_and_grey_cover_nothing() -> None:
    assert covered(wheel(19), wheel(30)) == covered(wheel(0), wheel(30)) == 0


def test_hues_may_lie_elsewhere_and_other_ones_do_not_help() -> None:
    assert covered(wheel(30).flip(2), wheel(30)) == 1
    assert covered(wheel(30), wheel(30, 30)) == 1


@pytest.mark.parametrize(
    ("painted", "true", "expected"),
    [(0.0011, 0.01, 1), (0.0009, 0.01, 0), (1.0, 0.0011, 1), (0.0, 0.0009, math.nan)],
)
def test_a_tenth_of_the_true_pixels_is_enough(painted: float, true: float, expected: float) -> None:
    shares = np.zeros(2 * BINS)
    shares[[7, BINS + 7]] = painted, true
    assert float(cover(shares)) == pytest.approx(expected, nan_ok=True)


def test_resamples_are_reduced_together() -> None:
    shares = np.random.default_rng(0).random((5, 2 * BINS)) / 200
    assert cover(shares).tolist() == [float(cover(row)) for row in shares]


def test_a_grey_truth_has_no_hue_to_cover() -> None:
    assert math.isnan(covered(wheel(30), wheel(0)))
