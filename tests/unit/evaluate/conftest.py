"""A folder of photographs, and a model whose answer is known: a* = L/5, b* = −L/10."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import onnx
from hue_cli.infer.contract import METADATA_KEY, Contract
from onnx import TensorProto, helper

WriteOnnx = Callable[..., Path]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five photographs of two sizes, one of them in a folder below."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    cuts = {
        "astronaut.png": data.astronaut()[:200, 150:350],
        "chelsea.png": data.chelsea()[40:240, 100:300],
        "coffee.png": data.coffee()[100:300, 150:350],
        "rocket.png": data.rocket()[60:240, 200:440],
        "more/astronaut low.png": data.astronaut()[200:400, 150:350],
    }
    for name, pixels in cuts.items():
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / name)
    return folder


def linear_graph(contract: Contract) -> onnx.ModelProto:
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [2, 1, 1, 1], [0.2, -0.1])
    shape_in, shape_out = ["n", 1, "h", "w"], ["n", 2, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["lightness", "weight"], ["ab"])],
        "linear",
        [helper.make_tensor_value_info("lightness", TensorProto.FLOAT, shape_in)],
        [helper.make_tensor_value_info("ab", TensorProto.FLOAT, shape_out)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    return model


@pytest.fixture(scope="session")
def write_onnx() -> WriteOnnx:
    """Writes the linear model as an ONNX file of hue."""
    plain = Contract(recipe="residual", digest="0" * 64, size=64, multiple_of=16, minimum=16)

    def write(path: Path, *, metrics: Mapping[str, float] | None = None, **changes: object) -> Path:
        contract = replace(plain, metrics=dict(metrics or {}), **changes)  # type: ignore[arg-type]
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(linear_graph(contract), path)
        return path

    return write


@pytest.fixture
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_onnx: WriteOnnx) -> Path:
    """A folder of released weights with the one model ``linear``, the default, in place of hue's own."""
    import hashlib

    folder = tmp_path / "weights"
    path = write_onnx(folder / "linear" / "model.onnx")
    content = path.read_bytes()
    entry = {
        "file": "linear/model.onnx",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "CC0-1.0",
        "bundled": False,
    }
    (folder / "index.json").write_text(json.dumps({"default": "linear", "models": {"linear": entry}}))
    monkeypatch.setattr("hue_cli.weights.resolve.weight_folders", lambda: [folder])
    return folder
