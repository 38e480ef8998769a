"""Pixel and colour metrics against scikit-image and against the formulas' own texts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from torch import Tensor

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.metrics import functional as f


def arrays(pictures: Tensor) -> list[np.ndarray]:
    return [picture.permute(1, 2, 0).double().numpy() for picture in pictures]


def test_errors_agree_with_scikit_image(painted: Tensor, truth: Tensor) -> None:
    pairs = list(zip(arrays(truth), arrays(painted), strict=True))
    expected = np.array([mean_squared_error(*pair) for pair in pairs])
    np.testing.assert_allclose(f.mse(painted, truth), expected, rtol=1e-5)
    np.testing.assert_allclose(f.rmse(painted, truth), np.sqrt(expected), rtol=1e-5)
    np.testing.assert_allclose(f.mae(painted, truth), [np.abs(a - b).mean() for a, b in pairs], rtol=1e-5)
    psnr = [peak_signal_noise_ratio(*pair, data_range=1) for pair in pairs]
    np.testing.assert_allclose(f.psnr(painted, truth), psnr, rtol=1e-5)


def test_psnr_of_identical_pictures_is_the_cap(truth: Tensor) -> None:
    assert f.psnr(truth, truth).tolist() == pytest.approx([f.PSNR_CAP] * 4)


def test_psnr_of_one_wrong_step_everywhere() -> None:
    flat = torch.full((1, 3, 8, 8), 0.5)
    assert float(f.psnr(flat + 1 / 255, flat)) == pytest.approx(20 * math.log10(255), abs=1e-3)


def test_delta_e_agrees_with_scikit_image(painted: Tensor, truth: Tensor) -> None:
    expected = [
        deltaE_ciede2000(rgb2lab(a), rgb2lab(b)).mean() for a, b in zip(arrays(truth), arrays(painted), strict=True)
    ]
    np.testing.assert_allclose(f.delta_e(rgb_to_lab(painted), rgb_to_lab(truth)), expected, rtol=1e-4)


def test_blobs_agree_with_scikit_image(truth: Tensor) -> None:
    loud = truth.clone()
    loud[:, 0, :60] = 1.0
    expected = []
    for a, b in zip(arrays(truth), arrays(loud), strict=True):
        true, found = (np.hypot(*np.moveaxis(rgb2lab(picture)[..., 1:], -1, 0)) for picture in (a, b))
        expected.append((found - true >= 40).mean())
    assert min(expected) > 0.01
    np.testing.assert_allclose(f.blobs(rgb_to_lab(loud), rgb_to_lab(truth)), expected, atol=1e-4)


def test_blobs_do_not_count_missing_colour(truth: Tensor) -> None:
    grey = truth.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    assert f.blobs(rgb_to_lab(grey), rgb_to_lab(truth)).tolist() == [0.0] * 4


@pytest.mark.parametrize("side", [1, 7])
def test_accuracy_is_keras_accuracy(side: int) -> None:
    # Keras: mean(argmax(y_true, -1) == argmax(y_pred, -1)); few values, so that channels often are equal.
    random = np.random.default_rng(side)
    one, other = random.integers(0, 4, (2, 5, side, side, 3))
    expected = (one.argmax(-1) == other.argmax(-1)).mean(axis=(1, 2))
    tensors = [torch.from_numpy(x).permute(0, 3, 1, 2).float() / 3 for x in (one, other)]
    np.testing.assert_allclose(f.colorization_accuracy(*tensors), expected, rtol=1e-6)


def test_colorfulness_is_the_papers_formula(painted: Tensor) -> None:
    for index, picture in enumerate(arrays(painted)):
        r, g, b = np.moveaxis(picture * 255, -1, 0)
        rg, yb = r - g, 0.5 * (r + g) - b
        signed = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        rg, yb = np.abs(rg), np.abs(yb)
        absolute = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        assert float(f.colorfulness(painted)[index]) == pytest.approx(signed, rel=1e-4)
        assert float(f.colorfulness_absolute(painted)[index]) == pytest.approx(absolute, rel=1e-4)


def test_the_two_colorfulness_variants_differ_on_opposite_colours() -> None:
    # Half red, half cyan: signed opponents spread widely, absolute ones hardly at all.
    picture = torch.zeros(1, 3, 4, 4)
    picture[:, 0, :2] = 1
    picture[:, 1:, 2:] = 1
    assert float(f.colorfulness(picture)) > 2 * float(f.colorfulness_absolute(picture))


def test_grey_has_no_colour() -> None:
    grey = torch.rand(2, 1, 9, 5).expand(-1, 3, -1, -1)
    assert f.colorfulness(grey).tolist() == pytest.approx([0, 0], abs=1e-4)
    assert f.colorfulness_absolute(grey).tolist() == pytest.approx([0, 0], abs=1e-4)
