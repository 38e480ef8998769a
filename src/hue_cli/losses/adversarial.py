"""Losses of two networks that are trained against each other.

References:
    Goodfellow et al. (2014), "Generative Adversarial Nets", section 3: the generator is trained to be taken for real
    rather than not to be taken for painted, which gives it a gradient from the start.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def judge_as(logits: Tensor, *, real: bool) -> Tensor:
    """How far a discriminator is from saying, at every place, that pictures are ``real``, or that they are painted.

    Args:
        logits: ``(N, 1, H, W)``, positive for real.
        real: what it is to say.

    Returns:
        A scalar in nats, the mean over photos and places.
    """
    target = torch.full_like(logits, float(real))
    return F.binary_cross_entropy_with_logits(logits, target)
