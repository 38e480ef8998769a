"""Paper 000: residual autoencoder with curriculum learning, and its plain rival."""

from __future__ import annotations

from dataclasses import replace

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import (
    Loss,
    LossTerm,
    Optim,
    Recipe,
    SizeRule,
    Source,
    Split,
    Stage,
    StageInput,
)
from hue_cli.recipes.specs import ConvAutoencoderSpec, ResidualAutoencoderSpec

_TITLE = "Residual Autoencoder with Curriculum Learning for Image Colorization"
_SIZE = 176


def _curriculum(colour: int, edge_colour: int, edge_grey: int, grey: int) -> tuple[Stage, ...]:
    """The paper's four stages (section III-B) with their epochs; a stage of none is left out."""
    shares = zip(StageInput, (colour, edge_colour, edge_grey, grey), strict=True)
    return tuple(Stage(epochs=epochs, size=_SIZE, sees=sees) for sees, epochs in shares if epochs)


RESIDUAL = Recipe(
    name="residual",
    summary="residual autoencoder, grey photographs only",
    net=ResidualAutoencoderSpec(widths=(32, 64, 128, 256), top=16),
    space=Space(sees=Axis(signal=Signal.GREY, channels=3), paints=Axis(signal=Signal.RGB, channels=3)),
    size=SizeRule(size=256, multiple_of=16, minimum=16),
    loss=Loss(terms=((LossTerm.MSSSIM, 1.0),)),
    optim=Optim(lr=1e-3),
    stages=_curriculum(0, 0, 0, 100),
    batch_size=16,
    split=Split(dataset="kaggle", train=4500, val=500, test=739),
    source=Source(title=_TITLE, where="section V, table of results", figures={"msssim": 0.9136, "mse": 0.0089}),
    departures=(
        "The paper prints no widths: 32, 64, 128, 256 channels at 1/2, 1/4, 1/8, 1/16 of the size, 16 at full size.",
        "The first halving is a 3×3 convolution of stride 2: a strided 1×1 one would throw away three pixels of four.",
        "Every ConvolutionalBlock and DeconvolutionalBlock but the last is followed by one IdentityBlock; "
        "the paper's figure 4 gives no count.",
        "A sigmoid bounds the painted RGB; the paper names no last activation.",
        "Grey is the sRGB grey of equal CIE lightness; the paper does not say which grey it used.",
        "Crops of 176 pixels, batch 16; the paper prints neither. Five MS-SSIM scales need over 160.",
        "Cosine decay of the learning rate, gradient norm clipped at 1, and the moving average (0.999) of the weights "
        "is kept; the paper names no schedule.",
    ),
)

RESIDUAL_CURRICULUM = replace(
    RESIDUAL,
    name="residual-curriculum",
    summary="residual autoencoder with the paper's final curriculum",
    stages=_curriculum(15, 15, 35, 35),
    source=replace(RESIDUAL.source, figures={"msssim": 0.9167, "mse": 0.0085}),
    departures=(
        *RESIDUAL.departures[:5],
        "Edge enhancement is Pillow's 3×3 EDGE_ENHANCE kernel; the paper does not define it.",
        *RESIDUAL.departures[5:],
    ),
)

RESIDUAL_CURRICULUM_OLD = replace(
    RESIDUAL_CURRICULUM,
    name="residual-curriculum-old",
    summary="residual autoencoder with the paper's first curriculum",
    stages=_curriculum(25, 25, 25, 25),
    source=replace(RESIDUAL.source, figures={"msssim": 0.9160, "mse": 0.0089}),
)

CNN_CURRICULUM = replace(
    RESIDUAL_CURRICULUM,
    name="cnn-curriculum",
    summary="plain convolutional autoencoder with the same curriculum",
    net=ConvAutoencoderSpec(widths=(32, 64, 128, 256), top=16),
    source=replace(RESIDUAL.source, figures={"msssim": 0.9258, "mse": 0.0097}),
    departures=(
        "The paper does not print its CNN: one 3×3 convolution of stride 2 a halving, one transposed 4×4 of stride 2 "
        "a doubling, each with batch norm and ReLU, in the widths of the residual network.",
        *RESIDUAL_CURRICULUM.departures[3:],
    ),
)

RECIPES = (CNN_CURRICULUM, RESIDUAL, RESIDUAL_CURRICULUM_OLD, RESIDUAL_CURRICULUM)
