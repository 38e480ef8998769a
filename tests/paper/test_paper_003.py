"""The systems of paper 003, against its printed tables and figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hue_cli.errors import UsageError
from hue_cli.losses.regression import loss_terms
from hue_cli.models.build import build_discriminator, build_network, count_parameters
from hue_cli.models.colorgan import ColorGanDiscriminator, ColorGanGenerator
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import LossTerm, Optim, Schedule
from hue_cli.recipes.specs import ColorGanSpec, ConvolutionListSpec

# Name, parameters, training photos, epochs, then RMSE, MSE, MAE and accuracy of table IV.
TABLE = [
    ("ae-rgb-1", 2_953_955, 6000, 35, (0.0944, 0.0090, 0.0654, 0.5782)),
    ("ae-rgb-2", 2_879_491, 5000, 35, (0.0817, 0.0068, 0.0587, 0.5220)),
    ("ae-lab", 2_585_042, 6000, 20, (0.0753, 0.0058, 0.0477, 0.6857)),
]
NAMES = [name for name, *_ in TABLE]
SMALL_GAN = ColorGanSpec(widths=(8, 8, 8), critic_widths=(8, 8, 8, 8), dropout=0.5)


def _layers(network: nn.Module) -> list[str]:
    """Every layer that does something, in order: convolutions with their sides, the rest by name."""
    found = []
    for module in network.modules():
        match module:
            case nn.Conv2d() | nn.ConvTranspose2d():
                found.append(
                    f"{type(module).__name__} {module.out_channels} {module.kernel_size[0]} {module.stride[0]}"
                )
            case _ if not list(module.children()):
                found.append(type(module).__name__)
    return found


@pytest.mark.parametrize(("name", "parameters", "train", "epochs", "figures"), TABLE)
def test_autoencoders_are_as_printed(
    name: str, parameters: int, train: int, epochs: int, figures: tuple[float, ...]
) -> None:
    recipe = RECIPES[name]

    assert recipe.parameters == count_parameters(build_network(recipe.net)) == parameters
    assert recipe.loss.terms == ((LossTerm.RMSE, 1.0),)
    assert [(stage.epochs, stage.size) for stage in recipe.stages] == [(epochs, 160)]
    assert (recipe.split.dataset, recipe.split.train, recipe.split.val) == ("landscape", train, 1000)
    assert recipe.source.figures == dict(zip(("rmse", "mse", "mae", "accuracy"), figures, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_autoencoders_see_and_paint_in_the_paper_s_range(name: str) -> None:
    recipe = RECIPES[name]
    black_and_white = Colorizer(build_network(recipe.net), recipe.space).see(
        torch.tensor([0.0, 100.0])[:, None, None, None]
    )
    painted = build_network(recipe.net)(torch.rand(1, 1, 8, 16))

    torch.testing.assert_close(black_and_white.flatten(), torch.tensor([-1.0, 1.0]), atol=1e-5, rtol=0)
    assert painted.shape == (1, recipe.space.paints.channels, 8, 16)
    assert recipe.space.paints.channels == (2 if name == "ae-lab" else 3)
    last = list(build_network(recipe.net).children())[-1]
    assert isinstance(last, nn.Sigmoid if name == "ae-rgb-1" else nn.Tanh)


def _sides(network: nn.Module, size: int) -> list[tuple[int, int]]:
    """Channels and side after each convolution."""
    found: list[tuple[int, int]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda _module, _inputs, output: found.append(tuple(output.shape[1:3])))
    network(torch.rand(1, 1, size, size))
    return found


@pytest.mark.parametrize(("name", "seventh", "painted"), [("ae-rgb-1", 256, 3), ("ae-lab", 128, 2)])
def test_upsampling_autoencoders_have_tables_2_and_3_s_shapes(name: str, seventh: int, painted: int) -> None:
    network = build_network(RECIPES[name].net)
    layers = _layers(network)

    with torch.no_grad():
        assert _sides(network, 16) == [
            *((64, 16), (64, 8), (128, 8), (128, 4), (256, 4), (256, 4), (seventh, 2), (64, 2)),
            *((32, 4), (16, 8), (painted, 16)),
        ]
    assert [layer for layer in layers if "Conv" in layer and " 5 " in layer] == ["Conv2d 256 5 1"]
    # Three doublings, each before its convolution; ReLU after every hidden convolution.
    assert layers[16:] == [
        *("Upsample", "Conv2d 32 3 1", "ReLU", "Upsample", "Conv2d 16 3 1", "ReLU"),
        *("Upsample", f"Conv2d {painted} 3 1", "Sigmoid" if painted == 3 else "Tanh"),
    ]


def test_the_second_autoencoder_never_strides() -> None:
    network = build_network(RECIPES["ae-rgb-2"].net)

    with torch.no_grad():
        assert _sides(network, 5) == [
            (width, 5) for width in (64, 64, 128, 128, 256, 256, 256, 256, 128, 128, 64, 64, 3)
        ]
    kinds = [layer.split()[0] for layer in _layers(network) if "Conv" in layer]
    assert kinds == ["Conv2d"] * 8 + ["ConvTranspose2d"] * 5


def test_the_second_autoencoder_costs_what_its_page_says() -> None:
    """One multiplication for each weight and place of its 160×160, but for the biases."""
    network = build_network(RECIPES["ae-rgb-2"].net)
    weights = sum(parameter.numel() for parameter in network.parameters() if parameter.dim() == 4)

    assert round(weights * 160 * 160 / 1e9) == 74


@pytest.mark.parametrize("name", NAMES)
def test_autoencoders_overfit_one_batch(name: str) -> None:
    recipe = RECIPES[name]
    assert isinstance(recipe.net, ConvolutionListSpec)
    layers = tuple(replace(layer, channels=min(layer.channels, 24)) for layer in recipe.net.layers)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network(replace(recipe.net, layers=layers))
        # A colour for each photo, told by its grey.
        grey = torch.linspace(-0.9, 0.9, 4)[:, None, None, None].expand(-1, 1, 8, 8)
        truth = torch.rand(4, recipe.space.paints.channels, 1, 1).expand(-1, -1, 8, 8)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(200):
        (loss,) = loss_terms(recipe.loss, network(grey), truth).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.25 * losses[0]


def test_colorgan_is_trained_as_printed() -> None:
    recipe = RECIPES["colorgan"]

    assert recipe.parameters is None
    assert recipe.source.figures == {"mae": 0.006477}
    assert "0.003642" in recipe.departures[0]
    assert "contradict" in recipe.departures[0]
    assert [term for term, _ in recipe.loss.terms] == [LossTerm.MAE, LossTerm.ADVERSARIAL]
    assert recipe.optim == Optim(lr=1e-4, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0)
    assert recipe.batch_size == 64
    assert [(stage.epochs, stage.size) for stage in recipe.stages] == [(100, 256)]
    assert (recipe.split.dataset, recipe.split.train, recipe.split.val) == ("landscape", 2000, 200)
    assert (recipe.size.multiple_of, recipe.size.minimum) == (256, 256)


def test_the_generator_is_figure_6() -> None:
    network = build_network(RECIPES["colorgan"].net).eval()
    assert isinstance(network, ColorGanGenerator)
    sides: list[int] = []
    for layer in (*network.down, *network.up, network.paint):
        layer.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        painted = network(torch.rand(1, 1, 256, 256) * 2 - 1)

    # Sixteen layers: down to one place, and up again.
    assert sides == [128, 64, 32, 16, 8, 4, 2, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert painted.shape == (1, 3, 256, 256)
    assert -1 <= painted.min() <= painted.max() <= 1
    down = [["Conv2d 64 4 2", "LeakyReLU"]] + [
        [f"Conv2d {width} 4 2", "BatchNorm2d", "LeakyReLU"] for width in (128, 256, 512, 512, 512, 512, 512)
    ]
    up = [
        [f"ConvTranspose2d {width} 4 2", "BatchNorm2d", *(["Dropout"] if index < 3 else []), "ReLU"]
        for index, width in enumerate((512, 512, 512, 512, 256, 128, 64))
    ]
    assert [_layers(layer) for layer in network.down] == down
    assert [_layers(layer) for layer in network.up] == up
    assert _layers(network.paint) == ["ConvTranspose2d 3 4 2", "Tanh"]


def test_the_generator_has_pix2pix_s_size() -> None:
    """TensorFlow's pix2pix, which has the paper's layers, prints 54,414,979 trainable values.

    It sees three channels and has no bias in its first layer.
    """
    assert count_parameters(build_network(RECIPES["colorgan"].net)) == 54_414_979 - 16 * 3 * 64 + 16 * 1 * 64 + 64


def test_the_discriminator_is_the_paper_s() -> None:
    critic = build_discriminator(RECIPES["colorgan"].net)
    assert isinstance(critic, ColorGanDiscriminator)

    assert _layers(critic) == [
        *("Conv2d 64 4 2", "LeakyReLU"),
        *("Conv2d 128 4 2", "BatchNorm2d", "LeakyReLU"),
        *("Conv2d 256 4 2", "BatchNorm2d", "LeakyReLU"),
        *("ZeroPad2d", "Conv2d 512 4 1", "BatchNorm2d", "LeakyReLU"),
        *("ZeroPad2d", "Conv2d 1 4 1"),
    ]
    with torch.no_grad():
        assert critic(torch.rand(2, 3, 256, 256)).shape == (2, 1, 30, 30)


def test_every_value_of_both_networks_learns() -> None:
    network, critic = build_network(SMALL_GAN), build_discriminator(SMALL_GAN)
    assert critic is not None

    critic(network(torch.rand(2, 1, 32, 32))).mean().backward()

    for name, parameter in (*network.named_parameters(), *critic.named_parameters()):
        assert parameter.grad is not None, name


def test_one_photograph_of_one_place_is_refused_with_a_remedy() -> None:
    network = build_network(SMALL_GAN)

    with pytest.raises(UsageError, match=r"--batch-size 2"):
        network(torch.rand(1, 1, 8, 8))
    assert network(torch.rand(1, 1, 16, 8)).shape == (1, 3, 16, 8)
    assert network.eval()(torch.rand(1, 1, 8, 8)).shape == (1, 3, 8, 8)


def test_one_batch_is_learned_by_both_sides() -> None:
    """The alternating steps of the paper, by hand: the painter nears the truth, and the critic tells them apart."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, critic = build_network(SMALL_GAN), build_discriminator(SMALL_GAN)
        assert critic is not None
        grey, truth = torch.rand(4, 1, 32, 32) * 2 - 1, torch.rand(4, 3, 1, 1).expand(-1, -1, 32, 32) * 2 - 1
    painter_steps = torch.optim.Adam(network.parameters(), lr=5e-3)
    critic_steps = torch.optim.Adam(critic.parameters(), lr=5e-3)
    errors, told = [], []

    def cross_entropy(logits: Tensor, real: float) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, real))

    for _ in range(60):
        painted = network(grey)
        critic_loss = cross_entropy(critic(truth), 1.0) + cross_entropy(critic(painted.detach()), 0.0)
        critic_steps.zero_grad()
        critic_loss.backward()
        critic_steps.step()
        mae = (painted - truth).abs().mean()
        painter_steps.zero_grad()
        (100 * mae + cross_entropy(critic(painted), 1.0)).backward()
        painter_steps.step()
        errors.append(mae.item())
        told.append(critic_loss.item())

    assert errors[-1] < 0.5 * errors[0]
    assert min(told[5:]) < told[0]
