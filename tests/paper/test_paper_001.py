"""The system of paper 001, against its text and the network that it names as its model."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from hue_cli.color.space import Signal
from hue_cli.losses.regression import loss_terms
from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.encoders.pretrained import find_encoder
from hue_cli.models.encoders.resnet18 import ResNet18Half
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import LossTerm, Schedule
from hue_cli.recipes.specs import Encoder

RECIPE = RECIPES["resnet18-autoencoder"]


def test_training_is_as_printed() -> None:
    assert RECIPE.epochs == 16
    assert [stage.size for stage in RECIPE.stages] == [224, 608]
    assert RECIPE.batch_size == 15
    assert (RECIPE.optim.lr, RECIPE.optim.schedule) == (1e-4, Schedule.CONSTANT)
    assert RECIPE.loss.terms == ((LossTerm.MSE, 1.0),)
    assert RECIPE.split.val / (RECIPE.split.train + RECIPE.split.val) == pytest.approx(0.1)
    assert (RECIPE.space.sees.signal, RECIPE.space.sees.channels) == (Signal.LIGHTNESS, 1)
    assert RECIPE.space.paints.signal is Signal.AB
    assert RECIPE.source.figures == {}


def test_the_encoder_is_the_first_six_children_of_resnet_18() -> None:
    network = build_network(RECIPE.net)
    encoder = find_encoder(network)
    assert isinstance(encoder, ResNet18Half)
    assert (count_parameters(encoder), count_parameters(network)) == (676_800, 954_434)
    assert encoder.network is Encoder.RESNET18
    theirs = list(torchvision.models.resnet18(num_classes=1).children())[:6]
    colour = theirs[0]
    grey = encoder.layers[0]
    assert isinstance(grey, nn.Conv2d)

    assert [type(layer) for layer in encoder.layers] == [type(layer) for layer in theirs]
    assert grey.weight.shape == (64, 1, 7, 7)
    assert (grey.stride, grey.padding, grey.bias) == (colour.stride, colour.padding, None)
    assert count_parameters(encoder.layers[1:]) == sum(count_parameters(layer) for layer in theirs[1:])
    with torch.no_grad():
        assert encoder(torch.rand(1, 1, 64, 96)).shape == (1, 128, 8, 12)


def test_one_channel_is_a_grey_picture_to_it() -> None:
    """What ImageNet's weights make of a grey picture in three channels, they make of one channel."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = torchvision.models.resnet18(num_classes=3).train()
        theirs(torch.rand(4, 3, 64, 64))
    theirs.eval()
    encoder = ResNet18Half().eval()
    encoder.load_imagenet(dict(theirs.state_dict()))
    grey = torch.rand(2, 1, 64, 96)

    with torch.no_grad():
        expected = nn.Sequential(*list(theirs.children())[:6])(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(encoder(grey), expected, atol=1e-4, rtol=1e-4)


def test_the_decoder_is_that_of_the_paper_s_model() -> None:
    network = build_network(RECIPE.net).eval()
    decoder = network.get_submodule("decoder")
    shapes: list[tuple[int, ...]] = []
    for layer in decoder.modules():
        if isinstance(layer, nn.Conv2d | nn.Upsample):
            layer.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape[1:])))
    with torch.no_grad():
        painted = network(torch.rand(1, 1, 64, 64))

    assert painted.shape == (1, 2, 64, 64)
    assert shapes == [
        *((128, 8, 8), (128, 16, 16)),
        *((64, 16, 16), (64, 16, 16), (64, 32, 32)),
        *((32, 32, 32), (2, 32, 32), (2, 64, 64)),
    ]
    # Batch norm and ReLU after every convolution but the one that paints.
    assert [type(layer).__name__ for layer in decoder.children()].count("BatchNorm2d") == 4
    assert {layer.kernel_size for layer in decoder.modules() if isinstance(layer, nn.Conv2d)} == {(3, 3)}


def test_all_of_it_learns_one_batch() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build_network(RECIPE.net).train()
        lightness = torch.linspace(0.1, 0.9, 4)[:, None, None, None] + 0.05 * torch.rand(4, 1, 32, 32)
        truth = (torch.rand(4, 2, 1, 1) - 0.5).expand(-1, -1, 32, 32)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        (loss,) = loss_terms(RECIPE.loss, network(lightness), truth).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert all(parameter.grad is not None for parameter in network.parameters())
    assert losses[-1] < 0.1 * losses[0]
