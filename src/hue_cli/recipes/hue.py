"""hue's own colorizer, the default of ``hue colorize``."""

from __future__ import annotations

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import Encoder, GamutClassifierSpec

HUE_S = Recipe(
    name="hue-s",
    summary="MobileNetV2 encoder, decoder with skips, a class for every cell of the a*b* plane",
    net=GamutClassifierSpec(
        encoder=Encoder.MOBILENET_V2, frozen=4, widths=(256, 192, 128, 96), cell=10.0, colourfulness=0.92
    ),
    space=Space(
        # The encoder was trained on pictures in [-1, 1].
        sees=Axis(signal=Signal.GREY, channels=3, centre=0.5, scale=0.5),
        paints=Axis(signal=Signal.AB, channels=2),
    ),
    size=SizeRule(size=256, multiple_of=32, minimum=32),
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

RECIPES = (HUE_S,)
