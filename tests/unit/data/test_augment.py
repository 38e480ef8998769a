"""Age changes tones and grain, not who is in the picture."""

from __future__ import annotations

import torch

from hue_cli.data.augment import age


def test_some_are_aged_some_are_left_and_all_stay_in_range() -> None:
    torch.manual_seed(0)
    grey = torch.rand(200, 1, 8, 8)
    aged = age(grey)
    untouched = (aged == grey).flatten(1).all(dim=1).float().mean()

    assert aged.shape == grey.shape
    assert 0 <= aged.min() <= aged.max() <= 1
    assert 0.35 < untouched < 0.65


def test_order_of_tones_survives_but_for_grain() -> None:
    torch.manual_seed(1)
    ramp = torch.linspace(0, 1, 64).view(1, 1, 1, 64).expand(50, 1, 64, 64)
    aged = age(ramp).mean(dim=2)

    assert (aged.diff(dim=-1) > -0.05).all()


def test_the_seed_decides() -> None:
    grey = torch.rand(4, 1, 8, 8)
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(age(grey))

    assert torch.equal(*results)
