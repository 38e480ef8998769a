"""Data sets by name and by path. No test asks the network: Kaggle lies behind a port that nobody listens at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hue_cli.data.datasets import KAGGLE_HANDLE, at_hand, data_home, fetch, resolve
from hue_cli.errors import DatasetError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, an empty working folder and no way out."""
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_kaggle_without_a_network_says_what_to_do(alone: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        fetch("kaggle")
    said = str(caught.value)
    assert f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}" in said
    assert f"unpack it to {alone / 'data' / 'kaggle'}" in said
    assert "--dataset FOLDER" in said
    assert said.startswith("The data set 'kaggle' could not be fetched: Kaggle cannot be reached. Download ")
    assert "\n" not in said


def test_a_refusal_by_kaggle_keeps_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: str) -> str:
        raise RuntimeError("403 Client Error: consent required\nURL: …")

    monkeypatch.setattr("kagglehub.datasets.dataset_download", refuse)
    with pytest.raises(DatasetError, match=r"Kaggle refuses it \(403 Client Error: consent required\)\. Download"):
        fetch("kaggle")


@pytest.mark.parametrize("below", [".", "data"])
def test_kaggle_unpacked_by_hand_is_used(alone: Path, below: str) -> None:
    root = alone / "data" / "kaggle" / below
    (root / "train_color").mkdir(parents=True)
    (root / "test_color").mkdir()
    found = resolve(["kaggle"])
    assert found.name == "kaggle"
    assert [path.resolve() for path in found.train] == [(root / "train_color").resolve()]
    assert [path.resolve() for path in found.test] == [(root / "test_color").resolve()]
    assert found.val == ()


def test_the_newest_version_that_kagglehub_fetched_is_used(alone: Path) -> None:
    versions = alone / "kagglehub" / "datasets" / KAGGLE_HANDLE / "versions"
    for version in ("9", "10"):
        (versions / version / "data" / "train_color").mkdir(parents=True)
    found = at_hand("kaggle")
    assert found is not None
    assert found.train == (versions / "10" / "data" / "train_color",)
    assert found.test == ()
    assert at_hand("landscape") is None


def test_paths_win_over_names(alone: Path) -> None:
    (alone / "kaggle").mkdir()
    assert resolve(["kaggle"]).train == (Path("kaggle"),)


def test_paths_are_taken_as_they_are(alone: Path) -> None:
    for name in ("a.tar", "b.tar", "v.tar"):
        (alone / name).touch()
    found = resolve(["a.tar", "b.tar"], ["v.tar"])
    assert (found.name, found.train, found.val) == ("a.tar, b.tar", (Path("a.tar"), Path("b.tar")), (Path("v.tar"),))


@pytest.mark.parametrize(
    ("sources", "val", "said"),
    [
        (["nowhere"], [], "nowhere: expected a folder"),
        (["."], ["nowhere.tar"], r"nowhere\.tar: expected"),
        ([".", "kaggle"], [], "a data set's name stands alone"),
        (["."], ["kaggle"], "a data set's name stands alone"),
        (["n" * 5000], [], "found nothing there"),
    ],
)
def test_what_is_not_there_is_named(sources: list[str], val: list[str], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        resolve(sources, val)


def test_the_data_home_is_the_user_s_cache_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUE_DATA_DIR")
    assert data_home().parts[-1] == "data"
    assert "hue" in data_home().parts
