"""The classifier's losses, against PyTorch's own and by hand."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from hue_cli.losses.classification import mean_ab, rarity, soft_cross_entropy


def test_one_sure_cell_is_the_usual_cross_entropy() -> None:
    logits = torch.randn(2, 7, 3, 4)
    target = torch.randint(7, (2, 3, 4))
    cells = torch.stack([target, (target + 1) % 7], dim=1)
    weights = torch.stack([torch.ones(2, 3, 4), torch.zeros(2, 3, 4)], dim=1)

    torch.testing.assert_close(soft_cross_entropy(logits, cells, weights), F.cross_entropy(logits, target))


def test_shared_targets_are_pytorchs_soft_ones() -> None:
    logits = torch.randn(2, 7, 3, 4, dtype=torch.float64, requires_grad=True)
    cells = torch.stack([torch.full((2, 3, 4), 2), torch.full((2, 3, 4), 5)], dim=1)
    share = torch.rand(2, 1, 3, 4, dtype=torch.float64)
    weights = torch.cat([share, 1 - share], dim=1)
    dense = torch.zeros(2, 7, 3, 4, dtype=torch.float64).scatter(1, cells, weights)

    torch.testing.assert_close(soft_cross_entropy(logits, cells, weights), F.cross_entropy(logits, dense))
    assert torch.autograd.gradcheck(lambda x: soft_cross_entropy(x, cells, weights), logits)


def test_mean_ab_counts_squared_distance_in_units_of_a_hundred() -> None:
    truth = torch.zeros(1, 2, 1, 2)
    painted = torch.tensor([[[[30.0, 0.0]], [[40.0, 0.0]]]])

    torch.testing.assert_close(mean_ab(painted, truth), torch.tensor(0.125))


def test_rarity_is_the_formula_of_the_paper() -> None:
    prior = torch.tensor([0.7, 0.2, 0.1, 0.0])

    torch.testing.assert_close(rarity(prior, 1.0), torch.ones(4))  # all alike
    weight = rarity(prior, 0.5)
    assert weight.argsort().tolist() == [0, 1, 2, 3]
    torch.testing.assert_close((weight * prior).sum(), torch.tensor(1.0))  # 1 on average over pixels
    torch.testing.assert_close(weight[3] / weight[0], torch.tensor((0.5 * 0.7 + 0.5 / 4) / (0.5 / 4)))


def test_a_pixel_counts_as_the_cell_that_has_most_of_it() -> None:
    logits = torch.randn(2, 4, 3, 4)
    cells = torch.stack([torch.full((2, 3, 4), 1), torch.full((2, 3, 4), 3)], dim=1)
    weights = torch.stack([torch.full((2, 3, 4), 0.4), torch.full((2, 3, 4), 0.6)], dim=1)
    counts = torch.tensor([0.0, 0.0, 0.0, 2.5])

    found = soft_cross_entropy(logits, cells, weights, counts)
    torch.testing.assert_close(found, 2.5 * soft_cross_entropy(logits, cells, weights))
