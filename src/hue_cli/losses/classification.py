"""Losses of a classifier over cells of the a*b* plane."""

from __future__ import annotations

from torch import Tensor

AB_UNIT = 100.0
"""CIE units that count as 1 in the square error, so that it is of the order of the other terms."""


def soft_cross_entropy(logits: Tensor, cells: Tensor, weights: Tensor, rarity: Tensor | None = None) -> Tensor:
    """Cross entropy against a target that is shared between a few cells, averaged over pixels.

    Args:
        logits: ``(N, K, H, W)``.
        cells: ``(N, S, H, W)`` int64, indices of the S cells that share a pixel.
        weights: ``(N, S, H, W)``, their shares, which sum to 1.
        rarity: ``(K,)``, how much a pixel of each cell counts (:func:`rarity`); None counts all alike.

    Returns:
        A scalar in nats.

    References:
        Zhang, Isola and Efros (2016), "Colorful Image Colorization", eq. 2; rebalancing is their eq. 3.
    """
    nats = -(logits.log_softmax(dim=1).gather(1, cells) * weights).sum(dim=1)
    if rarity is not None:
        nats = nats * rarity[cells.gather(1, weights.argmax(dim=1, keepdim=True)).squeeze(1)]
    return nats.mean()


def rarity(prior: Tensor, rebalance: float) -> Tensor:
    """Return how much a pixel of each cell counts, 1 on average over pixels.

    Args:
        prior: ``(K,)``, share of the pixels of photographs that fall into each cell; sums to 1.
        rebalance: λ in (0, 1], share of the uniform distribution that is mixed in before the inverse is taken.

    References:
        Zhang, Isola and Efros (2016), eq. 4; they take 0.5.
    """
    weight = 1 / ((1 - rebalance) * prior + rebalance / len(prior))
    return weight / (weight * prior).sum()


def mean_ab(painted: Tensor, truth: Tensor) -> Tensor:
    """Mean over pixels of the squared distance of two ``(N, 2, H, W)`` in CIE units, in units of 100²."""
    return ((painted - truth) / AB_UNIT).square().sum(dim=1).mean()
