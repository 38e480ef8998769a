"""Adam as recipes ask for it."""

from __future__ import annotations

import torch
from torch import nn

from hue_cli.models.encoders.pretrained import find_encoder
from hue_cli.recipes.schema import Optim


def make_optimizer(network: nn.Module, optim: Optim) -> torch.optim.Optimizer:
    """Return Adam with decoupled weight decay; an encoder with ImageNet weights is a group of its own."""
    encoder = find_encoder(network)
    pretrained = [p for p in encoder.parameters() if p.requires_grad] if encoder is not None else []
    own = {id(parameter) for parameter in pretrained}
    fresh = [p for p in network.parameters() if p.requires_grad and id(p) not in own]
    groups = [{"params": fresh, "lr_share": 1.0}]
    if pretrained:
        groups.append({"params": pretrained, "lr_share": optim.encoder_lr})
    return torch.optim.AdamW(groups, lr=optim.lr, betas=optim.betas, weight_decay=optim.weight_decay)
