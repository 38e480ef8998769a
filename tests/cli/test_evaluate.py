"""``hue eval`` as typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from hue_cli.cli.app import app
from hue_cli.evaluate.load import load_model
from hue_cli.evaluate.protocol import HUE_256, Batch
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

runner = CliRunner()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, picture in {"chelsea": data.chelsea()[40:240, 60:300], "coffee": data.coffee()[100:300, 150:350]}.items():
        Image.fromarray(np.ascontiguousarray(picture)).save(folder / f"{name} фото.png")
    return folder


@pytest.fixture
def only_model(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights with one released model, ``small``, the default."""
    import hashlib

    content = tiny_model.read_bytes()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "small.onnx").write_bytes(content)
    entry = {"file": "small.onnx", "size": len(content), "licence": "CC0-1.0", "bundled": False}
    entry["sha256"] = hashlib.sha256(content).hexdigest()
    index = {"default": "small", "models": {"small": entry}}
    (tmp_path / "weights" / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr("hue_cli.weights.resolve.weight_folders", lambda: [tmp_path / "weights"])
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "none"))


def test_the_readme_line(only_model: None) -> None:
    result = runner.invoke(app, ["eval", "--metrics", "msssim,psnr"])
    assert result.exit_code == 0, result.output
    assert "Scoring small on the sample photographs (scikit-image)." in result.stderr
    for word in ("4 photos", "hue-256-v1", "truth", "grey", "small", "msssim", "psnr (dB)", "cf-abs", "colour"):
        assert word in result.stdout


def test_several_models_beside_their_papers_as_json(
    tiny_model: Path,
    photos: Path,
    tmp_path: Path,
    tiny: Callable[[Recipe], Recipe],
    write_run: Callable[[Recipe, Path], Path],
) -> None:
    run = write_run(tiny(RECIPES["residual"]), tmp_path / "residual@0")
    arguments = ["eval", "--model", str(run), str(tiny_model), "--dataset", str(photos), "--raw", "--json"]
    result = runner.invoke(app, [*arguments, "--metrics", "msssim,colorfulness", "--csv", str(tmp_path / "f.csv")])
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    assert [row["kind"] for row in found["rows"]] == ["truth", "baseline", "model", "model", "paper", "model"]
    assert [row["treatment"] for row in found["rows"]] == [None, None, "as used", "raw", "raw", "as used"]
    assert found["photos"] == 2
    assert set(found["metrics"]) == {"msssim", "cf", "cf-abs"}
    # The tiny model's ONNX file has no RGB of its own, and says so instead of inventing it.
    assert "tiny: no raw figures" in result.stderr
    assert len((tmp_path / "f.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2 * 5


def test_photos_in_a_tar_and_bad_ones_among_them(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        content = (photos / "coffee фото.png").read_bytes()
        for name, part in {"../../up.png": content, "bad.jpg": b"\xff\xd8\xff", "ok.png": content}.items():
            member = tarfile.TarInfo(name)
            member.size = len(part)
            tar.addfile(member, BytesIO(part))
    command = ["eval", "-m", str(tiny_model), "--dataset", str(tmp_path / "photos.tar"), "--metrics", "mse", "--json"]
    result = runner.invoke(app, command)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["photos"] == 2
    assert [bad["name"] for bad in found["skipped"]] == ["photos.tar:bad.jpg"]
    assert "photos.tar:bad.jpg: left out" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos.tar"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--metrics", "psnr,beauty"], ["'beauty'", "msssim", "deltae"]),
        (["--dataset", "nowhere"], ["nowhere"]),
        (["--model", "nobody"], ["nobody", "small"]),
        (["--device", "toaster"], ["toaster"]),
        (["neither-model-nor-photos"], ["neither-model-nor-photos"]),
        (["--csv", "."], ["--csv", "folder"]),
        (["--markdown", "."], ["--markdown", "folder"]),
        (["--outputs", "nowhere"], ["--outputs", "nowhere"]),
        (["--compare-to", "nobody"], ["--compare-to", "nobody", "small"]),
    ],
)
def test_wrong_lines_are_explained(only_model: None, arguments: list[str], words: list[str]) -> None:
    result = runner.invoke(app, ["eval", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr


def test_an_empty_folder(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = runner.invoke(app, ["eval", "-m", str(tiny_model), "--dataset", str(tmp_path / "empty")])
    assert result.exit_code == 2
    assert "found none" in result.stderr


def test_what_is_scored_is_what_colorize_writes(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["-o", str(out), "-m", str(tiny_model), "--device", "cpu", "--if-color", "recolor"]
    result = runner.invoke(app, ["colorize", str(photos), *options])
    assert result.exit_code == 0, result.output
    painter = load_model(str(tiny_model), "cpu").used_painter()
    paths = sorted(photos.iterdir())
    assert len(paths) == 2
    for path in paths:
        with Image.open(path) as image:
            pixels = HUE_256.prepare(image)
        (written,) = out.rglob(f"{path.stem}*")
        with Image.open(written) as image:
            coloured = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(painter.paint(Batch((path.name,), pixels[None]))[0], coloured)


def test_another_tools_folder_beside_a_model(tiny_model: Path, photos: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    command = ["colorize", str(photos), "-o", str(made), "-m", str(tiny_model), "--if-color", "recolor"]
    assert runner.invoke(app, command).exit_code == 0
    arguments = ["eval", "--outputs", f"other tool={made}", "--reference", str(photos), "-m", str(tiny_model)]
    result = runner.invoke(app, [*arguments, "--metrics", "psnr", "--markdown", str(tmp_path / "t.md")])
    assert result.exit_code == 0, result.output
    assert "Scoring tiny, other tool on" in result.stderr
    assert "Paired differences" in result.stdout
    assert "other tool − tiny" in result.stdout
    (line,) = (line for line in (tmp_path / "t.md").read_text("utf-8").splitlines() if "other tool − tiny" in line)
    # The same pictures, so no difference at all.
    assert line.count("+0.00 [+0.00, +0.00]") == 2


def test_outputs_alone_need_no_model(photos: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for path in list(photos.iterdir())[:1]:
        (made / path.name).write_bytes(path.read_bytes())
    command = ["eval", "--outputs", str(made), "--reference", str(photos), "--metrics", "psnr", "--json"]
    result = runner.invoke(app, command)
    assert result.exit_code == 1
    assert "made lacks 1 photos" in result.stderr
    found = json.loads(result.stdout)
    assert [row["label"] for row in found["rows"]] == ["truth", "grey", "made"]
    assert len(found["outputs"]["made"]["missing"]) == 1
    assert found["rows"][2]["intervals"] == {}  # of a single photo
    assert found["rows"][1]["intervals"]["psnr"][0] < found["rows"][1]["scores"]["psnr"]


def test_as_a_process(tiny_model: Path, photos: Path) -> None:
    command = [sys.executable, "-m", "hue_cli", "eval", "-m", str(tiny_model), str(photos), "--metrics", "psnr"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    assert result.returncode == 0, result.stderr
    assert "2 photos" in result.stdout
    assert "Traceback" not in result.stderr
