"""Losses that compare what was painted with the truth."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.metrics.structure import MSSSIM_MINIMUM, ms_ssim
from hue_cli.recipes.schema import Loss, LossTerm

FLOOR = 1e-4
"""Of each scale's similarity in training."""


def msssim(painted: Tensor, truth: Tensor) -> Tensor:
    """The metric's own MS-SSIM of each picture, with a gradient everywhere.

    A scale whose similarity is under :data:`FLOOR`, or negative, counts as that: were it zero, as in the metric, a
    picture that is wrong at one scale would learn from none. The floor keeps the gradient of the power finite too.

    Args:
        painted: ``(N, C, H, W)`` in [0, 1], H and W at least :data:`MSSSIM_MINIMUM`.
        truth: the same shape and range.

    Returns:
        ``(N,)``, 1 for identical pictures.

    Raises:
        ValueError: the pictures are too small for five scales.
    """
    height, width = painted.shape[-2:]
    if min(height, width) < MSSSIM_MINIMUM:
        raise ValueError(f"MS-SSIM needs {MSSSIM_MINIMUM} pixels or more on each side, found {height}×{width}")
    return ms_ssim(painted, truth, floor=FLOOR)


def _one_minus_msssim(painted: Tensor, truth: Tensor) -> Tensor:
    return 1 - msssim(painted, truth).mean()


def _rmse(painted: Tensor, truth: Tensor) -> Tensor:
    # Far under an 8-bit step; keeps the gradient of the root finite at zero.
    return (F.mse_loss(painted, truth) + 1e-12).sqrt()


TERMS: dict[LossTerm, Callable[[Tensor, Tensor], Tensor]] = {
    LossTerm.MSSSIM: _one_minus_msssim,
    LossTerm.MSE: F.mse_loss,
    LossTerm.RMSE: _rmse,
    LossTerm.MAE: F.l1_loss,
}


def loss_terms(loss: Loss, painted: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Return every term of ``loss`` by name, each a weighted scalar; their sum is what training lowers.

    Args:
        loss: the recipe's.
        painted: ``(N, C, H, W)``, in the network's own scale; in [0, 1] for MS-SSIM.
        truth: the same.
    """
    return {name.value: weight * TERMS[name](painted, truth) for name, weight in loss.terms}


def kernel_penalty(network: nn.Module) -> Tensor:
    """Sum of squares of the kernels of all convolutions that are trained, transposed ones included: a scalar."""
    kernels = (m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d))
    return torch.stack([kernel.square().sum() for kernel in kernels if kernel.requires_grad]).sum()
