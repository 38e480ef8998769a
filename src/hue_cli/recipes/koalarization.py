"""Paper 002: Deep Koalarization, five variants of it, and two networks on VGG."""

from __future__ import annotations

from dataclasses import replace

from hue_cli.color.space import Axis, Signal, Space
from hue_cli.recipes.schema import Loss, LossTerm, Optim, Recipe, Schedule, SizeRule, Source, Split, Stage
from hue_cli.recipes.specs import (
    Convolution,
    Encoder,
    KoalarizationSpec,
    VggAutoencoderSpec,
    VggUNetSpec,
    doubling,
    halving,
    plain,
)

_SIZE = 224
_LIGHTNESS = Axis(signal=Signal.LIGHTNESS, channels=1, centre=50.0, scale=50.0)
_SOURCE = Source(
    title="Image Colorization (Rabea, Mahmoud and Ashraf 2023)", where="section 2.4", curves=("psnr", "ssim")
)
_TRAINING = (
    "The paper prints neither epochs nor crops nor how often the learning rate decays: 30 epochs, times 0.9 after "
    "each, crops of 224 pixels of at least 0.65 of the short side, mirrored at random.",
    "L* is scaled from [0, 100] to [−1, 1], a* and b* are divided by 128; the paper says [−1, 1] and no more.",
    "The paper trains with TensorFlow: where it pads one side only in strided convolutions, PyTorch pads both alike.",
    "The paper does not say how its weights begin: as Keras draws them by default (Glorot uniform, biases zero).",
)
_EMBEDDING = (
    "The paper's 'pre-trained Inception model' is Inception-ResNet-v2, as in the work that it follows, and frozen, as "
    "there: with ImageNet's weights. Where they cannot be had it is trained along with the rest, from scratch.",
    "The picture is brought to the 299×299 pixels of Inception inside the network, bilinearly and without "
    "antialiasing, which ONNX has no operator for; whole pictures are squeezed into that square.",
)

_NET = KoalarizationSpec(
    encoder=(
        *(*halving(64), *plain(128), *halving(128), *plain(256)),
        *(*halving(256), *plain(512, 512, 256)),
    ),
    fusion=256,
    decoder=(*plain(128), *doubling(64), *plain(64), *doubling(32), *plain(2)),
    embedding=Encoder.INCEPTION_RESNET_V2,
    embedding_size=299,
)
_NORMED = replace(_NET, norm=True, pool=True)

KOALARIZATION = Recipe(
    name="koalarization",
    summary="Deep Koalarization: convolutions fused with Inception-ResNet-v2's opinion of the picture",
    net=_NET,
    space=Space(sees=_LIGHTNESS, paints=Axis(signal=Signal.AB, channels=2, scale=128.0)),
    size=SizeRule(size=_SIZE, multiple_of=8, minimum=8),
    loss=Loss(terms=((LossTerm.MSE, 1.0),)),
    optim=Optim(lr=1e-4, schedule=Schedule.EXPONENTIAL, decay=0.9, clip=0.0, ema=0.0),
    stages=(Stage(epochs=30, size=_SIZE),),
    batch_size=64,
    split=Split(dataset="mirflickr25k", train=22500, val=1250, test=1250),
    source=_SOURCE,
    departures=(
        *_TRAINING,
        *_EMBEDDING,
        "The paper prints the encoder's shape and not its widths, and no decoder: 64, 128, 128, 256, 256, 512, 512, "
        "256 and 128, 64, 64, 32, 2 channels, as in the work that it follows.",
    ),
)

KOALARIZATION_DEEP = replace(
    KOALARIZATION,
    name="koalarization-deep",
    summary="its picture beside the lightness through a second, shorter network",
    net=replace(
        _NET,
        second=(*halving(64, 128, 256), Convolution(channels=1024, kernel=5)),
    ),
    source=replace(_SOURCE, where="section 3.4.1, figure 4", curves=()),
    departures=(
        *KOALARIZATION.departures,
        "The paper prints of its second network only the bottleneck, 1024 kernels of 5×5: before it convolutions 64, "
        "128, 256, each of stride 2, after it the baseline's decoder.",
        "Both networks are trained together, on the second one's picture; the paper does not say.",
    ),
)

KOALARIZATION_BN = replace(
    KOALARIZATION,
    name="koalarization-bn",
    summary="with batch norm before every activation and pooling in place of strides",
    net=_NORMED,
    source=replace(
        _SOURCE, where="sections 3.4.2 and 4.1, figures 5 and 6", over=("koalarization", "koalarization-deep")
    ),
    departures=(
        *KOALARIZATION.departures,
        "Batch norm has PyTorch's momentum and epsilon (0.1, 1e-5); Keras's are 0.01 and 1e-3.",
        "The batch norm before the last activation starts at a scale of 0.1: at the usual 1 the first pictures are as "
        "gaudy as can be, and at the paper's learning rate it takes thousands of steps to calm down.",
    ),
)

KOALARIZATION_BN_L2 = replace(
    KOALARIZATION_BN,
    name="koalarization-bn-l2",
    summary="and with L2 regularization",
    optim=replace(KOALARIZATION_BN.optim, l2=0.01),
    source=replace(_SOURCE, where="section 3.4.3"),
    departures=(
        *KOALARIZATION_BN.departures,
        "The factor 0.01 is applied to the sum of squares of every kernel that is trained, as Keras does: also of "
        "Inception's, where it is trained for want of ImageNet's weights.",
    ),
)

KOALARIZATION_BN_DROPOUT = replace(
    KOALARIZATION_BN,
    name="koalarization-bn-dropout",
    summary="and with spatial dropout",
    net=replace(_NORMED, dropout=0.2),
    source=replace(_SOURCE, where="section 3.4.4"),
    departures=(
        *KOALARIZATION_BN.departures,
        "'After every other convolution block' is after the second, fourth and so on of encoder, fusion and decoder in "
        "one row, and never after the last.",
    ),
)

VGG16 = replace(
    KOALARIZATION,
    name="vgg16",
    summary="VGG-16, frozen but for its first layer, and a decoder of six convolutions",
    net=VggAutoencoderSpec(encoder=Encoder.VGG16, widths=(256, 128, 64, 32, 16)),
    space=replace(KOALARIZATION.space, sees=replace(_LIGHTNESS, channels=3)),
    size=SizeRule(size=_SIZE, multiple_of=32, minimum=32),
    source=replace(_SOURCE, where="section 3.5.1", curves=()),
    departures=(
        *_TRAINING,
        "The paper's first layer, the only one of VGG-16 that it trains, is taken for the first convolution. Without "
        "ImageNet's weights all of VGG-16 is trained.",
        "VGG-16's first convolution is rewritten for input in [−1, 1], so that it starts as exactly what ImageNet made "
        "of it but at the border; the paper does not say how it scales for VGG.",
        "The paper does not say how its blocks enlarge: twofold by repeating pixels, after each of the five.",
    ),
)

VGG19_UNET = replace(
    VGG16,
    name="vgg19-unet",
    summary="U-Net on VGG-19",
    net=VggUNetSpec(encoder=Encoder.VGG19, bridge=512, widths=(512, 256, 128, 64)),
    size=SizeRule(size=_SIZE, multiple_of=16, minimum=16),
    source=replace(_SOURCE, where="section 3.5.2, figure 7", curves=()),
    departures=(
        *_TRAINING,
        "The paper prints no widths: the bridge has 512 channels, the decoder 512, 256, 128 and 64, those of the "
        "encoder's maps that it is joined to, with one 3×3 convolution a block.",
        "The encoder ends before its last pooling, at 1/16 of the size, from where four blocks lead back to full size.",
        "The paper does not say that it freezes VGG-19: all of it is trained.",
        "VGG-19's first convolution is rewritten for input in [−1, 1], so that it starts as exactly what ImageNet made "
        "of it but at the border; the paper does not say how it scales for VGG.",
    ),
)

RECIPES = (
    KOALARIZATION,
    KOALARIZATION_DEEP,
    KOALARIZATION_BN,
    KOALARIZATION_BN_L2,
    KOALARIZATION_BN_DROPOUT,
    VGG16,
    VGG19_UNET,
)
