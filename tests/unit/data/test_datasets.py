"""Data sets by name and by path. No test asks the network: Kaggle lies behind a port that nobody listens at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hue_cli.data.catalogue import Kaggle, find_set
from hue_cli.data.datasets import at_hand, resolve
from hue_cli.data.home import data_home
from hue_cli.data.manifest import make_manifest
from hue_cli.data.splits import Side
from hue_cli.errors import DatasetError, FetchError

KAGGLE = find_set("kaggle")
assert isinstance(KAGGLE.origin, Kaggle)
HANDLE = KAGGLE.origin.handle


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


def fill(root: Path, train: int = 10, test: int = 2) -> Path:
    """Put photos where Kaggle's archive has them."""
    for folder, count in (("train_color", train), ("test_color", test)):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            (root / folder / f"image{number:04}.jpg").write_bytes(bytes(number))
    return root


def test_kaggle_without_a_network_says_what_to_do(alone: Path) -> None:
    lines: list[str] = []
    with pytest.raises(FetchError) as caught:
        resolve(["kaggle"], say=lines.append)
    said = str(caught.value)
    assert f"Download {KAGGLE.page} by hand" in said
    assert f"unpack it to {alone / 'data' / 'kaggle'}" in said
    assert "--dataset FOLDER" in said
    assert said.startswith("The data set 'kaggle' could not be fetched: Kaggle cannot be reached. Download ")
    assert "\n" not in said
    assert "size unknown in advance" in lines[0]


def test_a_refusal_by_kaggle_keeps_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: str) -> str:
        raise RuntimeError("403 Client Error: consent required\nURL: …")

    monkeypatch.setattr("kagglehub.datasets.dataset_download", refuse)
    with pytest.raises(FetchError, match=r"Kaggle refuses it \(403 Client Error: consent required\)\. Download"):
        resolve(["kaggle"])


@pytest.mark.parametrize("below", [".", "data"])
def test_kaggle_unpacked_by_hand_is_used(alone: Path, below: str) -> None:
    root = fill(alone / "data" / "kaggle" / below)
    found = resolve(["kaggle"])
    assert found.name == "kaggle"
    assert {path.parent.resolve() for path in (*found.train, *found.val)} == {(root / "train_color").resolve()}
    assert [path.name for path in found.test] == ["image0000.jpg", "image0001.jpg"]
    assert (len(found.train), len(found.val)) == (9, 1)
    assert resolve(["kaggle"]) == found == at_hand("kaggle")


def test_the_newest_version_that_kagglehub_fetched_to_the_end_is_used(alone: Path) -> None:
    folder = alone.joinpath("kagglehub", "datasets", *HANDLE.split("/"))
    for version in ("9", "10", "11"):
        fill(folder / "versions" / version / "data")
    for version in ("9", "10"):
        (folder / f"{version}.complete").touch()
    found = at_hand("kaggle")
    assert found is not None
    assert {path.parents[2] for path in found.train} == {folder / "versions" / "10"}
    assert at_hand("landscape") is None


def test_what_is_no_longer_whole_is_not_at_hand(alone: Path) -> None:
    root = fill(alone / "data" / "kaggle")
    assert at_hand("kaggle") is not None
    (root / "train_color" / "image0003.jpg").unlink()
    assert at_hand("kaggle") is None


def test_several_names_are_joined_side_by_side(alone: Path) -> None:
    fill(alone / "data" / "kaggle")
    (alone / "data" / "coco" / "val2017").mkdir(parents=True)
    for number in range(5):
        (alone / "data" / "coco" / "val2017" / f"{number}.jpg").write_bytes(b"1")
    found = resolve(["coco", "kaggle"])
    alone_digests = {resolve([name]).manifest for name in ("coco", "kaggle")}
    assert found.name == "coco, kaggle"
    assert (len(found.train), len(found.val), len(found.test)) == (4 + 9, 1 + 1, 2)
    assert found.manifest not in alone_digests
    assert resolve(["kaggle", "coco"]).manifest != found.manifest


def test_a_folder_with_a_manifest_is_divided_by_it(alone: Path) -> None:
    root = fill(alone / "prepared")
    sides = {f"train_color/image000{i}.jpg": side for i, side in enumerate([Side.TRAIN, Side.VAL, Side.TEST])}
    manifest = make_manifest("mine", root, sides, "by hand")
    manifest.write(root)
    found = resolve(["prepared"])
    assert (found.name, found.manifest) == ("mine", manifest.digest)
    assert [path.name for path in (*found.train, *found.val, *found.test)] == [Path(file).name for file in sides]
    (alone / "v.tar").touch()
    assert resolve(["prepared"], ["v.tar"]).val == (Path("v.tar"),)
    both = resolve(["prepared", "v.tar"])
    assert (both.train, both.val, both.test) == ((*found.train, Path("v.tar")), found.val, found.test)
    next(iter(found.train)).write_bytes(b"other")
    with pytest.raises(DatasetError, match="Fetch or prepare the data set again"):
        resolve(["prepared"])


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
        ([".", "kaggle"], [], "names of data sets stand among themselves"),
        (["."], ["kaggle"], "names of data sets stand among themselves"),
        (["kaggle"], ["kaggle"], "names of data sets stand among themselves"),
        (["kaggle", "nowhere"], [], "nowhere: expected a folder"),
        (["n" * 5000], [], "found nothing there"),
    ],
)
def test_what_is_not_there_is_named(sources: list[str], val: list[str], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        resolve(sources, val)


def test_the_data_home_is_the_user_s_cache_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUE_DATA_DIR")
    monkeypatch.delenv("HUE_HOME", raising=False)
    assert data_home().parts[-1] == "data"
    assert "hue" in data_home().parts
    monkeypatch.setenv("HUE_HOME", "/home/me/hue")
    assert data_home() == Path("/home/me/hue/data")
