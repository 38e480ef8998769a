"""A folder of photographs, and models whose answer is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from hue_cli.infer.contract import Contract

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


@pytest.fixture(scope="session")
def write_onnx(make_tiny_model: Callable[..., bytes]) -> WriteOnnx:
    """Writes the tiny model, whose a* is 0.1 L* + 5, with a contract of the test's choice."""
    plain = Contract(recipe="residual", digest="0" * 64, size=64, multiple_of=16, minimum=16)

    def write(path: Path, *, metrics: Mapping[str, float] | None = None, **changes: object) -> Path:
        contract = replace(plain, metrics=dict(metrics or {}), **changes)  # type: ignore[arg-type]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_tiny_model(contract))
        return path

    return write


@pytest.fixture
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_onnx: WriteOnnx) -> Path:
    """A folder of released weights with the one model ``tiny``, the default, in place of hue's own."""
    folder = tmp_path / "weights"
    path = write_onnx(folder / "tiny" / "model.onnx")
    content = path.read_bytes()
    entry = {
        "file": "tiny/model.onnx",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": "CC0-1.0",
        "bundled": False,
    }
    (folder / "index.json").write_text(json.dumps({"default": "tiny", "models": {"tiny": entry}}))
    monkeypatch.setattr("hue_cli.weights.resolve.weight_folders", lambda: [folder])
    return folder
