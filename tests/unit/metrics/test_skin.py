"""Which pixels are skin, and how far off their hue is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import rgb2lab, rgb2ycbcr
from torch import Tensor

from hue_cli.color.lab_torch import lab_to_rgb
from hue_cli.metrics.metric import Pictures
from hue_cli.metrics.skin import is_skin, skin_hue


def test_the_rules_are_those_of_the_papers() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 200, 200, 3), np.uint8)
    r, g, b = np.moveaxis(pixels[0].astype(int), -1, 0)
    kovac = (r > 95) & (g > 40) & (b > 20) & (pixels[0].max(-1).astype(int) - pixels[0].min(-1) > 15)
    kovac &= (np.abs(r - g) > 15) & (r > g) & (r > b)
    _, cb, cr = np.moveaxis(rgb2ycbcr(pixels[0]), -1, 0)
    expected = kovac & (cb >= 77) & (cb <= 127) & (cr >= 133) & (cr <= 173)
    assert 0.02 < expected.mean() < 0.3
    found = is_skin(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)[0].numpy()
    assert (found != expected).mean() < 1e-4  # the last digits of the coefficients


@pytest.mark.parametrize(
    ("colour", "skin"),
    [
        ((224, 172, 105), True),
        ((198, 134, 66), True),
        ((141, 85, 36), True),
        ((255, 219, 172), True),
        ((250, 120, 0), False),
        ((200, 20, 30), False),
        ((128, 128, 128), False),
        ((60, 120, 60), False),
        ((90, 140, 220), False),
    ],
)
def test_skins_and_other_things(colour: tuple[int, int, int], skin: bool) -> None:
    assert bool(is_skin(torch.tensor(colour).view(1, 3, 1, 1) / 255)) is skin


@pytest.fixture(scope="module")
def face() -> Pictures:
    return Pictures(torch.from_numpy(data.astronaut()[:200, 130:330]).permute(2, 0, 1)[None].float() / 255)


def test_a_face_is_found(face: Pictures) -> None:
    skin = is_skin(face.rgb)[0]
    assert float(skin[60:140, 70:130].float().mean()) > 0.5


def turned(face: Pictures, degrees: float) -> Pictures:
    angle = math.radians(degrees)
    lightness, a, b = face.lab.unbind(1)
    turned = [lightness, a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle)]
    return Pictures(lab_to_rgb(torch.stack(turned, dim=1)))


def test_turning_the_hue_is_what_is_measured(face: Pictures) -> None:
    found = [float(skin_hue(turned(face, angle), face)) for angle in (0, 10, -25, 60)]
    assert found == pytest.approx([0, 10, 25, 60], abs=1.0)  # some colours leave sRGB on the way


def test_hues_are_those_of_scikit_image(face: Pictures) -> None:
    painted = turned(face, 20)
    lab = [rgb2lab(p.rgb[0].permute(1, 2, 0).double().numpy()) for p in (painted, face)]
    hue, true = (np.degrees(np.arctan2(x[..., 2], x[..., 1])) for x in lab)
    error = np.abs((hue - true + 180) % 360 - 180)
    error[np.hypot(lab[0][..., 1], lab[0][..., 2]) < 2] = 90
    expected = error[is_skin(face.rgb)[0].numpy()].mean()
    assert float(skin_hue(painted, face)) == pytest.approx(expected, rel=1e-4)


def test_grey_has_no_answer(face: Pictures) -> None:
    assert float(skin_hue(Pictures(face.rgb.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)), face)) == 90


def test_photos_without_skin_do_not_count(face: Pictures) -> None:
    blue = torch.zeros_like(face.rgb)
    blue[:, 2] = 0.8
    sea = Pictures(torch.cat([face.rgb, blue]))
    values: Tensor = skin_hue(sea, sea)
    assert values.tolist() == pytest.approx([0, math.nan], nan_ok=True)
