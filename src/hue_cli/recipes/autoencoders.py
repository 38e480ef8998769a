"""Paper 003, section IV-B: AE-RGB-1, AE-RGB-2 and AE-LAB."""

from __future__ import annotations

from dataclasses import replace

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, Schedule, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import Activation, Convolution, ConvolutionListSpec, doubling, halving, plain

TITLE = "Image Colorization using Convolutional Autoencoders and Generative Adversarial Networks"
_SIZE = 160


def _strided(bottleneck: int, painted: int) -> tuple[Convolution, ...]:
    """The list that AE-RGB-1 and AE-LAB share, but for the last halving's channels and the painted ones."""
    return (
        *(*plain(64), *halving(64), *plain(128), *halving(128), *plain(256), Convolution(channels=256, kernel=5)),
        *(*halving(bottleneck), *plain(64), *doubling(32, 16, painted)),
    )


_OPTIMISER = "The paper names neither optimiser nor batch for its autoencoders: Adam at Keras's usual 1e-3, batch 16."
_PADDING = "Strided convolutions pad both sides alike; Keras's 'same' pads the right and the lower side only."
_CROPS = "Squares as large as a photo allows, at random and mirrored at random; the paper resizes whole pictures."
_GREY = "Grey is the sRGB grey of equal CIE lightness; the paper's grey pictures come with its data set."
_SWAPPED = (
    "The paper's tables I and II are swapped: its introduction gives upsampling to the first type and transposed "
    "convolutions to the second, and the printed parameter counts agree."
)

AE_RGB_1 = Recipe(
    name="ae-rgb-1",
    summary="convolutional autoencoder with upsampling, paints RGB",
    net=ConvolutionListSpec(layers=_strided(256, 3), output=Activation.SIGMOID),
    space=Space(
        sees=Axis(signal=Signal.GREY, channels=1, centre=0.5, scale=0.5),
        paints=Axis(signal=Signal.RGB, channels=3),
    ),
    size=SizeRule(size=_SIZE, multiple_of=8, minimum=8),
    loss=Loss(terms=((LossTerm.RMSE, 1.0),)),
    optim=Optim(lr=1e-3, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0),
    stages=(Stage(epochs=35, size=_SIZE, zoom=1.0),),
    batch_size=16,
    split=Split(dataset="landscape", train=6000, val=1000, test=0),
    source=Source(
        title=TITLE,
        where="section IV-B-1, tables II and IV",
        figures={"rmse": 0.0944, "mse": 0.0090, "mae": 0.0654, "accuracy": 0.5782},
    ),
    parameters=2_953_955,
    departures=(
        _SWAPPED,
        "No printed table gives the printed 2,953,955 parameters. These layers do: convolutions 64, 64 (stride 2), "
        "128, 128 (stride 2), 256, 256 (5×5), 256 (stride 2), 64, then three times doubled: 32, 16, 3.",
        "The output is in [0, 1], where a sigmoid can reach it, although the paper scales its pictures to [−1, 1].",
        "6,000 photos to train on, 1,000 to validate, as in section V; section IV says 5,000.",
        *(_OPTIMISER, _PADDING, _CROPS, _GREY),
    ),
)

AE_RGB_2 = replace(
    AE_RGB_1,
    name="ae-rgb-2",
    summary="convolutional autoencoder that never strides, with transposed convolutions, paints RGB",
    net=ConvolutionListSpec(
        layers=(
            *plain(64, 64, 128, 128, 256, 256, 256, 256),
            *(Convolution(channels=each, transposed=True) for each in (128, 128, 64, 64, 3)),
        ),
        output=Activation.TANH,
    ),
    space=replace(AE_RGB_1.space, paints=Axis(signal=Signal.RGB, channels=3, centre=0.5, scale=0.5)),
    size=SizeRule(size=_SIZE, multiple_of=1, minimum=1),
    split=replace(AE_RGB_1.split, train=5000),
    source=replace(
        AE_RGB_1.source,
        where="section IV-B-2, tables I and IV",
        figures={"rmse": 0.0817, "mse": 0.0068, "mae": 0.0587, "accuracy": 0.5220},
    ),
    parameters=2_879_491,
    departures=(
        _SWAPPED,
        "No printed table gives the printed 2,879,491 parameters. These layers do: convolutions 64, 64, 128, 128, "
        "256, 256, 256, 256, then transposed convolutions 128, 128, 64, 64, 3, all 3×3 and of stride 1.",
        "Painted and true RGB are compared in [−1, 1]. If the paper's errors are of that scale, they are twice (its "
        "MSE four times) what they would be in [0, 1], where hue's are; it does not say.",
        *(_OPTIMISER, _CROPS, _GREY),
    ),
)

AE_LAB = replace(
    AE_RGB_1,
    name="ae-lab",
    summary="convolutional autoencoder with upsampling, paints a*b*",
    net=ConvolutionListSpec(layers=_strided(128, 2), output=Activation.TANH),
    space=Space(
        sees=Axis(signal=Signal.LIGHTNESS, channels=1, centre=50.0, scale=50.0),
        paints=Axis(signal=Signal.AB, channels=2, scale=128.0),
    ),
    stages=(Stage(epochs=20, size=_SIZE, zoom=1.0),),
    source=replace(
        AE_RGB_1.source,
        where="section IV-B-3, tables III and IV",
        figures={"rmse": 0.0753, "mse": 0.0058, "mae": 0.0477, "accuracy": 0.6857},
    ),
    parameters=2_585_042,
    departures=(
        "Table III does not give the printed 2,585,042 parameters. These layers do: convolutions 64, 64 (stride 2), "
        "128, 128 (stride 2), 256, 256 (5×5), 128 (stride 2), 64, then three times doubled: 32, 16, 2.",
        "a* and b* are divided by 128, L* is scaled from [0, 100] to [−1, 1]; the paper says [−1, 1] and no more.",
        "The paper's errors are of a* and b* in that scale, and its accuracy is the share of pixels at which the "
        "larger of the two is the truth's; hue's are of sRGB, so the two rows cannot be compared.",
        *(_OPTIMISER, _PADDING, _CROPS),
    ),
)

RECIPES = (AE_RGB_1, AE_RGB_2, AE_LAB)
