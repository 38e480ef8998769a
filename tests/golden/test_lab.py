"""hue's colour arithmetic against scikit-image, and the torch twin against the NumPy one."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import skimage.color
import torch

from hue_cli.color import lab, lab_torch
from hue_cli.color.space import Axis, Signal


def cube(steps: int = 18) -> np.ndarray:
    """Colours of the whole gamut, ``(steps³, 3)`` float64 in [0, 1], corners included."""
    axis = np.linspace(0, 1, steps)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def wide_lab(seed: int = 0) -> np.ndarray:
    """L*a*b* values in and out of the gamut, ``(5000, 3)``."""
    rng = np.random.default_rng(seed)
    return rng.uniform((0, -110, -110), (100, 110, 110), (5000, 3))


def reference_lab_to_rgb(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-image warns of negative Z
        return np.asarray(skimage.color.lab2rgb(values))


def test_rgb_to_lab_is_that_of_scikit_image() -> None:
    np.testing.assert_allclose(lab.rgb_to_lab(cube()), skimage.color.rgb2lab(cube()), atol=1e-12)


def test_lab_to_rgb_is_that_of_scikit_image_out_of_gamut_too() -> None:
    np.testing.assert_allclose(lab.lab_to_rgb(wide_lab()), reference_lab_to_rgb(wide_lab()), atol=1e-12)


def test_rgb_to_lightness_is_the_first_channel_of_lab() -> None:
    np.testing.assert_allclose(lab.rgb_to_lightness(cube()), skimage.color.rgb2lab(cube())[:, 0], atol=1e-12)


def test_lightness_to_grey_is_the_grey_of_that_lightness() -> None:
    lightness = np.linspace(0, 100, 501)
    neutral = np.stack([lightness, np.zeros(501), np.zeros(501)], axis=-1)
    # scikit-image's greys are neutral to rounding of its published constants.
    expected = reference_lab_to_rgb(neutral)
    np.testing.assert_allclose(lab.lightness_to_grey(lightness), expected.mean(axis=-1), atol=2e-4)


def test_every_8_bit_grey_survives_lightness_and_back() -> None:
    grey = np.arange(256) / 255
    lightness = lab.rgb_to_lightness(np.repeat(grey[:, None], 3, axis=1))
    np.testing.assert_array_equal(np.rint(lab.lightness_to_grey(lightness) * 255), np.arange(256))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_8_bit_colours_survive_the_round_trip(dtype: type) -> None:
    codes = np.rint(cube(18) * 255)
    back = lab.lab_to_rgb(lab.rgb_to_lab((codes / 255).astype(dtype)))
    assert back.dtype == dtype
    np.testing.assert_array_equal(np.rint(back * 255), codes)


@pytest.mark.slow
def test_all_16_million_8_bit_colours_survive_the_round_trip_in_float32() -> None:
    axis = np.arange(256, dtype=np.float32)
    plane = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    for red in range(256):
        codes = np.concatenate([np.full((256, 256, 1), red, np.float32), plane], axis=-1)
        back = lab.lab_to_rgb(lab.rgb_to_lab(codes / 255))
        np.testing.assert_array_equal(np.rint(back * 255), codes)


def test_wrong_shapes_and_types_are_refused() -> None:
    with pytest.raises(ValueError, match="expected shape"):
        lab.rgb_to_lab(np.zeros((4, 2)))
    with pytest.raises(TypeError, match="divide by its maximum"):
        lab.rgb_to_lab(np.zeros((4, 3), np.uint8))


def as_image(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.T.reshape(1, 3, -1, 1).copy())


def as_array(image: torch.Tensor) -> np.ndarray:
    return np.asarray(image[0, :, :, 0].T.numpy())


def test_the_torch_twin_is_the_numpy_one() -> None:
    np.testing.assert_allclose(as_array(lab_torch.rgb_to_lab(as_image(cube()))), lab.rgb_to_lab(cube()), atol=1e-10)
    np.testing.assert_allclose(
        as_array(lab_torch.lab_to_rgb(as_image(wide_lab()))), lab.lab_to_rgb(wide_lab()), atol=1e-10
    )
    np.testing.assert_allclose(
        lab_torch.rgb_to_lightness(as_image(cube()))[0, 0, :, 0].numpy(), lab.rgb_to_lightness(cube()), atol=1e-10
    )
    lightness = np.linspace(0, 100, 501)
    np.testing.assert_allclose(
        lab_torch.lightness_to_grey(torch.from_numpy(lightness)).numpy(), lab.lightness_to_grey(lightness), atol=1e-12
    )


def test_gradients_of_the_torch_twin_are_right() -> None:
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(1, 3, 3, 2, generator=generator, dtype=torch.float64) * 0.8 + 0.1
    assert torch.autograd.gradcheck(lab_torch.rgb_to_lab, rgb.clone().requires_grad_())
    values = lab_torch.rgb_to_lab(rgb)
    assert torch.autograd.gradcheck(lab_torch.lab_to_rgb, values.clone().requires_grad_())


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_gradients_stay_finite_at_black_and_white(level: float) -> None:
    rgb = torch.full((1, 3, 2, 2), level, requires_grad=True)
    lab_torch.rgb_to_lab(rgb).sum().backward()
    assert rgb.grad is not None
    assert torch.isfinite(rgb.grad).all()


def test_encode_and_decode_are_inverse_and_decode_is_bounded() -> None:
    axis = Axis(signal=Signal.AB, channels=2, centre=3.0, scale=110.0)
    ab = torch.tensor([[[[20.0]], [[-40.0]]]])
    torch.testing.assert_close(lab_torch.decode(lab_torch.encode(ab, axis), axis), ab)
    beyond = lab_torch.decode(torch.tensor([[[[9.0]], [[-9.0]]]]), axis)
    assert beyond.flatten().tolist() == pytest.approx([98.24, -107.86], abs=1e-3)
    grey = lab_torch.encode(torch.rand(2, 1, 4, 4), Axis(signal=Signal.GREY, channels=3))
    assert grey.shape == (2, 3, 4, 4)
