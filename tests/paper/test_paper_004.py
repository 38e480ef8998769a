"""The three systems of paper 004, DeepColor, against its printed table and the summaries in its authors' notebook."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from hue_cli.models.build import build_network, count_parameters
from hue_cli.models.deepcolor import DeepColor, DeepColorUNet
from hue_cli.models.encoders.imagenet import PLAIN
from hue_cli.models.encoders.library import build
from hue_cli.models.encoders.pretrained import load_encoder
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import LossTerm, Optim, Schedule
from hue_cli.recipes.specs import DeepColorSpec, DeepColorUNetSpec, Encoder

# Name, MSE and PSNR at 30 epochs, public acceptance.
TABLE = [
    ("deepcolor-unet", 0.006, 23.799, "53 %"),
    ("deepcolor-densenet", 0.013, 19.468, "46 %"),
    ("deepcolor-mobilenet", 0.053, 13.102, "below the base goal of 45.87 %"),
]


@pytest.mark.parametrize(("name", "mse", "psnr", "acceptance"), TABLE)
def test_training_and_figures_are_as_printed(name: str, mse: float, psnr: float, acceptance: str) -> None:
    recipe = RECIPES[name]

    assert recipe.source.figures == {"mse": mse, "psnr": psnr}
    assert recipe.source.acceptance == acceptance
    assert recipe.loss.terms == ((LossTerm.MSE, 1.0),)
    assert recipe.optim == Optim(lr=1e-4, schedule=Schedule.CONSTANT, clip=0.0, ema=0.0)
    assert recipe.batch_size == 383
    assert [(stage.epochs, stage.size) for stage in recipe.stages] == [(30, 256)]
    assert (recipe.split.train, recipe.split.val) == (3 * 4000, 3 * 1000)
    assert (recipe.space.sees.centre, recipe.space.sees.scale) == (0, 1), "grey in [0, 1]"
    assert recipe.space.paints.channels == 3


def _given(network: nn.Module, x: torch.Tensor) -> list[tuple[int, int]]:
    """Channels and side after each convolution of the network's own."""
    found: list[tuple[int, int]] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not name.startswith("encoder."):
            module.register_forward_hook(lambda _module, _inputs, output: found.append(tuple(output.shape[1:3])))
    with torch.no_grad():
        assert network.eval()(x).shape == (len(x), 3, *x.shape[2:])
    return found


def test_the_u_net_is_the_notebook_s() -> None:
    network = build_network(RECIPES["deepcolor-unet"].net)

    assert count_parameters(network) == 3_474_371
    assert _given(network, torch.rand(1, 1, 256, 256)) == [
        *((64, 128), (128, 64), (256, 32), (512, 16)),
        *((256, 32), (128, 64), (64, 128), (3, 256)),
    ]


def test_the_u_net_has_the_paper_s_blocks() -> None:
    network = build_network(RECIPES["deepcolor-unet"].net)
    assert isinstance(network, DeepColorUNet)

    def kinds(block: nn.Module) -> list[str]:
        return [type(layer).__name__ for layer in block.modules() if not list(layer.children())]

    assert [kinds(block) for block in network.encoder_blocks] == [["Conv2d", "BatchNorm2d", "LeakyReLU"]] * 4
    assert {block.negative_slope for block in network.modules() if isinstance(block, nn.LeakyReLU)} == {0.01}
    decoder = [["ConvTranspose2d", "BatchNorm2d", "Dropout", "ReLU"]] * 3
    assert [kinds(block) for block in network.decoder_blocks] == decoder
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.5}
    assert kinds(network.paint) == ["ConvTranspose2d", "Sigmoid"]


def test_mobilenet_s_parameters_are_the_notebook_s() -> None:
    """Its summary counts batch norm's 2 × 10,944 statistics too: 9,516,035, of which 6,287,171 are trained."""
    network = build_network(RECIPES["deepcolor-mobilenet"].net)
    assert isinstance(network, DeepColor)

    assert count_parameters(network.decoder) == 6_287_171
    assert count_parameters(network) == 9_516_035 - 2 * 10_944


def test_densenet_s_parameters_are_its_layers() -> None:
    """The notebook's encoder has 7,037,504 with the 2 × 41,824 statistics of its batch norms."""
    network = build_network(RECIPES["deepcolor-densenet"].net)
    assert isinstance(network, DeepColor)
    widths = (1024, 128, 64, 32, 16, 3)
    convolutions = sum(9 * i * o + o for i, o in pairwise(widths))

    assert count_parameters(network.encoder) == 7_037_504 - 2 * 41_824
    assert count_parameters(network.decoder) == convolutions + 2 * sum(widths[1:5])


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("deepcolor-densenet", [(128, 4), (64, 8), (32, 16), (16, 32), (3, 64)]),
        ("deepcolor-mobilenet", [(512, 4), (256, 8), (128, 16), (64, 32), (32, 64), (3, 64)]),
    ],
)
def test_decoders_double_five_times(name: str, decoder: list[tuple[int, int]]) -> None:
    network = build_network(RECIPES[name].net)
    assert isinstance(network, DeepColor)
    # Batch norm after the activation, as the paper orders them, and not in the last block.
    block = ["Upsample", "Conv2d", "ReLU", *(["BatchNorm2d"] if name == "deepcolor-densenet" else [])]
    last = ["Upsample", "Conv2d", "Sigmoid"] if name == "deepcolor-densenet" else ["Conv2d", "Sigmoid"]

    assert _given(network, torch.rand(1, 3, 64, 64)) == decoder
    assert [type(layer).__name__ for layer in network.decoder] == block * (len(decoder) - 1) + last


@pytest.mark.parametrize("name", ["deepcolor-densenet", "deepcolor-mobilenet"])
def test_the_encoder_is_the_library_s_network_up_to_its_last_relu(name: str) -> None:
    network = build_network(RECIPES[name].net).eval()
    assert isinstance(network, DeepColor)
    theirs = build(network.encoder.network, classes=5).eval()
    taken: list[torch.Tensor] = []
    classifier = theirs.get_submodule("classifier")
    classifier.register_forward_pre_hook(lambda _module, inputs: taken.append(inputs[0]))
    x = torch.rand(2, 3, 64, 64)

    network.encoder.load_imagenet(theirs.state_dict())
    with torch.no_grad():
        theirs(x)
        found = network.encoder(x)

    assert network.encoder.sees is PLAIN, "the paper's grey in [0, 1]"
    assert found.shape == (2, 1024, 2, 2)
    # What both libraries pool and classify.
    torch.testing.assert_close(found.mean(dim=(2, 3)), taken[0])


def test_mobilenet_is_frozen_with_imagenet_s_weights_only(tmp_path: Path) -> None:
    network = build_network(RECIPES["deepcolor-mobilenet"].net)
    assert isinstance(network, DeepColor)
    path = tmp_path / "weights.safetensors"
    save_file(build(Encoder.MOBILENET_V1).state_dict(), path)

    load_encoder(network, "none", say=lambda _: None, warn=pytest.fail)
    assert all(parameter.requires_grad for parameter in network.parameters())

    load_encoder(network, str(path), say=lambda _: None, warn=pytest.fail)
    network.train()
    assert not any(parameter.requires_grad for parameter in network.encoder.parameters())
    assert not any(module.training for module in network.encoder.layers.modules())
    assert all(parameter.requires_grad for parameter in network.decoder.parameters())


@pytest.mark.parametrize("name", [name for name, *_ in TABLE])
def test_one_batch_is_overfitted(name: str) -> None:
    spec = RECIPES[name].net
    match spec:
        case DeepColorUNetSpec():
            # Dropout has nothing to do with one batch.
            spec = replace(spec, widths=(16, 16, 16, 16), dropout=0.0)
        case DeepColorSpec():
            spec = replace(
                spec, decoder=tuple(replace(layer, channels=min(layer.channels, 16)) for layer in spec.decoder)
            )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = build_network(spec).train()
        grey = torch.rand(4, 1, 2, 2).repeat_interleave(16, 2).repeat_interleave(16, 3)
        truth = torch.rand(4, 3, 1, 1).expand(-1, -1, 32, 32)
    seen = grey if isinstance(spec, DeepColorUNetSpec) else grey.expand(-1, 3, -1, -1)
    parameters = (
        network.parameters() if isinstance(network, DeepColorUNet) else network.get_submodule("decoder").parameters()
    )
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    losses = []
    for _ in range(40):
        loss = F.mse_loss(network(seen), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.2 * losses[0]
