"""Frozen descriptions of networks: a closed union that :func:`hue_cli.models.build.build_network` matches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualAutoencoderSpec:
    """Paper 000, section III: residual blocks down to a bottleneck and up again.

    Attributes:
        widths: channels after each halving, from half size down to the bottleneck.
        top: channels after the last doubling, at full size.
    """

    widths: tuple[int, ...]
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvAutoencoderSpec:
    """Paper 000, section I: the plain convolutional autoencoder that the residual one replaced.

    Attributes:
        widths: channels after each halving, from half size down to the bottleneck.
        top: channels after the last doubling, at full size.
    """

    widths: tuple[int, ...]
    top: int


class Encoder(StrEnum):
    """Encoders with ImageNet weights, by the name that the library they come from gives them."""

    DENSENET121 = "densenet121"
    INCEPTION_RESNET_V2 = "inception_resnet_v2"
    MOBILENET_V1 = "mobilenetv1_100"
    MOBILENET_V2 = "mobilenet_v2"
    RESNET18 = "resnet18"
    VGG16 = "vgg16"
    VGG19 = "vgg19"


@dataclass(frozen=True, slots=True, kw_only=True)
class GamutClassifierSpec:
    """hue-s: an ImageNet encoder, a decoder with skips, and a class for every cell of the a*b* plane.

    Attributes:
        encoder: which one.
        frozen: how many of the encoder's first blocks keep their ImageNet weights.
        widths: channels of the decoder at 1/32, 1/16, 1/8 and 1/4 of the size.
        cell: side of a cell of the a*b* plane, in CIE units.
        colourfulness: share of the truth's colourfulness that it is set to show, on validation photos.
    """

    encoder: Encoder
    frozen: int
    widths: tuple[int, int, int, int]
    cell: float
    colourfulness: float


class Activation(StrEnum):
    """What bounds a network's picture."""

    SIGMOID = "sigmoid"
    TANH = "tanh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """One line of a paper's table of layers: a convolution that keeps the size but for its stride.

    Attributes:
        channels: that it gives.
        kernel: its side.
        stride: of its steps.
        up: how many times its input is enlarged before, by repeating pixels.
        transposed: a transposed convolution in place of a plain one; of stride 1.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    up: int = 1
    transposed: bool = False


def plain(*channels: int) -> tuple[Convolution, ...]:
    """Return 3×3 convolutions that keep the size."""
    return tuple(Convolution(channels=each) for each in channels)


def halving(*channels: int) -> tuple[Convolution, ...]:
    """Return 3×3 convolutions of stride 2."""
    return tuple(Convolution(channels=each, stride=2) for each in channels)


def doubling(*channels: int) -> tuple[Convolution, ...]:
    """Return 3×3 convolutions of inputs enlarged twofold."""
    return tuple(Convolution(channels=each, up=2) for each in channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvolutionListSpec:
    """Paper 003, section IV-B: autoencoders that are nothing but a list of convolutions, with ReLU between them.

    Attributes:
        layers: from grey to the painted channels.
        output: follows the last of them.
    """

    layers: tuple[Convolution, ...]
    output: Activation


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorGanSpec:
    """Paper 003, section IV-C: a U-Net generator and its discriminator.

    Attributes:
        widths: channels of the generator after each halving; the doublings mirror them.
        critic_widths: channels of the discriminator: its halvings, then its convolution at full stride.
        dropout: share of values dropped in the generator's first three doublings.
    """

    widths: tuple[int, ...]
    critic_widths: tuple[int, ...]
    dropout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepColorUNetSpec:
    """Paper 004, U-Net: strided convolutions down, transposed ones with skips up.

    Attributes:
        widths: channels after each halving; the doublings mirror all but the last.
        dropout: share of values dropped in every decoder block.
    """

    widths: tuple[int, ...]
    dropout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepColorSpec:
    """Paper 004, DenseNet and MobileNet: the deepest features of an ImageNet network, and a decoder without skips.

    Attributes:
        encoder: which network.
        frozen: whether it keeps ImageNet's weights.
        decoder: from its features at 1/32 of the size to the painted channels at full size.
        norm: whether batch norm follows every ReLU of the decoder.
    """

    encoder: Encoder
    frozen: bool
    decoder: tuple[Convolution, ...]
    norm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet18AutoencoderSpec:
    """Paper 001, section 3.1: the first half of ResNet-18 and a decoder that mirrors it.

    Attributes:
        widths: channels of the decoder at 1/8, 1/4 and 1/2 of the size.
    """

    widths: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class KoalarizationSpec:
    """Paper 002, sections 2.4 and 3.4: convolutions fused with the logits of a classifier of ImageNet.

    Attributes:
        encoder: from lightness to 1/8 of the size.
        fusion: channels of the 1×1 convolution that mixes the encoder's with the classifier's.
        decoder: back to half size; its picture is enlarged once more.
        embedding: the classifier.
        embedding_size: side of the square that it is shown.
        norm: batch norm before every activation.
        pool: a stride is made by pooling after the convolution.
        dropout: share of channels dropped after every other block.
        second: encoder and bottleneck of a second network that sees the first one's picture; empty for none.
    """

    encoder: tuple[Convolution, ...]
    fusion: int
    decoder: tuple[Convolution, ...]
    embedding: Encoder
    embedding_size: int
    norm: bool = False
    pool: bool = False
    dropout: float = 0.0
    second: tuple[Convolution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VggAutoencoderSpec:
    """Paper 002, section 3.5.1: VGG-16 and a decoder.

    Attributes:
        encoder: which VGG.
        widths: channels of the decoder at 1/32, 1/16, 1/8, 1/4 and 1/2 of the size.
    """

    encoder: Encoder
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VggUNetSpec:
    """Paper 002, section 3.5.2: a U-Net on VGG-19.

    Attributes:
        encoder: which VGG.
        bridge: channels at 1/16 of the size.
        widths: channels of the decoder at 1/8, 1/4, 1/2 and full size.
    """

    encoder: Encoder
    bridge: int
    widths: tuple[int, int, int, int]


NetSpec = (
    ResidualAutoencoderSpec
    | ConvAutoencoderSpec
    | GamutClassifierSpec
    | ConvolutionListSpec
    | ColorGanSpec
    | DeepColorUNetSpec
    | DeepColorSpec
    | ResNet18AutoencoderSpec
    | KoalarizationSpec
    | VggAutoencoderSpec
    | VggUNetSpec
)
