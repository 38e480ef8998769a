"""From a spec to a network."""

from __future__ import annotations

from typing import assert_never

from torch import nn

from hue_cli.models.colorgan import ColorGanDiscriminator, ColorGanGenerator
from hue_cli.models.convolution_list import ConvolutionList
from hue_cli.models.deepcolor import DeepColor, DeepColorUNet
from hue_cli.models.gamut_classifier import GamutClassifier
from hue_cli.models.koalarization import DeepKoalarization, Koalarization
from hue_cli.models.residual_autoencoder import ConvAutoencoder, ResidualAutoencoder
from hue_cli.models.resnet18_autoencoder import ResNet18Autoencoder
from hue_cli.models.vgg_networks import VggAutoencoder, VggUNet
from hue_cli.recipes.specs import (
    ColorGanSpec,
    ConvAutoencoderSpec,
    ConvolutionListSpec,
    DeepColorSpec,
    DeepColorUNetSpec,
    GamutClassifierSpec,
    KoalarizationSpec,
    NetSpec,
    ResidualAutoencoderSpec,
    ResNet18AutoencoderSpec,
    VggAutoencoderSpec,
    VggUNetSpec,
)


def build_network(spec: NetSpec) -> nn.Module:  # noqa: C901, PLR0911 - one a family
    """Return the network that ``spec`` describes, with fresh weights."""
    match spec:
        case ResidualAutoencoderSpec():
            return ResidualAutoencoder(spec)
        case ConvAutoencoderSpec():
            return ConvAutoencoder(spec)
        case GamutClassifierSpec():
            return GamutClassifier(spec)
        case ConvolutionListSpec():
            return ConvolutionList(spec)
        case ColorGanSpec():
            return ColorGanGenerator(spec)
        case DeepColorUNetSpec():
            return DeepColorUNet(spec)
        case DeepColorSpec():
            return DeepColor(spec)
        case ResNet18AutoencoderSpec():
            return ResNet18Autoencoder(spec)
        case KoalarizationSpec():
            return DeepKoalarization(spec) if spec.second else Koalarization(spec)
        case VggAutoencoderSpec():
            return VggAutoencoder(spec)
        case VggUNetSpec():
            return VggUNet(spec)
        case _:
            assert_never(spec)


def build_discriminator(spec: NetSpec) -> nn.Module | None:
    """Return what tells this network's pictures from real ones, with fresh weights; None for a network trained alone.

    It takes what the network paints, in the network's own scale, and returns logits of "real" ``(N, 1, H', W')``.
    """
    return ColorGanDiscriminator(spec) if isinstance(spec, ColorGanSpec) else None


def count_parameters(network: nn.Module) -> int:
    """Number of values that training changes or could change."""
    return sum(parameter.numel() for parameter in network.parameters())
