"""What tests of several rooms share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hue_cli.infer.contract import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Contract

# The tiny model's whole arithmetic: a* = 0.1 L* + 5, b* = 30 − 0.4 L*. Tests compute it again.
TINY_A = (0.1, 5.0)
TINY_B = (-0.4, 30.0)


def tiny_model_bytes(contract: Contract | None = None, *, output_name: str = OUTPUT_NAME) -> bytes:
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
            helper.make_node("Concat", ["a", "b"], [output_name], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", 2, "h", "w"])],
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
