"""From names to verified bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hue_cli.errors import UnknownModelError, WeightsError
from hue_cli.weights import resolve
from hue_cli.weights.cache import cache_folder
from hue_cli.weights.registry import read_index
from hue_cli.weights.resolve import resolve_model, weight_folders

CONTENT = b"the bytes of a model"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, a package and a cache of our own, with one index in the checkout."""
    (tmp_path / "checkout" / "weights").mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    (tmp_path / "package").mkdir()
    monkeypatch.setattr(resolve, "_CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr(resolve, "_PACKAGE", tmp_path / "package")
    monkeypatch.setenv("HUE_HOME", str(tmp_path / "home"))
    write_index(tmp_path / "checkout" / "weights", default="good")
    return tmp_path


def write_index(folder: Path, default: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entry = {
        "file": "good/model.onnx",
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "licence": "Apache-2.0",
        "bundled": True,
    }
    data = {"models": {"good": entry, "other": {**entry, "file": "other/model.onnx"}}}
    (folder / "index.json").write_text(json.dumps(data | ({"default": default} if default else {})))


def place(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "good" / "model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_the_checkout_comes_before_the_package_and_the_cache(places: Path) -> None:
    cached = place(places / "home" / "models")
    assert resolve_model("good").path == cached
    bundled = place(places / "package" / "bundled")
    assert resolve_model("good").path == bundled
    own = place(places / "checkout" / "weights")
    assert resolve_model("good").path == own
    assert resolve_model().name == "good"
    assert resolve_model().read() == CONTENT


def test_an_installed_package_uses_its_own_index(places: Path) -> None:
    (places / "checkout" / "pyproject.toml").unlink()
    write_index(places / "package" / "bundled")
    path = place(places / "package" / "bundled")
    assert weight_folders()[0] == places / "package" / "bundled"
    assert resolve_model("good").path == path


def test_a_path_needs_no_index(places: Path, tmp_path: Path) -> None:
    path = tmp_path / "my.onnx"
    path.write_bytes(b"anything")
    found = resolve_model(str(path))
    assert (found.name, found.weight, found.read()) == ("my", None, b"anything")
    with pytest.raises(UnknownModelError, match="no such model file"):
        resolve_model(str(tmp_path / "absent.onnx"))


def test_unknown_names_list_the_known_ones(places: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"No model is called 'better'.*good, other"):
        resolve_model("better")


def test_no_default_is_an_error(places: Path) -> None:
    write_index(places / "checkout" / "weights", default=None)
    with pytest.raises(UnknownModelError, match=r"No default model is set. There are: good, other"):
        resolve_model()


def test_a_known_model_without_its_file_says_where_it_was_searched(places: Path) -> None:
    with pytest.raises(WeightsError, match=r"'other' is known, but its file.*home"):
        resolve_model("other")


def test_a_wrong_digest_fails_closed(places: Path) -> None:
    place(places / "checkout" / "weights", CONTENT + b"!")
    with pytest.raises(WeightsError, match="not the released model 'good': expected SHA-256"):
        resolve_model("good").read()


def test_a_file_that_vanishes_is_an_error(places: Path) -> None:
    path = place(places / "checkout" / "weights")
    found = resolve_model("good")
    path.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        found.read()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"models": {"a": {}}}', '{"models": {"a": 3}}', '{"default": "x", "models": {}}']
)
def test_damaged_indexes_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "index.json"
    path.write_text(text)
    with pytest.raises(WeightsError):
        read_index(path)


def test_no_index_anywhere_is_an_error(places: Path) -> None:
    (places / "checkout" / "weights" / "index.json").unlink()
    with pytest.raises(WeightsError, match="missing from the package"):
        resolve_model("good")


def test_without_hue_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUE_HOME", raising=False)
    assert cache_folder().name == "models"
    assert cache_folder().parent.name.lower() in ("hue", "cache")


def test_the_repositorys_own_index_is_sound() -> None:
    root = Path(__file__).parents[3]
    index = read_index(root / "weights" / "index.json")
    for weight in index.models.values():
        content = (root / "weights" / weight.file).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (weight.size, weight.sha256)
