"""Paper 004, DeepColor: a U-Net from scratch, and decoders on DenseNet-121 and MobileNet."""

from __future__ import annotations

from dataclasses import replace

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, Schedule, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import Convolution, DeepColorSpec, DeepColorUNetSpec, Encoder, doubling

_SIZE = 256
_RGB = Axis(signal=Signal.RGB, channels=3)

_NOTEBOOK = "the notebook of the paper's source code (github.com/annatsv/deepcolor)"
_COMMON = (
    "Squares as large as a photo allows, at random and mirrored at random; the paper resizes whole pictures, and found "
    "that mirroring did not help.",
    "Grey is the sRGB grey of equal CIE lightness; the paper does not say which grey it used.",
)
_NORM = "Batch norm has PyTorch's momentum and epsilon (0.1, 1e-5); Keras's are 0.01 and 1e-3."
_REPEATED = "Grey is repeated three times for the encoder, whose ImageNet weights are rewritten for the paper's [0, 1]."

DEEPCOLOR_UNET = Recipe(
    name="deepcolor-unet",
    summary="small U-Net from scratch, paints RGB",
    net=DeepColorUNetSpec(widths=(64, 128, 256, 512), dropout=0.5),
    space=Space(sees=Axis(signal=Signal.GREY, channels=1), paints=_RGB),
    size=SizeRule(size=_SIZE, multiple_of=16, minimum=16),
    loss=Loss(terms=((LossTerm.MSE, 1.0),)),
    optim=Optim(lr=1e-4, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0),
    stages=(Stage(epochs=30, size=_SIZE, zoom=1.0),),
    batch_size=383,
    split=Split(dataset="coco, places365, ade20k", train=12000, val=3000, test=0),
    source=Source(
        title="DeepColor: Enhancing Image Colorization with Advanced Deep Learning Techniques",
        where="section II, table 1, 30 epochs; figure 4",
        figures={"mse": 0.006, "psnr": 23.799},
        acceptance="53 %",
    ),
    departures=(
        "The paper prints no widths, kernels or strides: 64, 128, 256, 512 channels, 3×3, stride 2, skips concatenated "
        f"and batch norm after that, as in {_NOTEBOOK}.",
        "Strided convolutions pad both sides alike; Keras's pad the right and the lower side only.",
        _NORM,
        *_COMMON,
    ),
)

DEEPCOLOR_DENSENET = replace(
    DEEPCOLOR_UNET,
    name="deepcolor-densenet",
    summary="DenseNet-121 encoder, decoder without skips, paints RGB",
    net=DeepColorSpec(encoder=Encoder.DENSENET121, frozen=False, decoder=doubling(128, 64, 32, 16, 3), norm=True),
    space=Space(sees=Axis(signal=Signal.GREY, channels=3), paints=_RGB),
    size=SizeRule(size=_SIZE, multiple_of=32, minimum=32),
    source=replace(
        DEEPCOLOR_UNET.source,
        figures={"mse": 0.013, "psnr": 19.468},
        acceptance="46 %",
    ),
    departures=(
        "The paper prints no widths: 128, 64, 32 channels, 3×3, and an encoder that is trained too, as in "
        f"{_NOTEBOOK}, an early version with four decoder blocks; 16 channels in the paper's fourth.",
        _NORM,
        _REPEATED,
        *_COMMON,
    ),
)

DEEPCOLOR_MOBILENET = replace(
    DEEPCOLOR_DENSENET,
    name="deepcolor-mobilenet",
    summary="frozen MobileNet encoder, decoder without skips, paints RGB",
    net=DeepColorSpec(
        encoder=Encoder.MOBILENET_V1,
        frozen=True,
        decoder=(*doubling(512, 256, 128, 64, 32), Convolution(channels=3)),
        norm=False,
    ),
    source=replace(
        DEEPCOLOR_UNET.source,
        figures={"mse": 0.053, "psnr": 13.102},
        acceptance="below the base goal of 45.87 %",
    ),
    departures=(
        "The paper prints no widths, and not whether the encoder is trained: 512, 256, 128, 64, 32 channels, 3×3, and "
        f"a frozen encoder, as in {_NOTEBOOK}.",
        _REPEATED,
        "MobileNet pads both sides alike; Keras's pads the right and the lower side only.",
        *_COMMON,
    ),
)

RECIPES = (DEEPCOLOR_UNET, DEEPCOLOR_DENSENET, DEEPCOLOR_MOBILENET)
