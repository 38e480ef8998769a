"""Size rules, padding and cropping, for any photograph."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.resize import ENLARGE, LONGEST, crop_to_photo, network_input, network_size
from hue_cli.images.tint import tint

SIDES = st.integers(1, 40_000)


@given(height=SIDES, width=SIDES, size=st.integers(16, 1024), multiple=st.sampled_from([1, 8, 16, 32]))
def test_network_sizes_keep_the_rule(height: int, width: int, size: int, multiple: int) -> None:
    found = network_size(height, width, size=size, multiple_of=multiple, minimum=16)
    assert found.padded_height % multiple == found.padded_width % multiple == 0
    assert found.padded_height >= max(found.height, 16)
    assert found.padded_width >= max(found.width, 16)
    assert found.padded_height < max(found.height, 16) + multiple
    assert max(found.height, found.width) <= LONGEST * size
    assert min(found.height, found.width) <= max(size, 1)
    assert found.height <= ENLARGE * height
    assert found.width <= ENLARGE * width


@given(height=st.integers(1000, 4000), width=st.integers(1000, 4000))
def test_network_sizes_keep_the_aspect_ratio(height: int, width: int) -> None:
    found = network_size(height, width, size=256, multiple_of=16, minimum=16)
    assert abs(found.width / found.height - width / height) < 0.02 * width / height
    assert min(found.height, found.width) == 256


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), value=st.integers(0, 255))
def test_crop_undoes_padding_and_a_flat_photograph_stays_flat(height: int, width: int, value: int) -> None:
    size = network_size(height, width, size=48, multiple_of=16, minimum=32)
    grey = np.full((height, width), value, np.uint8)
    lightness = network_input(grey, size)
    assert lightness.shape == (1, size.padded_height, size.padded_width)
    np.testing.assert_array_equal(lightness, grey_to_lightness(np.array(value, np.uint8)))
    assert crop_to_photo(np.concatenate([lightness, lightness]), size).shape == (2, size.height, size.width)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    a=st.floats(-120, 120),
    b=st.floats(-120, 120),
    seed=st.integers(0, 99),
)
def test_any_ab_at_any_size_keeps_lightness(height: int, width: int, a: float, b: float, seed: int) -> None:
    import skimage.color

    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    ab = np.stack([np.full((3, 4), a), np.full((3, 4), b)]).astype(np.float32)
    rgb = tint(grey, ab, depth=16)
    found = skimage.color.rgb2lab(rgb / 65535)[..., 0]
    assert np.abs(found - grey_to_lightness(grey)).max() < 0.05
