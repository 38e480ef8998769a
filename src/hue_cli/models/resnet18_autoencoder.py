"""The network of paper 001: the first half of ResNet-18, and back to full size.

References:
    Hossain, "Image Colorization using Convolutional Autoencoder", section 3.1.
    Melas-Kyriazi (2018), "Image Colorization with Convolutional Neural Networks", whose network it is.
"""

from __future__ import annotations

from torch import nn

from hue_cli.models.encoders.resnet18 import ResNet18Half
from hue_cli.recipes.specs import ResNet18AutoencoderSpec


def _convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    ]


class ResNet18Autoencoder(nn.Sequential):
    """Lightness ``(N, 1, H, W)`` in [0, 1] in, a*b* ``(N, 2, H, W)`` out; H and W multiples of 8."""

    encoder: ResNet18Half

    def __init__(self, spec: ResNet18AutoencoderSpec) -> None:
        super().__init__()
        bottom, middle, top = spec.widths
        self.encoder = ResNet18Half()
        self.decoder = nn.Sequential(
            *_convolution(self.encoder.channels, bottom),
            nn.Upsample(scale_factor=2.0),
            *_convolution(bottom, middle),
            *_convolution(middle, middle),
            nn.Upsample(scale_factor=2.0),
            *_convolution(middle, top),
            nn.Conv2d(top, 2, 3, padding=1),
            nn.Upsample(scale_factor=2.0),
        )
