"""Lists of convolutions, as several papers print them."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from hue_cli.recipes.specs import Activation, Convolution

_BOUNDS: dict[Activation, type[nn.Module]] = {Activation.SIGMOID: nn.Sigmoid, Activation.TANH: nn.Tanh}


def stack(channels: int, layers: Iterable[Convolution], output: Activation, *, norm: bool = False) -> list[nn.Module]:
    """Return the layers of a list of convolutions, with ReLU between them.

    Args:
        channels: of the input.
        layers: the list.
        output: follows the last of them.
        norm: whether batch norm follows every ReLU.
    """
    made: list[nn.Module] = []
    hidden: list[nn.Module] = []
    for layer in layers:
        kind = nn.ConvTranspose2d if layer.transposed else nn.Conv2d
        made += hidden
        if layer.up > 1:
            made.append(nn.Upsample(scale_factor=float(layer.up)))
        made.append(kind(channels, layer.channels, layer.kernel, stride=layer.stride, padding=layer.kernel // 2))
        channels = layer.channels
        hidden = [nn.ReLU(), nn.BatchNorm2d(channels)] if norm else [nn.ReLU()]
    return [*made, _BOUNDS[output]()]
