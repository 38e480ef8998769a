"""The networks of paper 004, DeepColor: a U-Net, and decoders on DenseNet-121 and MobileNet.

References:
    Tsvetkov, Walhout and Wang, "DeepColor: Enhancing Image Colorization with Advanced Deep Learning Techniques",
    section II, Models; what it leaves open is as in the notebook of its source code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from hue_cli.models.encoders.deepest import DeepestFeatures
from hue_cli.models.glorot import start_as_keras
from hue_cli.models.layers import stack
from hue_cli.recipes.specs import Activation, DeepColorSpec, DeepColorUNetSpec

_SLOPE = 0.01


def _enlarge(channels_in: int, channels_out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels_out, 3, stride=2, padding=1, output_padding=1)


class _Decode(nn.Module):
    """Transposed convolution of stride 2, skip, batch norm of both, dropout, ReLU."""

    def __init__(self, channels_in: int, skip: int, dropout: float) -> None:
        super().__init__()
        self.enlarge = _enlarge(channels_in, skip)
        self.after = nn.Sequential(nn.BatchNorm2d(2 * skip), nn.Dropout(dropout), nn.ReLU())

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """``(N, C, H, W)`` and the encoder's ``(N, S, 2H, 2W)`` in, ``(N, 2S, 2H, 2W)`` out."""
        out: Tensor = self.after(torch.cat([self.enlarge(coarse), skip], dim=1))
        return out


class DeepColorUNet(nn.Module):
    """Grey ``(N, 1, H, W)`` in [0, 1] in, RGB ``(N, 3, H, W)`` in [0, 1] out; H and W multiples of 16."""

    def __init__(self, spec: DeepColorUNetSpec) -> None:
        super().__init__()
        self.encoder_blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1),
                nn.BatchNorm2d(channels_out),
                nn.LeakyReLU(_SLOPE),
            )
            for channels_in, channels_out in pairwise((1, *spec.widths))
        )
        blocks: list[nn.Module] = []
        channels = spec.widths[-1]
        for skip in reversed(spec.widths[:-1]):
            blocks.append(_Decode(channels, skip, spec.dropout))
            channels = 2 * skip
        self.decoder_blocks = nn.ModuleList(blocks)
        self.paint = nn.Sequential(_enlarge(channels, 3), nn.Sigmoid())
        start_as_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        maps = []
        for encode in self.encoder_blocks:
            x = encode(x)
            maps.append(x)
        for decode, skip in zip(self.decoder_blocks, reversed(maps[:-1]), strict=True):
            x = decode(x, skip)
        painted: Tensor = self.paint(x)
        return painted


class DeepColor(nn.Module):
    """Grey ``(N, 3, H, W)`` in [0, 1] in, RGB of the same shape in [0, 1] out; H and W multiples of 32."""

    def __init__(self, spec: DeepColorSpec) -> None:
        super().__init__()
        self.encoder = DeepestFeatures(spec.encoder, frozen=spec.frozen)
        self.decoder = nn.Sequential(*stack(self.encoder.channels, spec.decoder, Activation.SIGMOID, norm=spec.norm))
        start_as_keras(self.decoder)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        painted: Tensor = self.decoder(self.encoder(x))
        return painted
