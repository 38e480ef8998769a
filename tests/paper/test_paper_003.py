"""The systems of paper 003, against its printed tables and figures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hue_cli.errors import UsageError
from hue_cli.models.build import build_discriminator, build_network, count_parameters
from hue_cli.models.colorgan import ColorGanDiscriminator, ColorGanGenerator
from hue_cli.recipes.specs import ColorGanSpec

GAN = ColorGanSpec(widths=(64, 128, 256, 512, 512, 512, 512, 512), critic_widths=(64, 128, 256, 512), dropout=0.5)
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


def test_the_generator_is_figure_6() -> None:
    network = build_network(GAN).eval()
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
    assert count_parameters(build_network(GAN)) == 54_414_979 - 16 * 3 * 64 + 16 * 1 * 64 + 64


def test_the_discriminator_is_the_paper_s() -> None:
    critic = build_discriminator(GAN)
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
