"""Colour at full size against scikit-image (colours) and Pillow (scaling)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image

from hue_cli.images.luminance import grey_to_lightness, rgb_to_grey
from hue_cli.images.resize import Kernel, kernel_weights, widen
from hue_cli.images.tint import Painting, tint


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """L*a*b* of a colour photograph, ``(150, 226, 3)``."""
    return np.asarray(skimage.color.rgb2lab(skimage.data.chelsea()[::2, ::2]))


def reference(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """scikit-image's sRGB in [0, 1] of full-size L* and ``(2, H, W)`` a*b*."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(skimage.color.lab2rgb(np.dstack([lightness, *ab]).astype(np.float64)))


def colours(truth: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(truth[..., 1:].transpose(2, 0, 1)).astype(np.float32)


@pytest.mark.parametrize(("depth", "tolerance"), [(8, 0.53), (16, 0.04)])
def test_colours_in_the_gamut_are_those_of_scikit_image(truth: np.ndarray, depth: int, tolerance: float) -> None:
    # scikit-image's greys are up to 12 of 65,535 steps off neutral, by the rounding of its matrix; hue's are neutral.
    grey = np.rint(skimage.color.rgb2gray(skimage.data.chelsea()[::2, ::2]) * 255).astype(np.uint8)
    expected = reference(grey_to_lightness(grey), colours(truth))
    inside = ((expected > 1e-6) & (expected < 1 - 1e-6)).all(axis=-1)
    assert inside.mean() > 0.9
    found = tint(grey, colours(truth), depth=depth) / (2**depth - 1)
    assert np.abs(found - expected)[inside].max() * 255 < tolerance


@pytest.mark.parametrize("strength", [1.0, 2.0, 6.0])
def test_lightness_is_kept_even_where_colours_leave_the_gamut(truth: np.ndarray, strength: float) -> None:
    grey = rgb_to_grey(skimage.data.chelsea()[::2, ::2])
    for depth, tolerance in ((8, 0.5), (16, 0.01)):
        rgb = tint(grey, colours(truth), strength=strength, depth=depth)
        found = skimage.color.rgb2lab(rgb / (2**depth - 1))[..., 0]
        assert np.abs(found - grey_to_lightness(grey)).max() < tolerance


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_colour_is_exactly_no_colour_and_leaves_every_grey_as_it_is(dtype: type, depth: int) -> None:
    grey: np.ndarray = np.arange(np.iinfo(dtype).max + 1).astype(dtype).reshape(256, -1)
    rgb = tint(grey, np.zeros((2, 3, 3), np.float32), depth=depth)
    assert (np.ptp(rgb, axis=2) == 0).all()
    expected = grey / np.iinfo(dtype).max * (2**depth - 1)
    assert np.abs(rgb[..., 0] - expected).max() <= (0.53 if depth == 8 else 1)


def test_grey_of_a_colour_has_its_lightness() -> None:
    rgb = skimage.data.astronaut()
    expected = skimage.color.rgb2lab(rgb)[..., 0]
    assert np.abs(grey_to_lightness(rgb_to_grey(rgb)) - expected).max() < 0.02


@pytest.mark.parametrize("size_out", [1, 2, 7, 40, 41, 400])
@pytest.mark.parametrize("kernel", Kernel)
def test_weights_are_those_of_pillow(kernel: Kernel, size_out: int) -> None:
    signal = np.random.default_rng(1).random((1, 1, 40), dtype=np.float32)
    pillow = Image.fromarray(signal[0]).resize((size_out, 1), Image.Resampling[kernel.name])
    np.testing.assert_allclose(widen(signal, size_out, kernel, block=16)[0], np.asarray(pillow), atol=2e-6)


def test_strips_of_weights_fit_together() -> None:
    first, whole = kernel_weights(Kernel.BICUBIC, 9, 50, 0, 50)
    assert first == 0
    for start in range(0, 50, 7):
        at, part = kernel_weights(Kernel.BICUBIC, 9, 50, start, min(start + 7, 50))
        np.testing.assert_allclose(whole[start : start + 7, at : at + part.shape[1]], part, atol=1e-7)


def test_strips_leave_no_seam(truth: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((300, 200), 128, np.uint8)
    small = colours(truth)[:, ::10, ::10]
    whole = tint(grey, small, depth=16)
    monkeypatch.setattr("hue_cli.images.tint._STRIP_PIXELS", 1000)
    assert np.abs(tint(grey, small, depth=16).astype(int) - whole).max() <= 1


@pytest.mark.parametrize("depth", [8, 16])
def test_rows_threads_and_pillow_s_image_show_the_same_painting(
    truth: np.ndarray, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = rgb_to_grey(skimage.data.chelsea())
    whole = tint(grey, colours(truth), depth=depth)
    monkeypatch.setattr("hue_cli.images.tint._THREAD_PIXELS", 1000)
    painting = Painting(grey, colours(truth), depth=depth, threads=3)
    assert (painting.shape, painting.dtype, len(painting)) == (whole.shape, whole.dtype, len(whole))
    rows = np.concatenate([painting[top : top + 77] for top in range(0, len(painting), 77)])
    for found in (painting[:], rows, *([np.asarray(painting.to_image())] if depth == 8 else [])):
        assert np.abs(found.astype(int) - whole).max() <= 1  # of weights that are rounded otherwise
    assert painting[5:5].shape == (0, *whole.shape[1:])
