"""What several rooms' tests need: tiny networks in run folders as ``hue train`` writes them, and a tiny ONNX file."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from hue_cli.infer.contract import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Contract
from hue_cli.recipes.schema import Recipe, SizeRule
from hue_cli.recipes.specs import ColorGanSpec, ConvolutionListSpec, GamutClassifierSpec, NetSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

# Tests do not time things: a busy machine is no failure.
hypothesis.settings.register_profile("hue", deadline=None)
hypothesis.settings.load_profile("hue")

WriteRun = Callable[[Recipe, Path], Path]


def shrink(recipe: Recipe) -> Recipe:
    """The same system with a few channels, and as few halvings as it can have: small enough for a test."""
    few = SizeRule(size=20, multiple_of=4, minimum=4)
    match recipe.net:
        case GamutClassifierSpec():
            net: NetSpec = replace(recipe.net, widths=(8, 8, 8, 8), cell=30.0)
            return replace(recipe, net=net, size=replace(recipe.size, size=96))
        case ConvolutionListSpec():
            layers = tuple(
                replace(layer, channels=layer.channels if layer is recipe.net.layers[-1] else 4)
                for layer in recipe.net.layers
            )
            return replace(recipe, net=replace(recipe.net, layers=layers), size=replace(recipe.size, size=24))
        case ColorGanSpec():
            net = replace(recipe.net, widths=(4, 6), critic_widths=(4, 6, 8))
        case _:
            net = replace(recipe.net, widths=(4, 6), top=4)
    return replace(recipe, net=net, size=few)


@pytest.fixture(autouse=True)
def _python_s_own_handlers() -> Iterator[None]:
    """Signals as at a terminal, also where the tests run in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def tiny() -> Callable[[Recipe], Recipe]:
    return shrink


def _spread(network: nn.Module, run: Callable[[], object]) -> None:
    """Scale the last convolution so that what it gives to the last activation varies by two."""
    from torch import nn

    last = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)][-1]
    given: list[Tensor] = []
    hook = last.register_forward_hook(lambda _module, _inputs, output: given.append(output))
    run()
    hook.remove()
    last.weight *= 2 / given[-1].std()


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Writes a run folder whose network has random weights, paints strong colours and has seen statistics."""

    def write(recipe: Recipe, folder: Path) -> Path:
        import torch
        from safetensors.torch import save_file

        from hue_cli.models.build import build_network
        from hue_cli.models.colorizer import Colorizer
        from hue_cli.models.gamut_classifier import GamutClassifier

        with torch.random.fork_rng():
            torch.manual_seed(7)
            network = build_network(recipe.net)
            lightness = torch.rand(4, 1, 32, 32) * 100
            colorizer = Colorizer(network, recipe.space).train()
            with torch.no_grad():
                for _ in range(20):
                    colorizer(lightness)
                if isinstance(network, GamutClassifier):
                    network.classes.weight *= 30
                    network.gain.fill_(2.0)
                else:
                    _spread(network, lambda: colorizer.eval()(lightness))
        folder.mkdir(parents=True)
        save_file(network.state_dict(), folder / "weights.safetensors", {"recipe_digest": recipe.digest()})
        facts = {
            "recipe": recipe.to_dict(),
            "digest": recipe.digest(),
            "command": ["hue", "train", "--model", recipe.name, "--dataset", "photos.tar"],
            "versions": {"hue": "0.1.0", "torch": "2.15.0"},
            "seed": 0,
            "dataset": "photos.tar",
            "photos": {"train": 1200, "val": 12},
            "finished": True,
            "metrics": {"msssim": 0.9},
        }
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    return write


# The tiny model's whole arithmetic: a* = 0.1 L* + 5, b* = 30 − 0.4 L*. Tests compute it again.
TINY_A = (0.1, 5.0)
TINY_B = (-0.4, 30.0)


def tiny_model_bytes(
    contract: Contract | None = None, *, output_name: str = OUTPUT_NAME, planes: tuple[str, ...] = ("a", "b")
) -> bytes:
    """Return a real ONNX file that keeps hue's contract and needs no torch to make."""
    import onnx
    from onnx import TensorProto, helper

    def scaled(name: str, factor: float, offset: float) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Constant", [], [f"{name}_factor"], value_float=factor),
            helper.make_node("Constant", [], [f"{name}_offset"], value_float=offset),
            helper.make_node("Mul", [INPUT_NAME, f"{name}_factor"], [f"{name}_product"]),
            helper.make_node("Add", [f"{name}_product", f"{name}_offset"], [name]),
        ]

    graph = helper.make_graph(
        [
            *scaled("a", *TINY_A),
            *scaled("b", *TINY_B),
            helper.make_node("Concat", list(planes), [output_name], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", "planes", "h", "w"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if contract is not None:
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


TINY_CONTRACT = Contract(recipe="tiny", digest="0" * 64, size=64, multiple_of=16, minimum=16, licence="Apache-2.0")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a tiny model: colour that depends on nothing but the pixel's lightness."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    path.write_bytes(tiny_model_bytes(TINY_CONTRACT))
    return path


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., bytes]:
    """The maker of such models, for tests that need a wrong one."""
    return tiny_model_bytes
