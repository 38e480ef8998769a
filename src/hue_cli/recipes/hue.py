"""hue's own colorizer, the default of ``hue colorize``."""

from __future__ import annotations

from dataclasses import replace

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import Encoder, GamutClassifierSpec

_NET = GamutClassifierSpec(
    encoder=Encoder.MOBILENET_V2, frozen=4, widths=(256, 192, 128, 96), cell=10.0, colourfulness=1.05
)

HUE_S = Recipe(
    name="hue-s",
    summary="MobileNetV2 encoder, decoder with skips, a class for every cell of the a*b* plane",
    net=_NET,
    space=Space(
        # The encoder was trained on pictures in [-1, 1].
        sees=Axis(signal=Signal.GREY, channels=3, centre=0.5, scale=0.5),
        paints=Axis(signal=Signal.AB, channels=2),
    ),
    size=SizeRule(size=192, multiple_of=32, minimum=32),
    loss=Loss(terms=((LossTerm.CROSS_ENTROPY, 1.0), (LossTerm.MEAN_AB, 20.0))),
    optim=Optim(lr=1.5e-3, weight_decay=0.01, encoder_lr=0.15, clip=2.0),
    stages=(
        Stage(epochs=30, size=128, zoom=0.5, aged=True),
        Stage(epochs=10, size=160, zoom=0.65, aged=True),
    ),
    batch_size=32,
    split=Split(dataset="folder", train=21668, val=500, test=951),
    source=Source(title="hue", where="docs/models/hue-s.md"),
)

# What the page of hue-s compares it with: each differs in one thing.
HUE_S_SCRATCH = replace(
    HUE_S,
    name="hue-s-scratch",
    summary="hue-s without ImageNet weights: all of the encoder is trained",
    net=replace(_NET, frozen=0),
    optim=replace(HUE_S.optim, encoder_lr=1.0),
)

HUE_S_REGRESSION = replace(
    HUE_S,
    name="hue-s-regression",
    summary="hue-s trained by the square error of its mean colour alone",
    loss=Loss(terms=((LossTerm.MEAN_AB, 20.0),)),
)

HUE_S_REBALANCED = replace(
    HUE_S,
    name="hue-s-rebalanced",
    summary="hue-s with rare colours counted more, as by Zhang et al. (2016)",
    loss=replace(HUE_S.loss, rebalance=0.5),
)

RECIPES = (HUE_S, HUE_S_SCRATCH, HUE_S_REGRESSION, HUE_S_REBALANCED)
