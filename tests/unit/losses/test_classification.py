"""The classifier's losses, against PyTorch's own and by hand."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from hue_cli.losses.classification import mean_ab, soft_cross_entropy


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
