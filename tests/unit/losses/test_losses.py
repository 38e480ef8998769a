"""Every term: its value where it is known, and gradients that are right and finite."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from hue_cli.losses.classification import mean_ab, soft_cross_entropy
from hue_cli.losses.regression import TERMS, kernel_penalty, loss_terms, msssim
from hue_cli.metrics.structure import MSSSIM_MINIMUM, ms_ssim
from hue_cli.recipes.schema import Loss, LossTerm

SIDE = MSSSIM_MINIMUM
SIDES = {LossTerm.MSSSIM: SIDE}


def pair(term: LossTerm, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    side = SIDES.get(term, 4)
    truth = torch.rand(1, 1, side, side, dtype=dtype)
    return (0.7 * truth + 0.3 * torch.rand_like(truth)).requires_grad_(), truth


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_gradients_are_right(term: LossTerm) -> None:
    painted, truth = pair(term)
    # Fast mode: along a random direction, because MS-SSIM needs 30,976 pixels.
    assert gradcheck(lambda x: TERMS[term](x, truth), painted, fast_mode=True)


@pytest.mark.parametrize("term", TERMS, ids=str)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, None], ids=["black", "grey", "white", "identical"])
def test_gradients_are_finite_where_nothing_varies(term: LossTerm, value: float | None) -> None:
    painted, truth = pair(term, torch.float32)
    with torch.no_grad():
        painted.copy_(truth if value is None else torch.full_like(truth, value))
    if value is not None:
        truth = painted.detach().clone()
    loss = TERMS[term](painted, truth)
    loss.backward()
    assert painted.grad is not None
    assert painted.grad.isfinite().all()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_gradients_are_finite_against_a_constant(term: LossTerm) -> None:
    painted, truth = pair(term, torch.float32)
    TERMS[term](painted, torch.full_like(truth, 1.0)).backward()
    assert painted.grad is not None
    assert painted.grad.isfinite().all()
    assert painted.grad.abs().sum() > 0


def test_a_negative_leaves_msssim_something_to_learn_from() -> None:
    torch.manual_seed(0)
    truth = F.interpolate(torch.rand(1, 1, 12, 12), (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    painted = (1 - truth).requires_grad_()
    figure = msssim(painted, truth)
    figure.sum().backward()
    assert painted.grad is not None
    assert painted.grad.isfinite().all()
    assert 0 < float(figure.detach()) < 0.1


def test_training_lowers_what_eval_measures() -> None:
    """One function, blurred in two ways: with a gradient and without."""
    torch.manual_seed(0)
    truth = F.interpolate(torch.rand(2, 3, 20, 20), (SIDE, SIDE + 20), mode="bicubic").clamp(0, 1)
    painted = (truth + 0.1 * torch.randn_like(truth)).clamp(0, 1)
    lowered = msssim(painted.clone().requires_grad_(), truth)
    assert lowered.requires_grad
    torch.testing.assert_close(lowered.detach(), ms_ssim(painted, truth), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(SIDE - 1, SIDE), (SIDE, 32)])
def test_pictures_too_small_for_five_scales_are_refused(height: int, width: int) -> None:
    small = torch.rand(1, 3, height, width)
    with pytest.raises(ValueError, match=f"176 pixels or more on each side, found {height}×{width}"):
        msssim(small, small)


def test_figures_as_defined() -> None:
    painted, truth = torch.tensor([[[[0.0, 1.0]]]]), torch.tensor([[[[0.5, 0.5]]]])
    assert float(TERMS[LossTerm.MSE](painted, truth)) == 0.25
    assert float(TERMS[LossTerm.RMSE](painted, truth)) == pytest.approx(0.5)
    assert float(TERMS[LossTerm.MAE](painted, truth)) == 0.5


def test_terms_carry_their_weight_and_name() -> None:
    painted, truth = pair(LossTerm.MSE)
    terms = loss_terms(Loss(terms=((LossTerm.MSE, 2.0), (LossTerm.MAE, 0.5))), painted, truth)
    assert list(terms) == ["mse", "mae"]
    assert torch.equal(terms["mse"], 2 * F.mse_loss(painted, truth))
    assert torch.equal(terms["mae"], 0.5 * F.l1_loss(painted, truth))


def test_the_root_of_rmse_is_taken_of_the_whole_batch() -> None:
    painted, truth = torch.tensor([3.0, 4.0]).view(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)
    assert float(TERMS[LossTerm.RMSE](painted, truth)) == pytest.approx(12.5**0.5)


def test_the_penalty_is_keras_s_of_kernels_that_are_trained() -> None:
    first, second, frozen = nn.Conv2d(1, 2, 3), nn.ConvTranspose2d(2, 1, 2), nn.Conv2d(1, 1, 1)
    network = nn.Sequential(first, nn.BatchNorm2d(2), second, frozen)
    frozen.requires_grad_(False)
    for value, kernel in ((2.0, first.weight), (3.0, second.weight), (9.0, frozen.weight)):
        nn.init.constant_(kernel, value)
    penalty = kernel_penalty(network)
    assert float(penalty.detach()) == 2 * 9 * 4 + 2 * 4 * 9
    penalty.backward()
    assert first.weight.grad is not None
    assert torch.equal(first.weight.grad, torch.full_like(first.weight, 4.0))
    assert frozen.weight.grad is None


def classes(one_hot: bool) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    cells = torch.stack([torch.randperm(5)[:4] for _ in range(18)], dim=1).view(4, 2, 3, 3).transpose(0, 1).contiguous()
    weights = torch.rand(2, 4, 3, 3, dtype=torch.float64)
    if one_hot:
        weights = torch.zeros_like(weights)
        weights[:, 0] = 1
    return logits, cells, weights / weights.sum(dim=1, keepdim=True)


def test_soft_cross_entropy_of_one_cell_is_torch_s() -> None:
    logits, cells, weights = classes(one_hot=True)
    assert torch.allclose(soft_cross_entropy(logits, cells, weights), F.cross_entropy(logits, cells[:, 0]))


def test_soft_cross_entropy_of_shared_cells_is_torch_s() -> None:
    logits, cells, weights = classes(one_hot=False)
    target = torch.zeros_like(logits).scatter(1, cells, weights)
    assert torch.allclose(soft_cross_entropy(logits, cells, weights), F.cross_entropy(logits, target))


@pytest.mark.parametrize(
    "loss",
    [
        lambda logits: soft_cross_entropy(logits, *classes(one_hot=False)[1:]),
        lambda painted: mean_ab(painted, torch.full_like(painted, 20.0)),
    ],
    ids=["soft-cross-entropy", "mean-ab"],
)
def test_gradients_of_classification(loss: Callable[[Tensor], Tensor]) -> None:
    assert gradcheck(loss, classes(one_hot=False)[0])


def test_mean_ab_is_in_units_of_a_hundred() -> None:
    painted = torch.zeros(1, 2, 4, 4)
    truth = torch.stack([torch.full((1, 4, 4), 30.0), torch.full((1, 4, 4), 40.0)], dim=1)
    assert float(mean_ab(painted, truth)) == pytest.approx(0.25)
    assert math.isclose(float(mean_ab(truth, truth)), 0)
