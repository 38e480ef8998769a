"""Figures of a run, against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color, data, metrics
from torch import Tensor, nn

from hue_cli.data.photo_set import PhotoSet
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes.residual import RESIDUAL
from hue_cli.train.validate import paint, validate

CPU = torch.device("cpu")
SIDE = 40


class Tinted(nn.Module):
    """Paints the grey that it sees, a little redder and half as bright."""

    def forward(self, seen: Tensor) -> Tensor:
        return seen * torch.tensor([0.6, 0.5, 0.45]).view(1, 3, 1, 1)


@pytest.fixture
def photos() -> PhotoSet:
    squares = [torch.from_numpy(data.coffee()[40 * i : 40 * i + SIDE, 200 : 200 + SIDE].copy()) for i in range(5)]
    return PhotoSet(squares, list("abcde"), CPU)


def test_figures_are_scikit_image_s(photos: PhotoSet) -> None:
    colorizer = Colorizer(Tinted(), RESIDUAL.space).eval()
    figures = validate(colorizer, photos, SIDE)
    assert set(figures) == {"psnr", "psnr_over_grey", "cf_abs_share", "raw_mse"}
    expected: dict[str, list[float]] = {"psnr": [], "grey": [], "mse": []}
    for batch in paint(colorizer, photos, SIDE):
        for truth, used, raw in zip(batch.truth, batch.used, batch.raw, strict=True):
            rgb, painted, own = (image.permute(1, 2, 0).double().numpy() for image in (truth, used, raw))
            lab = color.rgb2lab(rgb)
            grey = color.lab2rgb(lab * [1, 0, 0])
            expected["psnr"].append(metrics.peak_signal_noise_ratio(rgb, painted, data_range=1))
            expected["grey"].append(metrics.peak_signal_noise_ratio(rgb, grey, data_range=1))
            expected["mse"].append(metrics.mean_squared_error(rgb, own))
            # As used, a picture has the photo's lightness wherever sRGB can show the colour.
            assert np.median(np.abs(color.rgb2lab(painted)[..., 0] - lab[..., 0])) < 0.01
            assert own.mean() < 0.6 * rgb.mean()
    assert figures["psnr"] == pytest.approx(np.mean(expected["psnr"]), abs=1e-3)
    assert figures["psnr_over_grey"] == pytest.approx(np.mean(expected["psnr"]) - np.mean(expected["grey"]), abs=2e-3)
    assert figures["raw_mse"] == pytest.approx(np.mean(expected["mse"]), rel=1e-4)


def test_limit_takes_the_first(photos: PhotoSet) -> None:
    colorizer = Colorizer(Tinted(), RESIDUAL.space).eval()
    first = PhotoSet(photos._photos[:2], ["a", "b"], CPU)
    assert validate(colorizer, photos, SIDE, 2) == validate(colorizer, first, SIDE)


def test_msssim_where_pictures_are_large_enough() -> None:
    large = PhotoSet([torch.from_numpy(data.coffee()[:176, :176].copy())], ["a"], CPU)
    figures = validate(Colorizer(Tinted(), RESIDUAL.space).eval(), large, 176)
    assert 0 < figures["raw_msssim"] < 1
