"""A run goes to a hub through the real client, and comes back as a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import metadata_load
from PIL import Image
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

WriteRun = Callable[[Recipe, Path], Path]
FILES = ["README.md", "SHA256SUMS", "config.json", "eval.json", "model.safetensors", "onnx/model.onnx"]


def _hue(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[Recipe], Recipe], write_run: WriteRun) -> Path:
    return write_run(tiny(RECIPES["cnn-curriculum"]), tmp_path_factory.mktemp("runs") / "cnn")


@pytest.fixture
def scores(tmp_path: Path, run: Path) -> Path:
    digest = json.loads((run / "run.json").read_text(encoding="utf-8"))["digest"]
    rows = [
        {"kind": kind, "model": model, "treatment": treatment, "scores": {"psnr": value}, "share_of_truth_colour": 0.3}
        for kind, model, treatment, value in (
            ("truth", None, None, None),
            ("baseline", None, None, 23.2),
            ("model", "it", "as used", 23.5),
        )
    ]
    report = {
        "protocol": {"name": "hue-256-v1"},
        "dataset": "test.tar",
        "photos": 951,
        "metrics": {"psnr": {"unit": "dB"}},
        "rows": rows,
        "models": {"it": {"digest": digest}},
    }
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own, about how it uploads
def test_a_run_is_published_in_one_commit_and_colorizes_where_it_is_named(
    loopback: Any, home: Path, run: Path, scores: Path, tmp_path: Path
) -> None:
    pushed = _hue("models", "push", run, "hf:somebody/cnn", "--scores", scores, "--licence", "CC0-1.0")

    assert pushed.exit_code == 0, pushed.output
    commit, files = loopback.commits["somebody/cnn"][-1]
    assert len(loopback.commits["somebody/cnn"]) == 2, "the empty repository, and all files at once"
    assert sorted(files) == [".gitattributes", *FILES]
    assert f"commit {commit}" in pushed.stdout
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, path = line.split()
        assert hashlib.sha256(files[path]).hexdigest() == digest
    assert files["model.safetensors"] == (run / "weights.safetensors").read_bytes()
    assert json.loads(files["eval.json"])["used"] == {"psnr": 23.5}
    assert json.loads(files["config.json"])["contract"]["licence"] == "CC0-1.0"
    (tmp_path / "README.md").write_bytes(files["README.md"])
    header = metadata_load(tmp_path / "README.md")
    assert header is not None
    assert (header["library_name"], header["license"]) == ("hue", "cc0-1.0")
    assert header["model-index"][0]["results"][0]["metrics"][0]["value"] == 23.5
    assert "hue colorize old_photos/ --model hf:somebody/cnn\n" in files["README.md"].decode()

    photo = tmp_path / "photo.png"
    Image.fromarray(np.arange(4096, dtype=np.uint16).astype(np.uint8).reshape(64, 64)).save(photo)
    used = _hue("colorize", photo, "-m", "hf:somebody/cnn")
    assert used.exit_code == 0, used.output
    listed = [json.loads(line) for line in _hue("models", "list", "--json").stdout.splitlines()]
    (cached,) = (row for row in listed if row["where"] == "cached")
    assert cached["name"] == "hf:somebody/cnn"
    assert cached["metrics"] == {"psnr": 23.5}
    assert cached["licence"] == "CC0-1.0"
    assert cached["hub"]["revision"] == commit


@pytest.mark.slow
def test_a_licence_that_the_hub_does_not_know_is_named_in_words(run: Path, tmp_path: Path, home: Path) -> None:
    result = _hue("models", "push", run, "hf:somebody/cnn", "-o", tmp_path / "out", "--with", "fp16", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["folder"] == str(tmp_path / "out")
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == [
        *(path for path in FILES if path != "SHA256SUMS"),
        "onnx/model_fp16.onnx",
    ]
    header = metadata_load(tmp_path / "out" / "README.md")
    assert header is not None
    assert header["license"] == "other"
    assert header["license_name"].startswith("for research")
    assert "model-index" not in header
    assert json.loads((tmp_path / "out" / "eval.json").read_text(encoding="utf-8")) is None


def test_without_a_valid_token_one_sentence_says_how_to_log_in(
    loopback: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")

    result = _hue("models", "push", run, "hf:somebody/cnn")

    assert result.exit_code == 1
    assert "Log in: hf auth login" in " ".join(result.stderr.split())
    assert loopback.commits == {}


def test_what_cannot_be_pushed_is_a_usage_error(run: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["hf:somebody/cnn@v1"], "leave out @v1"),
        (["somebody/cnn"], "expected hf:ORG/REPO"),
        (["hf:somebody/cnn", "-o", tmp_path], "is there already"),
    ):
        result = _hue("models", "push", run, *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
