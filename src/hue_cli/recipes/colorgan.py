"""Paper 003, section IV-C: ColorGAN."""

from __future__ import annotations

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.autoencoders import TITLE
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, Schedule, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import ColorGanSpec

_SIZE = 256

COLORGAN = Recipe(
    name="colorgan",
    summary="pix2pix's U-Net, trained against a discriminator, paints RGB",
    net=ColorGanSpec(widths=(64, 128, 256, 512, 512, 512, 512, 512), critic_widths=(64, 128, 256, 512), dropout=0.5),
    space=Space(
        sees=Axis(signal=Signal.GREY, channels=1, centre=0.5, scale=0.5),
        paints=Axis(signal=Signal.RGB, channels=3, centre=0.5, scale=0.5),
    ),
    # Eight halvings leave one place of 256 pixels.
    size=SizeRule(size=_SIZE, multiple_of=256, minimum=256),
    loss=Loss(terms=((LossTerm.MAE, 100.0), (LossTerm.ADVERSARIAL, 1.0))),
    optim=Optim(lr=1e-4, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0),
    stages=(Stage(epochs=100, size=_SIZE, zoom=1.0),),
    batch_size=64,
    split=Split(dataset="landscape", train=2000, val=200, test=0),
    source=Source(title=TITLE, where="section IV-C and VI", figures={"mae": 0.006477}),
    departures=(
        "The paper's two errors contradict each other: MAE 0.003642, the generator's loss after epoch 100 (section "
        "V-D), and 0.006477 in its conclusion. The second stands beside hue's; the paper does not say in "
        "which scale it is.",
        "The paper names the kinds of layers and no widths: 64, 128, 256 and five times 512, as in pix2pix.",
        "The discriminator sees the painted picture alone, as in the paper's equations 1 and 2; pix2pix's sees the "
        "grey one too. Its halvings have LeakyReLU and, but for the first, batch norm, as pix2pix's.",
        "One output neuron is one at every place: 30×30 for 256 pixels. The error is the mean over them.",
        "Generator loss: 100 × MAE + cross entropy of being taken for real, pix2pix's weights; the paper prints none. "
        "Pictures are compared in [−1, 1], which tanh paints.",
        "LeakyReLU 0.2, and weights drawn from a normal of 0.02, as in DCGAN and pix2pix.",
        "Batch norm has PyTorch's momentum and epsilon (0.1, 1e-5); Keras's are 0.01 and 1e-3.",
        "Dropout is off when colorizing: the same photograph gives the same picture.",
        "Squares as large as a photo allows, at random and mirrored at random; the paper resizes whole pictures.",
        "Grey is the sRGB grey of equal CIE lightness; the paper's grey pictures come with its data set.",
    ),
)

RECIPES = (COLORGAN,)
