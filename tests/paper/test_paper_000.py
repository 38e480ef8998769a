"""The four systems of paper 000, against its printed tables and figures."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.residual_autoencoder import ConvolutionalBlock, DeconvolutionalBlock, IdentityBlock
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import LossTerm, StageInput

# Name, epochs of the four stages, MS-SSIM, MSE: the paper's table of results.
TABLE = [
    ("cnn-curriculum", (15, 15, 35, 35), 0.9258, 0.0097),
    ("residual", (0, 0, 0, 100), 0.9136, 0.0089),
    ("residual-curriculum-old", (25, 25, 25, 25), 0.9160, 0.0089),
    ("residual-curriculum", (15, 15, 35, 35), 0.9167, 0.0085),
]


def test_every_system_of_the_paper_is_there() -> None:
    assert {name for name, *_ in TABLE} <= set(RECIPES)


@pytest.mark.parametrize(("name", "epochs", "msssim", "mse"), TABLE)
def test_training_and_figures_are_as_printed(name: str, epochs: tuple[int, ...], msssim: float, mse: float) -> None:
    recipe = RECIPES[name]
    found = dict.fromkeys(StageInput, 0) | {stage.sees: stage.epochs for stage in recipe.stages}

    assert tuple(found.values()) == epochs
    assert recipe.epochs == 100
    assert recipe.source.figures == {"msssim": msssim, "mse": mse}
    assert [term for term, _ in recipe.loss.terms] == [LossTerm.MSSSIM]
    assert recipe.optim.lr == 1e-3
    assert (recipe.split.dataset, recipe.split.train, recipe.split.val, recipe.split.test) == ("kaggle", 4500, 500, 739)
    assert recipe.space.sees.channels == recipe.space.paints.channels == 3
    # Five scales and an 11-pixel window need more than (11 - 1) * 2**4 pixels.
    assert all(stage.size > 160 for stage in recipe.stages)


def _identity(channels: int) -> int:
    """Figure 1: two 3×3 convolutions with bias."""
    return 2 * (9 * channels**2 + channels)


def _block(channels_in: int, channels_out: int, kernel: int) -> int:
    """Figures 2 (kernel 1) and 3 (kernel 4): three convolutions and a shortcut, a scale and a shift for each's norm."""
    inner = channels_out // 2
    norms = 2 * (inner + inner + channels_out + channels_out)
    return (channels_in * (inner + channels_out) * kernel**2) + 9 * inner**2 + inner * channels_out + norms


def test_parameters_of_the_residual_networks() -> None:
    """The paper prints no counts: this is the sum over its blocks in the widths that the departures name."""
    stem = 9 * 3 * 32 + 2 * 32 + _identity(32)
    down = sum(_block(c, 2 * c, kernel=1) + _identity(2 * c) for c in (32, 64, 128))
    up = sum(_block(2 * c, c, kernel=4) + _identity(c) for c in (128, 64, 32))
    head = _block(32, 16, kernel=4) + 9 * 16 * 3 + 3

    for name in ("residual", "residual-curriculum-old", "residual-curriculum"):
        recipe = RECIPES[name]
        assert recipe.parameters is None
        assert "32, 64, 128, 256 channels" in recipe.departures[0]
        assert count_parameters(build_network(recipe.net)) == stem + down + up + head == 3_366_067


def test_parameters_of_the_plain_network() -> None:
    recipe = RECIPES["cnn-curriculum"]
    down = sum(9 * i * o + 2 * o for i, o in ((3, 32), (32, 64), (64, 128), (128, 256)))
    up = sum(16 * i * o + 2 * o for i, o in ((256, 128), (128, 64), (64, 32), (32, 16)))
    head = 9 * 16 * 3 + 3

    assert recipe.parameters is None
    assert "does not print its CNN" in recipe.departures[0]
    assert count_parameters(build_network(recipe.net)) == down + up + head == 1_086_131


def test_the_order_of_stages_is_the_paper_s() -> None:
    stages = [stage.sees for stage in RECIPES["residual-curriculum"].stages]

    assert stages == [StageInput.COLOUR, StageInput.EDGE_COLOUR, StageInput.EDGE_GREY, StageInput.GREY]


def _kinds(block: nn.Module) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    convolutions = (nn.Conv2d, nn.ConvTranspose2d)
    return [
        (type(layer).__name__, layer.kernel_size, layer.stride)
        for layer in block.modules()
        if isinstance(layer, convolutions)
    ]


def test_identity_block_is_figure_1() -> None:
    block = IdentityBlock(8).eval()
    x = torch.randn(2, 8, 6, 10)

    assert _kinds(block) == [("Conv2d", (3, 3), (1, 1))] * 2
    with torch.no_grad():
        torch.testing.assert_close(block(x) - x, block.layers(x))
        assert (block(x) - x).min() >= 0, "the second convolution's ReLU comes before the sum"


def test_convolutional_block_is_figure_2() -> None:
    block = ConvolutionalBlock(6, 12).eval()
    layers = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]

    # A 1×1 convolution of stride 2 is every second pixel and a 1×1 convolution.
    assert [layer.kernel_size for layer in layers] == [(1, 1), (3, 3), (1, 1), (1, 1)]
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in block.modules()) == 4
    assert block(torch.randn(2, 6, 16, 24)).shape == (2, 12, 8, 12)


def test_a_strided_1x1_convolution_is_what_the_block_does() -> None:
    block = ConvolutionalBlock(6, 12).eval()
    _subsample, convolution, norm = block.shortcut
    x = torch.randn(1, 6, 10, 14)
    assert isinstance(convolution, nn.Conv2d)
    with torch.no_grad():
        strided = nn.functional.conv2d(x, convolution.weight, stride=2)

        torch.testing.assert_close(norm(strided), block.shortcut(x))


def test_deconvolutional_block_is_figure_3() -> None:
    block = DeconvolutionalBlock(12, 6).eval()

    assert _kinds(block) == [
        ("ConvTranspose2d", (4, 4), (2, 2)),
        ("ConvTranspose2d", (3, 3), (1, 1)),
        ("Conv2d", (1, 1), (1, 1)),
        ("ConvTranspose2d", (4, 4), (2, 2)),
    ]
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in block.modules()) == 4
    assert block(torch.randn(2, 12, 8, 12)).shape == (2, 6, 16, 24)


@pytest.mark.parametrize("name", ["cnn-curriculum", "residual"])
def test_shapes_from_end_to_end(name: str) -> None:
    recipe = RECIPES[name]
    network = build_network(recipe.net).eval()
    sides: list[int] = []
    for layer in network.children():
        layer.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        painted = network(torch.rand(1, 3, 48, 32))

    assert painted.shape == (1, 3, 48, 32)
    assert 0 <= painted.min() <= painted.max() <= 1
    # Halved to the bottleneck, doubled back, nothing in between lost.
    assert list(dict.fromkeys(sides[: sides.index(2) + 1])) == [16, 8, 4, 2]
    assert list(dict.fromkeys(sides[sides.index(2) :])) == [2, 4, 8, 16, 32]
