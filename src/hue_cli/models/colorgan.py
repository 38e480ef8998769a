"""ColorGAN of paper 003: a U-Net that paints, and the critic that tells painted pictures from real ones.

References:
    Sarmai and Sadhu (2022), "Image Colorization using Convolutional Autoencoders and Generative
    Adversarial Networks", section IV-C.
    Isola et al. (2017), "Image-to-Image Translation with Conditional Adversarial Networks", appendix 6.1:
    both networks, which the paper takes over layer by layer.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from hue_cli.errors import UsageError
from hue_cli.recipes.specs import ColorGanSpec

_SLOPE = 0.2
_DROPPED_BLOCKS = 3


def _start_as_dcgan(network: nn.Module) -> None:
    """Draw weights as Radford et al. (2016) do, whose guidelines the paper follows."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)


class _Down(nn.Sequential):
    """Halve: 4×4 convolution of stride 2, batch norm but in the first, LeakyReLU."""

    def __init__(self, channels_in: int, channels_out: int, *, norm: bool) -> None:
        layers: list[nn.Module] = [nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1, bias=not norm)]
        if norm:
            layers.append(nn.BatchNorm2d(channels_out))
        super().__init__(*layers, nn.LeakyReLU(_SLOPE))


class _Up(nn.Sequential):
    """Double: transposed 4×4 convolution of stride 2, batch norm, dropout in the first three, ReLU."""

    def __init__(self, channels_in: int, channels_out: int, *, dropout: float) -> None:
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        ]
        if dropout:
            layers.append(nn.Dropout(dropout))
        super().__init__(*layers, nn.ReLU())


class ColorGanGenerator(nn.Module):
    """Grey ``(N, 1, H, W)`` in [−1, 1] in, RGB ``(N, 3, H, W)`` in [−1, 1] out (figure 6).

    Height and width are multiples of ``2 ** len(widths)``: 256 with the paper's eight halvings, which leave one
    place of a picture of 256 pixels.
    """

    def __init__(self, spec: ColorGanSpec) -> None:
        super().__init__()
        widths = spec.widths
        self.down = nn.ModuleList(
            _Down(channels_in, channels_out, norm=index > 0)
            for index, (channels_in, channels_out) in enumerate(pairwise((1, *widths)))
        )
        up: list[nn.Module] = []
        channels = widths[-1]
        for index, width in enumerate(reversed(widths[:-1])):
            up.append(_Up(channels, width, dropout=spec.dropout if index < _DROPPED_BLOCKS else 0.0))
            channels = 2 * width
        self.up = nn.ModuleList(up)
        self.paint = nn.Sequential(nn.ConvTranspose2d(channels, 3, 4, stride=2, padding=1), nn.Tanh())
        _start_as_dcgan(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class.

        Raises:
            UsageError: one picture is to be trained on that leaves one place.
        """
        if self.training and len(x) == 1 and max(x.shape[2:]) == 2 ** len(self.down):
            raise UsageError(
                "colorgan trains on 2 photos or more at a time: its bottleneck has one place a photo, and batch norm "
                "needs a spread. Take --batch-size 2 or more."
            )
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for up, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = torch.cat([up(x), skip], dim=1)
        painted: Tensor = self.paint(x)
        return painted


class ColorGanDiscriminator(nn.Sequential):
    """RGB ``(N, 3, H, W)`` in [−1, 1] in, the logit of "real" ``(N, 1, H/8 − 2, W/8 − 2)`` of every patch out.

    Three halvings (4×4, stride 2), then twice zero padding and a 4×4 convolution of stride 1, the last one to the
    paper's single output neuron, at every place. It sees the painted picture alone, as in the paper's equations 1
    and 2. The sigmoid that makes a probability of the logit is part of the loss, where it is stable.

    Args:
        spec: the generator's, which names the critic's widths too.
    """

    def __init__(self, spec: ColorGanSpec) -> None:
        *halving, last = spec.critic_widths
        super().__init__(
            *(
                _Down(channels_in, channels_out, norm=index > 0)
                for index, (channels_in, channels_out) in enumerate(pairwise((3, *halving)))
            ),
            nn.ZeroPad2d(1),
            nn.Conv2d(halving[-1], last, 4, bias=False),
            nn.BatchNorm2d(last),
            nn.LeakyReLU(_SLOPE),
            nn.ZeroPad2d(1),
            nn.Conv2d(last, 1, 4),
        )
        _start_as_dcgan(self)
