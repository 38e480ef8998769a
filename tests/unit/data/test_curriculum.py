"""What a network is shown, judged by Pillow and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from skimage import color, data
from torch import Tensor

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.data.curriculum import enhance_edges, show, truth
from hue_cli.errors import UsageError
from hue_cli.recipes.residual import RESIDUAL
from hue_cli.recipes.schema import Stage, StageInput

LIGHTNESS = Space(
    sees=Axis(signal=Signal.LIGHTNESS, channels=1, centre=50, scale=50),
    paints=Axis(signal=Signal.AB, channels=2, scale=110),
)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:96, 160:280])


def batch(photo: np.ndarray) -> Tensor:
    return torch.from_numpy(photo).permute(2, 0, 1)[None] / 255


def seen(photo: np.ndarray, sees: StageInput, space: Space = RESIDUAL.space) -> np.ndarray:
    shown = show(batch(photo), Stage(epochs=1, size=96, sees=sees), space)
    return shown[0].permute(1, 2, 0).double().numpy()


def grey_of_equal_lightness(photo: np.ndarray) -> np.ndarray:
    lightness = color.rgb2lab(photo)[..., 0]
    lab = np.stack([lightness, np.zeros_like(lightness), np.zeros_like(lightness)], axis=-1)
    return np.repeat(color.lab2rgb(lab).mean(axis=-1, keepdims=True), 3, axis=-1)


def test_colour_is_the_photo_itself(photo: np.ndarray) -> None:
    assert np.allclose(seen(photo, StageInput.COLOUR) * 255, photo, atol=1e-4)


def test_edge_colour_is_pillow_s_edge_enhance(photo: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(photo).filter(ImageFilter.EDGE_ENHANCE), float)
    assert np.abs(seen(photo, StageInput.EDGE_COLOUR) * 255 - expected).max() <= 0.51


def test_grey_has_the_photo_s_lightness(photo: np.ndarray) -> None:
    shown = seen(photo, StageInput.GREY)
    assert np.abs(shown - grey_of_equal_lightness(photo)).max() < 1e-4
    assert np.abs(color.rgb2lab(shown)[..., 0] - color.rgb2lab(photo)[..., 0]).max() < 0.01


def test_edge_grey_is_pillow_s_edge_enhance_of_the_grey(photo: np.ndarray) -> None:
    grey = np.round(grey_of_equal_lightness(photo) * 255).astype(np.uint8)
    expected = np.asarray(Image.fromarray(grey).filter(ImageFilter.EDGE_ENHANCE), float)
    # Pillow's grey was rounded first; its kernel weighs that rounding nine times at most.
    assert np.abs(seen(photo, StageInput.EDGE_GREY) * 255 - expected).max() <= 9 * 0.5 + 0.5


def test_enhancing_keeps_flat_areas_and_the_border() -> None:
    noise = torch.rand(2, 3, 7, 9)
    sharp = enhance_edges(noise)
    assert torch.equal(sharp[:, :, 0], noise[:, :, 0])
    assert torch.equal(sharp[..., -1], noise[..., -1])
    assert (enhance_edges(torch.full((1, 1, 5, 5), 0.3)) - 0.3).abs().max() < 1e-6
    assert 0 <= sharp.min() <= sharp.max() <= 1


def test_a_network_of_lightness_sees_lightness_only(photo: np.ndarray) -> None:
    shown = seen(photo, StageInput.GREY, LIGHTNESS)[..., 0]
    assert np.abs(shown * 50 + 50 - color.rgb2lab(photo)[..., 0]).max() < 0.01
    for sees in set(StageInput) - {StageInput.GREY}:
        with pytest.raises(UsageError, match=f"cannot be shown {sees.value}"):
            seen(photo, sees, LIGHTNESS)


def test_the_truth_is_in_the_network_s_own_scale(photo: np.ndarray) -> None:
    assert torch.equal(truth(batch(photo), RESIDUAL.space), batch(photo))
    ab = truth(batch(photo), LIGHTNESS)[0].permute(1, 2, 0).numpy() * 110
    assert np.abs(ab - color.rgb2lab(photo)[..., 1:]).max() < 0.02


def test_aged_grey_stays_grey_and_in_range(photo: np.ndarray) -> None:
    many = batch(photo).expand(16, -1, -1, -1)
    torch.manual_seed(0)
    stage = Stage(epochs=1, size=96, aged=True)
    aged = show(many, stage, RESIDUAL.space)
    plain = show(many, Stage(epochs=1, size=96), RESIDUAL.space)
    assert 0 <= aged.min() <= aged.max() <= 1
    assert torch.equal(aged[:, 0], aged[:, 2])
    changed = (aged != plain).flatten(1).any(dim=1)
    assert 3 <= changed.sum() <= 13
    torch.manual_seed(0)
    assert torch.equal(show(many, stage, RESIDUAL.space), aged)
