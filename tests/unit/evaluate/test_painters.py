"""What becomes of a network's answer on its way to the score."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2lab

from hue_cli.color import lab
from hue_cli.evaluate.painters import Floats, GreyPainter, RawPainter, UsedPainter
from hue_cli.evaluate.protocol import Batch
from hue_cli.recipes.schema import SizeRule

RULE = SizeRule(size=64, multiple_of=16, minimum=16)


def batch(height: int = 64, width: int = 96) -> Batch:
    pixels = np.stack([data.astronaut()[:height, 200 : 200 + width], data.chelsea()[60 : 60 + height, 50 : 50 + width]])
    return Batch(("astronaut", "chelsea"), np.ascontiguousarray(pixels))


def test_grey_is_neutral_and_keeps_the_lightness() -> None:
    photos = batch()
    painted = GreyPainter().paint(photos)
    assert painted.shape == photos.pixels.shape
    assert (painted == painted[..., :1]).all()
    difference = rgb2lab(painted)[..., 0] - rgb2lab(photos.pixels)[..., 0]
    assert np.abs(difference).max() < 0.35  # half an 8-bit step where L* is steepest


def test_the_true_colours_paint_the_true_photo() -> None:
    photos = batch()

    def oracle(lightness: Floats) -> Floats:
        assert lightness.shape == (2, 1, 64, 96)
        return lab.rgb_to_lab(photos.pixels / 255).transpose(0, 3, 1, 2)[:, 1:].astype(np.float32)

    painted = UsedPainter(oracle, RULE).paint(photos)
    assert np.abs(painted.astype(int) - photos.pixels).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(64, 96), (200, 130), (50, 33), (1, 1), (3, 90)])
def test_the_network_gets_its_size_and_the_photo_keeps_its_own(height: int, width: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), np.uint8)
    seen: list[tuple[int, ...]] = []

    def network(lightness: Floats) -> Floats:
        seen.append(lightness.shape)
        assert lightness.min() >= 0
        assert lightness.max() <= 100
        return np.concatenate([lightness * np.float32(0.1), lightness * np.float32(-0.2)], axis=1)

    painted = UsedPainter(network, RULE).paint(Batch(("a", "b", "c"), pixels))
    assert painted.shape == pixels.shape
    assert painted.dtype == np.uint8
    ((n, channels, h, w),) = seen
    assert (n, channels, h % 16, w % 16) == (3, 1, 0, 0)


def test_lightness_is_kept_under_strong_colours() -> None:
    photos = batch()
    painted = UsedPainter(lambda x: np.full((2, 2, *x.shape[2:]), 60, np.float32), RULE).paint(photos)
    difference = rgb2lab(painted)[..., 0] - rgb2lab(photos.pixels)[..., 0]
    assert np.abs(difference).mean() < 0.5
    assert painted.std(axis=3).mean() > 10


def test_raw_takes_the_networks_own_lightness() -> None:
    photos = batch()
    painting = np.random.default_rng(2).random((2, 3, 64, 96)).astype(np.float32) * 1.2 - 0.1
    painted = RawPainter(lambda _: painting, RULE).paint(photos)
    expected = np.rint(np.clip(painting, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    assert (painted == expected).all()


def test_raw_is_cut_and_resized_to_the_photo() -> None:
    photos = batch(100, 130)

    def network(lightness: Floats) -> Floats:
        # 64×83 padded to 64×96; what lies in the padding would show as green.
        painting = np.zeros((2, 3, *lightness.shape[2:]), np.float32)
        painting[:, 0] = 1
        painting[:, :, :, 83:] = np.array([0, 1, 0]).reshape(1, 3, 1, 1)
        return painting

    painted = RawPainter(network, RULE).paint(photos)
    assert painted.shape == photos.pixels.shape
    assert (painted == (255, 0, 0)).all()
