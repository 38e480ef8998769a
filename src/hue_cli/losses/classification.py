"""Losses of a classifier over cells of the a*b* plane."""

from __future__ import annotations

from torch import Tensor

AB_UNIT = 100.0
"""CIE units that count as 1 in the square error, so that it is of the order of the other terms."""


def soft_cross_entropy(logits: Tensor, cells: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy against a target that is shared between a few cells, averaged over pixels.

    Args:
        logits: ``(N, K, H, W)``.
        cells: ``(N, S, H, W)`` int64, indices of the S cells that share a pixel.
        weights: ``(N, S, H, W)``, their shares, which sum to 1.

    Returns:
        A scalar in nats.

    References:
        Zhang, Isola and Efros (2016), "Colorful Image Colorization", eq. 2, without rebalancing.
    """
    return -(logits.log_softmax(dim=1).gather(1, cells) * weights).sum(dim=1).mean()


def mean_ab(painted: Tensor, truth: Tensor) -> Tensor:
    """Mean over pixels of the squared distance of two ``(N, 2, H, W)`` in CIE units, in units of 100²."""
    return ((painted - truth) / AB_UNIT).square().sum(dim=1).mean()
