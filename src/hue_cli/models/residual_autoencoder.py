"""The networks of paper 000: the residual autoencoder and its plain rival.

References:
    Al Mahmud, Morshed and Ahmed, "Residual Autoencoder with Curriculum Learning for Image
    Colorization", section III (blocks) and figures 1 to 4.
"""

from __future__ import annotations

from torch import Tensor, nn

from hue_cli.recipes.specs import ConvAutoencoderSpec, ResidualAutoencoderSpec


class Subsample(nn.Module):
    """Keep every second row and column: a 1×1 convolution of stride 2 is this and one of stride 1.

    Written apart because PyTorch 2.15 corrupts memory on the CPU for the strided 1×1 convolution of a
    channels-last picture with three channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Halve ``(N, C, H, W)`` to ``(N, C, ⌈H/2⌉, ⌈W/2⌉)``."""
        return x[:, :, ::2, ::2]


class IdentityBlock(nn.Module):
    """Two 3×3 convolutions with ReLU; the input is added to the second's output (figure 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` in, the same shape out."""
        out: Tensor = x + self.layers(x)
        return out


def _norm_relu(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU()]


class ConvolutionalBlock(nn.Module):
    """1×1 that also strides, 3×3, 1×1, each with batch norm and ReLU; strided 1×1 shortcut (figure 2).

    The two inner layers have half of the output's channels, as a bottleneck does (He et al. 2016).
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        inner = channels_out // 2
        self.layers = nn.Sequential(
            Subsample(),
            nn.Conv2d(channels_in, inner, 1, bias=False),
            *_norm_relu(inner),
            nn.Conv2d(inner, inner, 3, padding=1, bias=False),
            *_norm_relu(inner),
            nn.Conv2d(inner, channels_out, 1, bias=False),
            *_norm_relu(channels_out),
        )
        self.shortcut = nn.Sequential(
            Subsample(), nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` in, ``(N, C', H/2, W/2)`` out."""
        out: Tensor = self.layers(x) + self.shortcut(x)
        return out


class DeconvolutionalBlock(nn.Module):
    """Transposed 4×4 of stride 2, transposed 3×3, 1×1, each with batch norm and ReLU (figure 3).

    The shortcut is a transposed 4×4 of stride 2 with batch norm.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        inner = channels_out // 2
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(channels_in, inner, 4, stride=2, padding=1, bias=False),
            *_norm_relu(inner),
            nn.ConvTranspose2d(inner, inner, 3, padding=1, bias=False),
            *_norm_relu(inner),
            nn.Conv2d(inner, channels_out, 1, bias=False),
            *_norm_relu(channels_out),
        )
        self.shortcut = nn.Sequential(
            nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` in, ``(N, C', 2H, 2W)`` out."""
        out: Tensor = self.layers(x) + self.shortcut(x)
        return out


class ResidualAutoencoder(nn.Sequential):
    """Grey or colour ``(N, 3, H, W)`` in [0, 1] in, RGB of the same shape in [0, 1] out (figure 4).

    Height and width are multiples of ``2 ** len(widths)``.
    """

    def __init__(self, spec: ResidualAutoencoderSpec) -> None:
        first, *deeper = spec.widths
        layers: list[nn.Module] = [nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False), *_norm_relu(first)]
        layers.append(IdentityBlock(first))
        channels = first
        for width in deeper:
            layers += [ConvolutionalBlock(channels, width), IdentityBlock(width)]
            channels = width
        for width in reversed(spec.widths[:-1]):
            layers += [DeconvolutionalBlock(channels, width), IdentityBlock(width)]
            channels = width
        layers += [DeconvolutionalBlock(channels, spec.top), nn.Conv2d(spec.top, 3, 3, padding=1), nn.Sigmoid()]
        super().__init__(*layers)


class ConvAutoencoder(nn.Sequential):
    """The paper's first attempt: the same shape without residual blocks. Shapes as :class:`ResidualAutoencoder`."""

    def __init__(self, spec: ConvAutoencoderSpec) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for width in spec.widths:
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), *_norm_relu(width)]
            channels = width
        for width in (*reversed(spec.widths[:-1]), spec.top):
            layers += [nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=False), *_norm_relu(width)]
            channels = width
        layers += [nn.Conv2d(spec.top, 3, 3, padding=1), nn.Sigmoid()]
        super().__init__(*layers)
