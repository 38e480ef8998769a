"""SSIM and MS-SSIM against torchmetrics and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure as tm_ms_ssim,
)
from torchmetrics.functional.image import structural_similarity_index_measure as tm_ssim

from hue_cli.metrics.structure import MSSSIM_MINIMUM, ms_ssim, ssim


@pytest.mark.parametrize("shape", [(192, 192), (177, 190), (11, 64)])
def test_ssim_is_that_of_torchmetrics(painted: Tensor, truth: Tensor, shape: tuple[int, int]) -> None:
    x, y = (pictures[..., : shape[0], : shape[1]].double() for pictures in (painted, truth))
    expected = tm_ssim(x, y, data_range=1.0, reduction="none")
    assert isinstance(expected, Tensor)
    torch.testing.assert_close(ssim(x, y), expected, atol=1e-7, rtol=0)
    # Float32 rounds small variances; far under the fourth digit.
    torch.testing.assert_close(ssim(x.float(), y.float()), expected.float(), atol=5e-5, rtol=0)


@pytest.mark.parametrize("shape", [(192, 192), (177, 190), (176, 176)])
def test_ms_ssim_is_that_of_torchmetrics(painted: Tensor, truth: Tensor, shape: tuple[int, int]) -> None:
    x, y = (pictures[..., : shape[0], : shape[1]].double() for pictures in (painted, truth))
    expected = tm_ms_ssim(x, y, data_range=1.0, reduction="none")
    torch.testing.assert_close(ms_ssim(x, y), expected, atol=1e-7, rtol=0)
    torch.testing.assert_close(ms_ssim(x.float(), y.float()), expected.float(), atol=5e-5, rtol=0)


def test_ssim_is_that_of_scikit_image_on_a_mirrored_picture(painted: Tensor, truth: Tensor) -> None:
    # scikit-image leaves the outermost 5 pixels out of its mean; mirrored on, they are exactly what it leaves out.
    mirrored = [np.pad(p.numpy(), ((0, 0), (0, 0), (5, 5), (5, 5)), mode="reflect") for p in (truth, painted)]
    expected = [
        structural_similarity(
            a, b, channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(*mirrored, strict=True)
    ]
    np.testing.assert_allclose(ssim(painted, truth), expected, atol=2e-5)


def test_a_negative_scores_zero_not_nan() -> None:
    y = torch.rand(1, 3, 176, 176, generator=torch.Generator().manual_seed(0))
    assert float(ms_ssim(1 - y, y)) == 0.0
    assert float(ssim(1 - y, y)) < 0


def test_pictures_that_are_too_small_have_no_score(painted: Tensor, truth: Tensor) -> None:
    side = MSSSIM_MINIMUM - 1
    assert all(map(math.isnan, ms_ssim(painted[..., :side], truth[..., :side]).tolist()))
    assert not any(map(math.isnan, ssim(painted[..., :side], truth[..., :side]).tolist()))
    assert all(map(math.isnan, ssim(painted[..., :10], truth[..., :10]).tolist()))
