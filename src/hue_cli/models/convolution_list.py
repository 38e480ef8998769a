"""The autoencoders of paper 003: lists of convolutions.

References:
    Sarmai and Sadhu (2022), "Image Colorization using Convolutional Autoencoders and Generative
    Adversarial Networks", section IV-B, tables I to III.
"""

from __future__ import annotations

from torch import nn

from hue_cli.models.glorot import start_as_keras
from hue_cli.models.layers import stack
from hue_cli.recipes.specs import ConvolutionListSpec


class ConvolutionList(nn.Sequential):
    """Grey or lightness ``(N, 1, H, W)`` in, a picture ``(N, C, H, W)`` within the last activation's bounds out.

    Height and width are multiples of all strides together, which the enlargements make up for.
    """

    def __init__(self, spec: ConvolutionListSpec) -> None:
        super().__init__(*stack(1, spec.layers, spec.output))
        start_as_keras(self)
