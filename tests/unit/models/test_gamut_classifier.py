"""hue-s: shapes, the chroma curve, what is frozen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.recipes import find_recipe
from hue_cli.recipes.specs import GamutClassifierSpec


@pytest.fixture(scope="module")
def network() -> GamutClassifier:
    spec = find_recipe("hue-s").net
    assert isinstance(spec, GamutClassifierSpec)
    built = build_network(replace(spec, widths=(8, 8, 8, 8), cell=20.0))
    assert isinstance(built, GamutClassifier)
    return built.eval()


def test_it_is_as_small_as_promised() -> None:
    assert count_parameters(build_network(find_recipe("hue-s").net)) < 5_000_000


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (160, 32)])
def test_shapes(network: GamutClassifier, height: int, width: int) -> None:
    x = torch.rand(2, 3, height, width) * 2 - 1
    with torch.no_grad():
        assert network.logits(x).shape == (2, len(network.gamut), height // 4, width // 4)
        assert network(x).shape == (2, 2, height, width)


def test_the_curve_raises_chroma_keeps_hue_and_has_a_ceiling(network: GamutClassifier) -> None:
    network.gain.fill_(3.0)
    network.ceiling.fill_(50.0)
    angle = torch.linspace(0, 6.2, 40)
    chroma = torch.linspace(0.1, 120, 40)
    ab = torch.stack([chroma * angle.cos(), chroma * angle.sin()]).view(1, 2, 1, 40)
    raised = network.saturate(ab)
    found = raised.square().sum(dim=1).sqrt().flatten()

    torch.testing.assert_close(found, 50 * torch.tanh(3 * chroma / 50), atol=1e-3, rtol=1e-4)
    # atan2 of the same angle, up to rounding near the seam.
    torch.testing.assert_close(
        torch.nn.functional.cosine_similarity(raised, ab), torch.ones(1, 1, 40), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(network.saturate(torch.zeros(1, 2, 2, 2)), torch.zeros(1, 2, 2, 2))


def test_the_frozen_blocks_stay_as_they_are(network: GamutClassifier) -> None:
    network.encoder.freeze()
    network.train()
    before = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    network.logits(torch.rand(2, 3, 32, 32)).square().mean().backward()
    optimizer.step()
    after = network.encoder.state_dict()
    network.eval()
    changed = {name for name in before if not torch.equal(before[name], after[name])}

    assert changed
    assert not any(name.startswith(tuple(f"features.{i}." for i in range(4))) for name in changed)


def test_nothing_is_left_of_batch_norm_in_the_encoder(network: GamutClassifier) -> None:
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.encoder.modules())
