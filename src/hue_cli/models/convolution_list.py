"""The autoencoders of paper 003: lists of convolutions.

References:
    Sarmai and Sadhu (2022), "Image Colorization using Convolutional Autoencoders and Generative
    Adversarial Networks", section IV-B, tables I to III.
"""

from __future__ import annotations

from torch import nn

from hue_cli.recipes.specs import Activation, ConvolutionListSpec

_BOUNDS: dict[Activation, type[nn.Module]] = {Activation.SIGMOID: nn.Sigmoid, Activation.TANH: nn.Tanh}


class ConvolutionList(nn.Sequential):
    """Grey or lightness ``(N, 1, H, W)`` in, a picture ``(N, C, H, W)`` within the last activation's bounds out.

    Height and width are multiples of all strides together, which the enlargements make up for.
    """

    def __init__(self, spec: ConvolutionListSpec) -> None:
        layers: list[nn.Module] = []
        channels = 1
        for layer in spec.layers:
            kind = nn.ConvTranspose2d if layer.transposed else nn.Conv2d
            if layer.up > 1:
                layers.append(nn.Upsample(scale_factor=float(layer.up)))
            layers.append(kind(channels, layer.channels, layer.kernel, stride=layer.stride, padding=layer.kernel // 2))
            layers.append(nn.ReLU())
            channels = layer.channels
        super().__init__(*layers[:-1], _BOUNDS[spec.output]())
