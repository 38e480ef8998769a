"""``hue export`` as it is typed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.export import run as export_room
from hue_cli.export.photos import sample_photos
from hue_cli.infer.contract import Contract
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

WriteRun = Callable[[Recipe, Path], Path]


@pytest.fixture
def folder(tmp_path: Path, tiny: Callable[[Recipe], Recipe], write_run: WriteRun) -> Path:
    return write_run(tiny(RECIPES["cnn-curriculum"]), tmp_path / "my run")


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared is the same; how much of it is not what these tests are about."""
    photos = [photo[:96, :96] for photo in sample_photos()]
    monkeypatch.setattr(export_room, "sample_photos", lambda: photos)


def _hue(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_a_run_becomes_a_file_beside_its_weights(folder: Path) -> None:
    result = _hue(folder)

    data = (folder / "model.onnx").read_bytes()
    assert result.exit_code == 0, result.output
    assert hashlib.sha256(data).hexdigest() in result.stdout
    assert "largest difference from PyTorch" in result.stdout
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    contract = Contract.from_metadata(session.get_modelmeta().custom_metadata_map, "model.onnx")
    assert (contract.recipe, contract.precision, contract.multiple_of) == ("cnn-curriculum", "fp32", 4)
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "run.json", "weights.safetensors"]


def test_json_tells_programs_the_same_and_stays_clean_of_warnings(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "new folder" / "модель.onnx"
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**facts, "finished": False}), encoding="utf-8")

    result = _hue(folder / "weights.safetensors", "-o", output, "--precision", "auto", "--licence", "CC0", "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert report["path"] == str(output)
    assert report["precision"] == "fp32"
    assert report["size"] == output.stat().st_size
    assert report["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert 0 < report["largest_difference"] < report["bound"] == 0.05
    assert report["contract"]["licence"] == "CC0"
    assert "not finished" in result.stderr


def test_auto_halves_the_weights_only_where_that_keeps_the_promise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halved = _hue(folder, "-o", tmp_path / "half.onnx", "--precision", "fp16", "--json")
    difference = json.loads(halved.stdout)["largest_difference"]
    assert halved.exit_code == 0
    assert 0.05 < difference < 0.5, "the network of this test tells the two bounds apart"
    assert f"differs from PyTorch by {difference:.2g}" in halved.stderr
    assert "more than the 0.05" in " ".join(halved.stderr.split())

    for bound, precision in ((difference, "fp32"), (difference * 1.01, "fp16")):
        monkeypatch.setitem(export_room.BOUNDS, export_room.Precision.AUTO, bound)
        automatic = _hue(folder, "--precision", "auto", "--json")
        assert json.loads(automatic.stdout)["precision"] == precision


def test_a_graph_that_disagrees_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bound that no rounding keeps, the old file stays and nothing else appears."""
    (folder / "model.onnx").write_bytes(b"old")
    monkeypatch.setattr(export_room, "BOUNDS", dict.fromkeys(export_room.BOUNDS, 1e-9))

    result = _hue(folder, "--precision", "auto")

    assert result.exit_code == 1
    assert "does not paint what the network paints (fp16: " in result.stderr
    assert "; fp32: " in result.stderr
    assert (folder / "model.onnx").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "run.json", "weights.safetensors"]


def test_a_file_is_exported_again_in_other_forms(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = _hue(tiny_model, "--end-to-end")
    assert old.exit_code == 2
    assert "opset 18 or newer" in old.stderr
    model = onnx.load(tiny_model)
    model.opset_import[0].version = 18
    (tmp_path / "new").mkdir()
    onnx.save(model, tmp_path / "new" / "tiny.onnx")

    whole = _hue("new/tiny.onnx", "--end-to-end")
    small = _hue(tiny_model, "--precision", "int8", "--json")

    assert whole.exit_code == small.exit_code == 0, whole.output + small.output
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == ["tiny_end_to_end.onnx", "tiny_int8.onnx"]
    assert "largest difference from tiny: 0 units" in whole.stdout
    assert re.search(r"pictures of 5 photographs: ΔE 0\.\d+ on average \(allowed: 0\.6\)", whole.stdout)
    report = json.loads(small.stdout)
    assert (report["kind"], report["judge"], report["bound"]) == ("colorizer", "tiny", None)
    assert report["delta_e"]["photos"] == 5
    opset = _hue(tiny_model, "--opset", "21")
    assert opset.exit_code == 2
    assert "was exported with opset" in opset.stderr


@pytest.mark.slow
def test_a_run_becomes_one_graph_of_eight_bits(folder: Path) -> None:
    result = _hue(folder, "--end-to-end", "--precision", "int8", "--size", "32", "--force", "--json")

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["judge"], report["contract"]["size"]) == ("PyTorch", 32)
    session = onnxruntime.InferenceSession(folder / "model_end_to_end_int8.onnx", providers=["CPUExecutionProvider"])
    (picture,) = session.run(None, {"photo": np.full((1, 33, 21, 3), 99, np.uint8)})
    assert picture.shape == (1, 33, 21, 3)


def test_no_run_there(tmp_path: Path) -> None:
    result = _hue(tmp_path / "nowhere")

    assert result.exit_code == 1
    assert "nowhere: no such run folder or file" in result.stderr


def test_filing_with_scores_of_another_training_is_refused(folder: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.json"
    scores.write_text('{"models": {"x": {"digest": "0"}}}', encoding="utf-8")

    result = _hue(folder, "--file-in", tmp_path / "weights", "--scores", scores)

    assert result.exit_code == 2
    assert "0 of the models" in result.stderr
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scores", "s.json"], "belong to --file-in"),
        (["--default"], "belong to --file-in"),
        (["--file-in", "weights", "-o", "model.onnx"], "leave out -o"),
        (["-o", "."], "expected a file, found a folder"),
        (["--precision", "int4"], "int4"),
        (["--file-in", "weights", "--precision", "int8"], "leave out --end-to-end, int8"),
        (["--calibrate", "nowhere"], "found none that can be read"),
        (["--opset", "7"], "18"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(folder: Path, options: list[str], message: str) -> None:
    result = _hue(folder, *options)

    assert result.exit_code == 2
    assert message in result.stderr


def test_without_the_extra_one_sentence_says_what_to_install(folder: Path) -> None:
    # None makes an import fail as it does where the package is not installed.
    program = "import sys; sys.modules['torch'] = None; from hue_cli.cli.app import main; main()"

    found = subprocess.run(
        [sys.executable, "-c", program, "export", str(folder)], capture_output=True, encoding="utf-8", check=False
    )

    assert found.returncode == 2
    assert "pip install '.[train]'" in found.stderr
    assert "Traceback" not in found.stderr
