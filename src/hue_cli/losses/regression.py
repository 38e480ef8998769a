"""Losses that compare what was painted with the truth."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from hue_cli.recipes.schema import Loss, LossTerm

# Wang, Simoncelli and Bovik (2003), section 3.2.
MSSSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MSSSIM_WINDOW = 11
MSSSIM_SIGMA = 1.5
MSSSIM_MINIMUM = (MSSSIM_WINDOW - 1) * 2 ** (len(MSSSIM_WEIGHTS) - 1) + 1
"""Smallest height and width, 161 pixels: the coarsest scale must hold the window."""


def _blur_matrix(side: int, like: Tensor) -> Tensor:
    """The Gaussian window sliding along one axis, without padding, as a ``(side - 10, side)`` band matrix."""
    x = torch.arange(MSSSIM_WINDOW, dtype=like.dtype, device=like.device) - MSSSIM_WINDOW // 2
    window = torch.exp(-(x**2) / (2 * MSSSIM_SIGMA**2))
    window = window / window.sum()
    rows = side - MSSSIM_WINDOW + 1
    place = torch.arange(side, device=like.device)[None, :] - torch.arange(rows, device=like.device)[:, None]
    inside = (place >= 0) & (place < MSSSIM_WINDOW)
    return torch.where(inside, window[place.clamp(0, MSSSIM_WINDOW - 1)], 0.0)


def _blur(planes: Tensor) -> Tensor:
    """Separable Gaussian of ``(P, H, W)``, without padding.

    As two matrix products: on the CPU 15 times faster, gradient included, than convolutions of one channel.
    """
    down, across = _blur_matrix(planes.shape[1], planes), _blur_matrix(planes.shape[2], planes)
    return down @ planes @ across.T


def msssim(painted: Tensor, truth: Tensor) -> Tensor:
    """Multi-scale structural similarity of each picture, its channels averaged at each scale.

    The definition is that of ``torchmetrics``: windows stay inside the picture, but at the coarsest scale it is
    mirrored at its edges.

    Args:
        painted: ``(N, C, H, W)`` in [0, 1], H and W at least 161.
        truth: the same shape and range.

    Returns:
        ``(N,)``, 1 for identical pictures. A scale whose contrast is under 1e-4, or negative, counts as 1e-4: were it
        zero, as in ``torchmetrics``, a picture that is wrong at one scale would learn from none.

    Raises:
        ValueError: the pictures are too small for five scales.

    References:
        Wang, Simoncelli and Bovik (2003), "Multi-scale structural similarity", eq. 7.
    """
    n, channels, height, width = painted.shape
    if min(height, width) < MSSSIM_MINIMUM:
        raise ValueError(f"MS-SSIM needs {MSSSIM_MINIMUM} pixels or more on each side, found {height}×{width}")
    x = painted.reshape(n * channels, height, width)
    y = truth.reshape(n * channels, height, width)
    c1, c2 = 0.01**2, 0.03**2
    result = torch.ones(n, dtype=painted.dtype, device=painted.device)
    for scale, weight in enumerate(MSSSIM_WEIGHTS):
        coarsest = scale == len(MSSSIM_WEIGHTS) - 1
        if scale:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        if coarsest:
            x, y = (F.pad(planes, (MSSSIM_WINDOW // 2,) * 4, mode="reflect") for planes in (x, y))
        means = _blur(torch.cat([x, y, x * x, y * y, x * y]))
        mx, my, mxx, myy, mxy = torch.split(means, n * channels)
        cs = (2 * (mxy - mx * my) + c2) / ((mxx - mx * mx) + (myy - my * my) + c2)
        if coarsest:
            cs = cs * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        # The floor keeps the gradient of the power finite too.
        result = result * cs.view(n, -1).mean(dim=1).clamp_min(1e-4) ** weight
    return result


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
