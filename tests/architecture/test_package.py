"""The wheel holds what a fresh install needs to colorize offline, and nothing that only the repository needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the build reads, with weights of its own: one bundled model, one not."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "scripts").mkdir()
    for file in ("pyproject.toml", "README.md", "LICENSE", "scripts/bundle_weights.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    entry = {"size": 3, "sha256": "0", "licence": "CC0"}
    models = {
        name: {**entry, "file": f"{name}/model.onnx", "bundled": bundled}
        for name, bundled in (("small", True), ("large", False))
    }
    for name in models:
        (tmp_path / "weights" / name).mkdir(parents=True)
        (tmp_path / "weights" / name / "model.onnx").write_bytes(name.encode())
        (tmp_path / "weights" / name / "README.md").write_text("card", encoding="utf-8")
    index = json.dumps({"default": "small", "models": models})
    (tmp_path / "weights" / "index.json").write_text(index, encoding="utf-8")
    return tmp_path


def _build(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tree / "dist")],
        cwd=tree,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_wheel_holds_bundled_models_and_no_others(tree: Path) -> None:
    built = _build(tree)
    assert built.returncode == 0, built.stderr

    (wheel,) = (tree / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("hue_cli/weights/bundled/small/model.onnx") == b"small"
        index = json.loads(archive.read("hue_cli/weights/bundled/index.json"))
    assert index["default"] == "small"
    assert {name for name in names if "bundled" in name} == {
        "hue_cli/weights/bundled/index.json",
        "hue_cli/weights/bundled/small/model.onnx",
    }
    assert "hue_cli/py.typed" in names
    assert not any(name.startswith(("tests", "scripts", "weights", "samples")) for name in names)


def test_a_bundled_model_that_is_missing_fails_the_build(tree: Path) -> None:
    (tree / "weights" / "small" / "model.onnx").unlink()

    built = _build(tree)

    assert built.returncode != 0
    assert "small/model.onnx" in built.stderr


def test_what_the_index_lists_is_there() -> None:
    index = json.loads((ROOT / "weights" / "index.json").read_text(encoding="utf-8"))

    for name, model in index["models"].items():
        assert (ROOT / "weights" / model["file"]).stat().st_size == model["size"], name
        for page in ("README.md", "config.json"):
            assert (ROOT / "weights" / name / page).is_file(), f"{name}: no {page}"


def test_the_base_install_has_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    base = " ".join(project["dependencies"])
    assert "torch" not in base
    assert "scikit-image" not in base
    assert any(each.startswith("torch>=") for each in project["optional-dependencies"]["train"])


def test_the_lock_file_names_the_public_index_alone() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    hue = next(package for package in lock["package"] if package["name"] == "hue-cli")
    sources = {package["source"].get("registry") for package in lock["package"] if package is not hue}
    files = [file["url"] for package in lock["package"] for file in package.get("wheels", [])]

    assert sources == {"https://pypi.org/simple"}
    assert all(url.startswith("https://files.pythonhosted.org/") for url in files)


def test_the_lock_file_knows_every_dependency() -> None:
    """Forgotten after a change of pyproject.toml, it would lock another project than this one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    hue = next(package for package in lock["package"] if package["name"] == "hue-cli")
    metadata = hue["metadata"]
    locked = {each["name"] for each in metadata["requires-dist"]}
    locked |= {each["name"] for each in metadata["requires-dev"]["dev"]}

    asked = [
        *project["project"]["dependencies"],
        *(each for extra in project["project"]["optional-dependencies"].values() for each in extra),
        *project["dependency-groups"]["dev"],
    ]
    names = {each.split(">")[0].split("[")[0].split(";")[0].strip() for each in asked}
    assert names == locked


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel_and_it_colorizes_without_a_network(tmp_path: Path) -> None:
    """In an environment of its own that sees this one's packages, but not this tree; unshared from every network."""
    build = [sys.executable, "-m", "hatchling", "build", "--directory"]
    subprocess.run([*build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    subprocess.run([*build, str(tmp_path / "again"), "--target", "wheel"], cwd=source, check=True, capture_output=True)
    (first,), (second,) = tmp_path.glob("*.whl"), (tmp_path / "again").glob("*.whl")
    with ZipFile(first) as one, ZipFile(second) as other:
        assert {each.filename: each.CRC for each in one.infolist()} == {
            each.filename: each.CRC for each in other.infolist()
        }
        one.extractall(tmp_path / "installed")

    program = "import socket; socket.socket.connect = None; from hue_cli.cli.app import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", program, "colorize", str(ROOT / "samples"), "-o", str(tmp_path / "colour")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "HUE_HOME": str(tmp_path / "home")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert len(list((tmp_path / "colour").iterdir())) == 5
    assert not (tmp_path / "home").exists(), "nothing was fetched"
