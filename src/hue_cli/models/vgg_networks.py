"""The two networks of paper 002 on VGG: an autoencoder and a U-Net.

References:
    Rabea, Mahmoud and Ashraf (2023), "Image Colorization", section 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.models.encoders.vgg import VggEncoder
from hue_cli.models.glorot import start_as_keras
from hue_cli.recipes.specs import VggAutoencoderSpec, VggUNetSpec


def _convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1), nn.ReLU()]


class VggAutoencoder(nn.Module):
    """Lightness three times ``(N, 3, H, W)`` in [−1, 1] in, a*b* ``(N, 2, H, W)`` in [−1, 1] out.

    H and W are multiples of 32. With ImageNet's weights the encoder's first layer goes on learning, and no other.
    """

    def __init__(self, spec: VggAutoencoderSpec) -> None:
        super().__init__()
        self.encoder = VggEncoder(spec.encoder, trained=1)
        widths = (self.encoder.channels[-1], *spec.widths)
        self.decoder = nn.Sequential(
            *(
                nn.Sequential(*_convolution(before, after), nn.Upsample(scale_factor=2.0))
                for before, after in pairwise(widths)
            ),
            nn.Conv2d(widths[-1], 2, 3, padding=1),
            nn.Tanh(),
        )
        start_as_keras(self.decoder)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        painted: Tensor = self.decoder(F.max_pool2d(self.encoder(x)[-1], 2))
        return painted


class _Up(nn.Module):
    """Double the size by a transposed convolution, add the encoder's map of that size, convolve."""

    def __init__(self, channels_in: int, skip: int, channels_out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)
        self.mix = nn.Sequential(*_convolution(channels_out + skip, channels_out))

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """``(N, C, H, W)`` and the encoder's ``(N, S, 2H, 2W)`` in, ``(N, C', 2H, 2W)`` out."""
        mixed: Tensor = self.mix(torch.cat([self.up(coarse), fine], dim=1))
        return mixed


class VggUNet(nn.Module):
    """Lightness three times ``(N, 3, H, W)`` in [−1, 1] in, a*b* ``(N, 2, H, W)`` in [−1, 1] out.

    H and W are multiples of 16.
    """

    def __init__(self, spec: VggUNetSpec) -> None:
        super().__init__()
        self.encoder = VggEncoder(spec.encoder)
        *skips, coarsest = self.encoder.channels
        self.bridge = nn.Sequential(*_convolution(coarsest, spec.bridge))
        widths: Sequence[int] = (spec.bridge, *spec.widths)
        self.ups = nn.ModuleList(
            _Up(before, skip, after) for (before, after), skip in zip(pairwise(widths), reversed(skips), strict=True)
        )
        self.paint = nn.Conv2d(widths[-1], 2, 1)
        for part in (self.bridge, self.ups, self.paint):
            start_as_keras(part)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        *skips, coarsest = self.encoder(x)
        y = self.bridge(coarsest)
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            y = up(y, skip)
        return torch.tanh(self.paint(y))
