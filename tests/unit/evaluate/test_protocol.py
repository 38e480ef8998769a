"""The size at which photographs are scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from hue_cli.evaluate.protocol import HUE_256, Batch, to_tensor


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((256, 256), (256, 256)),
        ((400, 400), (256, 256)),
        ((800, 600), (256, 341)),
        ((600, 800), (341, 256)),
        ((100, 5000), (5000, 100)),
        ((300, 6000), (5120, 256)),
        ((1, 1), (1, 1)),
    ],
)
def test_large_photos_are_reduced_and_small_ones_left(size: tuple[int, int], expected: tuple[int, int]) -> None:
    pixels = HUE_256.prepare(Image.new("RGB", size, (10, 200, 30)))
    assert pixels.shape == (*expected, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == (10, 200, 30)).all()


def test_a_photo_of_the_right_size_is_not_touched() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), np.uint8)
    assert (HUE_256.prepare(Image.fromarray(pixels)) == pixels).all()


def test_every_byte_survives_the_tensor() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    tensor = to_tensor(Batch(("all",), pixels).pixels, torch.device("cpu"))
    assert tensor.shape == (1, 3, 16, 16)
    assert (tensor.mul(255).round().byte()[0, 1].numpy() == pixels[0, ..., 1]).all()
    assert float(tensor.max()) == 1.0
