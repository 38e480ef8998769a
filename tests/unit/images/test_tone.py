"""Grey, toned or in colour?"""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from hue_cli.images.read import read_photo
from hue_cli.images.tone import KNOTS, Tone, examine, tint_at

GREY = Image.fromarray(skimage.data.astronaut()).convert("L")
TINTS = {
    "sepia": [(0, 0, 0), (112, 66, 20), (200, 170, 120), (255, 245, 220)],
    "cyanotype": [(0, 10, 40), (20, 60, 120), (90, 140, 180), (235, 245, 250)],
    "selenium": [(15, 8, 18), (80, 66, 82), (150, 140, 150), (245, 243, 240)],
    "two tones": [(10, 10, 30), (120, 90, 90), (200, 160, 110), (255, 250, 235)],
}


def toned(tint: str) -> Image.Image:
    curve = np.array(TINTS[tint], float)
    grey = np.asarray(GREY) / 255
    rgb = [np.interp(grey, np.linspace(0, 1, 4), curve[:, channel]) for channel in range(3)]
    return Image.fromarray(np.rint(np.dstack(rgb)).astype(np.uint8))


def stained(image: Image.Image) -> Image.Image:
    """With a brown stain in a corner, and paler towards an edge."""
    rgb = np.asarray(image).astype(float)
    y, x = np.mgrid[0 : 1 : rgb.shape[0] * 1j, 0 : 1 : rgb.shape[1] * 1j]
    stain = np.exp(-(x**2 + y**2) / 0.2)[..., None] * [0.05, 0.12, 0.25]
    return Image.fromarray((rgb * (1 - stain)).clip(0, 255).astype(np.uint8))


def tone_of(image: Image.Image, **options: object) -> Tone:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return read_photo(stream.getvalue()).tone


@pytest.mark.parametrize("quality", [30, 90])
def test_grey_saved_as_colour_is_grey(quality: int) -> None:
    assert tone_of(GREY.convert("RGB"), quality=quality) is Tone.GREY


def test_the_noise_of_a_scanner_is_no_colour() -> None:
    noise = np.random.default_rng(0).normal(0, 8, (512, 512, 3))
    noisy = Image.fromarray((np.asarray(GREY)[..., None] + noise).clip(0, 255).astype(np.uint8))
    assert tone_of(noisy, quality=75) is not Tone.COLOUR


@pytest.mark.parametrize("tint", TINTS)
@pytest.mark.parametrize("quality", [30, 90])
def test_toned_prints_are_toned(tint: str, quality: int) -> None:
    assert tone_of(toned(tint), quality=quality) is Tone.TONED
    assert tone_of(stained(toned(tint)), quality=quality) is Tone.TONED


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_photographs_in_colour_are_in_colour(name: str) -> None:
    assert tone_of(Image.fromarray(getattr(skimage.data, name)()), quality=80) is Tone.COLOUR


def test_what_cannot_be_seen_has_no_colour() -> None:
    rgb = skimage.data.astronaut()[::8, ::8]
    assert examine(rgb, np.zeros(rgb.shape[:2], bool)).tone is Tone.GREY
    assert examine(rgb).tone is Tone.COLOUR


def test_the_tint_is_found() -> None:
    stream = io.BytesIO()
    toned("sepia").save(stream, "PNG")
    photo = read_photo(stream.getvalue())
    assert photo.curve is not None
    assert photo.curve.shape == (KNOTS, 2)
    rgb = np.array([[112, 66, 20]]) / 255
    lightness, a, b = skimage.color.rgb2lab(rgb)[0]
    np.testing.assert_allclose(tint_at(photo.curve, np.array([lightness]))[0], [a, b], atol=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_pictures_of_few_pixels_have_a_tone(size: tuple[int, int]) -> None:
    assert tone_of(Image.new("RGB", size, (120, 90, 60))) in (Tone.GREY, Tone.TONED)
