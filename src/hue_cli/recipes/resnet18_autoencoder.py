"""Paper 001: a convolutional autoencoder on ResNet-18."""

from __future__ import annotations

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, Schedule, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import ResNet18AutoencoderSpec

RESNET18_AUTOENCODER = Recipe(
    name="resnet18-autoencoder",
    summary="first half of ResNet-18, decoder of five convolutions",
    net=ResNet18AutoencoderSpec(widths=(128, 64, 32)),
    space=Space(
        sees=Axis(signal=Signal.LIGHTNESS, channels=1, scale=100.0),
        paints=Axis(signal=Signal.AB, channels=2, scale=128.0),
    ),
    size=SizeRule(size=608, multiple_of=8, minimum=8),
    loss=Loss(terms=((LossTerm.MSE, 1.0),)),
    optim=Optim(lr=1e-4, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0),
    stages=(Stage(epochs=8, size=224), Stage(epochs=8, size=608)),
    batch_size=15,
    split=Split(dataset="folder", train=1350, val=150, test=0),
    source=Source(
        title="Image Colorization using Convolutional Autoencoder",
        where="sections 3.1 and 5; it prints no figures, its loss is a curve without numbers",
    ),
    departures=(
        "The paper prints no layers beyond 'the first 6 layers of ResNet-18, and the same in reverse': the decoder is "
        "that of the work it names as its model (Melas-Kyriazi 2018): convolutions 128, 64, 64, 32, 2, enlarged "
        "twofold by repeating pixels after the first, the third and the last.",
        "L* is divided by 100, a* and b* by 128; the paper names no scaling.",
        "ResNet-18's first convolution is rewritten for this input before it is summed over its three channels, so "
        "that the encoder starts as exactly what ImageNet made of it, on grey pictures.",
        "The paper names neither loss nor optimiser: mean square error of a* and b*, and Adam, as its model has.",
        "Eight epochs at 224 pixels, eight at 608: the paper prints 16 in all and not where it changed over.",
        "Random crops of at least 0.65 of the short side, mirrored at random; the paper pads whole photos to squares "
        "of 2000 pixels with black, as `hue data prepare --pad` does.",
        "The data are anybody's photos: the paper's own 1,500 were never published.",
    ),
)

RECIPES = (RESNET18_AUTOENCODER,)
