"""Models are opened on the device that was asked for, or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from hue_cli.errors import DeviceError, WeightsError
from hue_cli.infer import session as session_module
from hue_cli.infer.contract import Contract
from hue_cli.infer.session import Device, open_session

CONTRACT = Contract(recipe="tiny", digest="0" * 64, size=64, multiple_of=16, minimum=16)


@pytest.mark.parametrize(
    ("text", "device"),
    [("auto", Device(kind="auto")), ("CPU", Device(kind="cpu")), ("cuda:12", Device(kind="cuda", number=12))],
)
def test_devices_are_read(text: str, device: Device) -> None:
    assert Device.parse(text) == device


@pytest.mark.parametrize("text", ["gpu", "cpu:1", "cuda:", "cuda:-1", ""])
def test_other_devices_are_refused(text: str) -> None:
    with pytest.raises(DeviceError, match="expected auto, cpu, cuda or cuda:N"):
        Device.parse(text)


def test_any_batch_and_any_size_run(tiny_model: Path) -> None:
    session = open_session(tiny_model.read_bytes(), "tiny", "cpu")
    assert (session.device, session.choice, session.contract.size) == ("cpu", "", 64)
    for shape in ((1, 1, 16, 16), (3, 1, 32, 48), (2, 1, 17, 5)):
        lightness = np.random.default_rng(0).random(shape, dtype=np.float32) * 100
        ab = session.predict(lightness)
        np.testing.assert_allclose(ab[:, :1], lightness * 0.1 + 5, atol=1e-4)
        np.testing.assert_allclose(ab[:, 1:], 30 - lightness * 0.4, atol=1e-4)


def test_a_file_that_is_no_model_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WeightsError, match=r"broken: onnxruntime cannot open"):
        open_session(b"no onnx at all", "broken", "cpu")
    assert capfd.readouterr() == ("", "")


def test_a_foreign_model_is_refused(make_tiny_model: Callable[..., bytes]) -> None:
    with pytest.raises(WeightsError, match="was not exported by hue"):
        open_session(make_tiny_model(None), "foreign", "cpu")
    with pytest.raises(WeightsError, match="expected one input 'lightness' and one output 'ab'"):
        open_session(make_tiny_model(CONTRACT, output_name="colours"), "renamed", "cpu")


def test_a_model_that_does_not_give_two_planes_is_refused_before_any_work(
    make_tiny_model: Callable[..., bytes],
) -> None:
    with pytest.raises(WeightsError, match=r"expected 'ab' of shape \(1, 2, 16, 16\).*found \(1, 1, 16, 16\)"):
        open_session(make_tiny_model(CONTRACT, planes=("a",)), "one", "cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": "64"}, "size is '64', expected int"),
        ({"size": 64.5}, "size is 64.5, expected int"),
        ({"multiple_of": True}, "multiple_of is True, expected int"),
        ({"minimum": 0}, "minimum is 0, expected 1 to 8,192"),
        ({"minimum": 10**9}, "expected 1 to 8,192"),
        ({"recipe": None}, "recipe is None, expected str"),
        ({"metrics": {"psnr": "high"}}, "metrics holds something that is no number"),
        ({"metrics": [1]}, "expected dict"),
    ],
)
def test_damaged_metadata_is_refused(change: dict[str, object], message: str) -> None:
    good = json.loads(CONTRACT.to_json())
    assert Contract.from_metadata({"hue": json.dumps(good | {"unknown": 1})}, "a.onnx") == CONTRACT
    with pytest.raises(WeightsError, match=message):
        Contract.from_metadata({"hue": json.dumps(good | change)}, "a.onnx")
    with pytest.raises(WeightsError, match="damaged"):
        Contract.from_metadata({"hue": "[1]"}, "a.onnx")


def test_auto_says_what_it_chose_and_cuda_says_why_not(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "driver_is_there", lambda: False)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    content = tiny_model.read_bytes()
    session = open_session(content, "tiny", "auto")
    assert session.device == "cpu"
    assert session.choice == "Using the CPU: no NVIDIA driver was found."
    with pytest.raises(
        DeviceError, match=r"no NVIDIA driver was found.*pip install '\.\[cuda\]' in hue's source folder"
    ):
        open_session(content, "tiny", "cuda")


def test_a_build_without_cuda_says_so(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceError, match="built without CUDA"):
        open_session(tiny_model.read_bytes(), "tiny", "cuda:1")


def test_a_driver_without_cuda_libraries_is_found_out(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real onnxruntime tries, falls back to the CPU without a word, and is caught at it."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime was built without CUDA")
    if session_module.driver_is_there():
        pytest.skip("this machine may have CUDA")
    monkeypatch.setattr(session_module, "driver_is_there", lambda: True)
    with pytest.raises(DeviceError, match=r"--device cuda: onnxruntime could not .*pip install"):
        open_session(tiny_model.read_bytes(), "tiny", "cuda")
    assert capfd.readouterr() == ("", "")


def test_a_provider_that_this_build_lacks_is_refused_with_those_it_has(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    content = tiny_model.read_bytes()
    for name in ("tensorrt", "CoreML", "directml", "openvino", "RocmExecutionProvider"):
        with pytest.raises(DeviceError, match=rf"--provider {name}: .* without it\. It has: CPUExecutionProvider"):
            open_session(content, "tiny", provider=name)
    with pytest.raises(DeviceError, match="leave --device cpu out"):
        open_session(content, "tiny", "cpu", provider="openvino")


@pytest.mark.parametrize("name", ["cpu", "CPUExecutionProvider"])
def test_a_provider_that_is_there_runs(tiny_model: Path, name: str) -> None:
    session = open_session(tiny_model.read_bytes(), "tiny", provider=name)
    assert (session.device, session.batch_size) == ("cpu", 1)
    assert session.predict(np.zeros((1, 1, 16, 16), np.float32)).shape == (1, 2, 16, 16)


def test_a_provider_whose_libraries_are_missing_is_found_out(
    tiny_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if "TensorrtExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime was built without TensorRT")
    if session_module.driver_is_there():
        pytest.skip("this machine may have TensorRT")
    with pytest.raises(DeviceError, match="--provider tensorrt: onnxruntime could not load its libraries"):
        open_session(tiny_model.read_bytes(), "tiny", provider="tensorrt")
    assert capfd.readouterr() == ("", "")


@pytest.mark.gpu
def test_cuda_runs(tiny_model: Path) -> None:
    session = open_session(tiny_model.read_bytes(), "tiny", "cuda")
    assert session.device == "cuda:0"
    lightness = np.full((2, 1, 32, 32), 50, np.float32)
    np.testing.assert_allclose(session.predict(lightness)[:, 0], 10, atol=1e-3)
