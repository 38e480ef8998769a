"""Flicker of models whose steadiness is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from hue_cli.metrics.flicker import flicker

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photos() -> Pixels:
    return np.stack([data.astronaut()[:120, 150:300], data.chelsea()[60:180, 100:250]])


def tinted(pixels: Pixels, seed: int = 0) -> Pixels:
    """Grey with a tint."""
    grey = pixels.mean(axis=-1, keepdims=True)
    tint = np.array([30, 0, -30]) if seed == 0 else np.array([-30, 0, 30])
    painted: Pixels = (grey * 0.7 + 40 + tint).astype(np.uint8)
    return painted


def test_grey_and_an_even_tint_do_not_flicker(photos: Pixels) -> None:
    grey = np.repeat(photos[..., :1], 3, axis=-1)
    assert flicker(lambda x: np.repeat(x[..., :1], 3, axis=-1), photos, grey).tolist() == pytest.approx(
        [0, 0], abs=1e-4
    )
    steady = flicker(tinted, photos, tinted(photos))
    assert steady.shape == (2,)
    assert float(steady.max()) < 0.6  # 8 bits


def test_a_model_that_changes_its_mind_flickers(photos: Pixels) -> None:
    calls: list[tuple[int, ...]] = []

    def fickle(pixels: Pixels) -> Pixels:
        calls.append(pixels.shape)
        return tinted(pixels, seed=1)

    assert float(flicker(fickle, photos, tinted(photos)).min()) > 20
    assert calls == [(2, 115, 147, 3), (2, 115, 147, 3), (2, 118, 147, 3), (2, 122, 153, 3)]


def test_what_is_painted_is_compared_in_place(photos: Pixels) -> None:
    # A model that paints the truth: cut photographs agree to the bit, so that only resizing is left.
    painter = flicker(lambda x: x, photos, photos)
    assert 0 < float(painter.max()) < 2

    def only_cut(pixels: Pixels) -> Pixels:
        return pixels if pixels.shape[1] == 115 else np.zeros_like(pixels)

    grey = np.zeros_like(photos)
    assert float(flicker(only_cut, photos, photos).min()) > 1
    assert flicker(np.zeros_like, photos, grey).tolist() == [0, 0]


def test_more_change_more_flicker(photos: Pixels) -> None:
    def half(strength: float) -> torch.Tensor:
        def paint(pixels: Pixels) -> Pixels:
            mixed = tinted(pixels) * (1 - strength) + tinted(pixels, seed=1) * strength
            return mixed.astype(np.uint8)

        return flicker(paint, photos, tinted(photos))

    assert bool((half(0.1) < half(0.3)).all())
    assert bool((half(0.3) < half(0.9)).all())


def test_tiny_photos_are_not_measured() -> None:
    tiny = np.zeros((1, 20, 200, 3), np.uint8)
    assert math.isnan(float(flicker(lambda x: x, tiny, tiny)))
