"""From a name to photos: small archives of the real layouts, from a real server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hue_cli.data import download
from hue_cli.data import fetch as module
from hue_cli.data.catalogue import NAMES, Archive, find_set
from hue_cli.data.fetch import Options, describe, fetch, find, locate_set
from hue_cli.data.listener import Lines
from hue_cli.data.manifest import MANIFEST
from hue_cli.data.splits import Counts, Side
from hue_cli.errors import DatasetError, FetchError, UsageError

ARCHIVES = [name for name in NAMES if isinstance(find_set(name).origin, Archive)]
KAGGLE = [name for name in NAMES if name not in ARCHIVES]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data home, no switches, and a server that need not be waited for."""
    for name in ("HUE_OFFLINE", "HF_HUB_OFFLINE", "HUE_DATA_URL", "HUE_HOME", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setattr(download, "FIRST_WAIT", 0.001)
    return tmp_path / "data"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def listener(said: list[str]) -> Lines:
    return Lines(said.append)


@pytest.fixture
def mirror(loopback: Any, served: Any, archive_of: Callable[..., bytes]) -> Callable[..., Options]:
    """Puts a small archive of a data set on the server; returns the options that fetch it."""

    def put(name: str, count: int = 40, content: bytes | None = None) -> Options:
        content = archive_of(name, count) if content is None else content
        origin = find_set(name).origin
        assert isinstance(origin, Archive)
        loopback.files[f"/{origin.file}"] = served(content)
        return Options(base_url=loopback.url, sha256=hashlib.sha256(content).hexdigest())

    return put


@pytest.fixture
def kaggle(loopback: Any, served: Any, archive_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Kaggle itself, as the real kagglehub sees it: through a proxy, which is the server of this test."""
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", loopback.url)

    def put(name: str, count: int = 20) -> None:
        version = json.dumps({"currentVersionNumber": 3}).encode()
        service = "/api/v1/datasets.DatasetApiService"
        loopback.files[f"{service}/GetDataset"] = served(version, headers={"Content-Type": "application/json"})
        loopback.files[f"{service}/DownloadDataset"] = served(
            archive_of(name, count), headers={"Content-Type": "application/zip"}
        )

    return put


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_becomes_divided_photos(
    name: str, mirror: Callable[..., Options], home: Path, listener: Lines, said: list[str]
) -> None:
    options = mirror(name)
    manifest = fetch(name, listener, options)
    assert sum(manifest.counts.values()) == 40
    assert all(manifest.counts[side] for side in ("train", "val") if name != "mirflickr25k")
    assert manifest.verify() == []
    (provenance,) = manifest.archives
    assert provenance.sha256 == options.sha256
    assert provenance.checked == f"sha256:{options.sha256}"
    assert find(name) == manifest
    assert set(names_in(home)) == {f".{name}.lock", "archives", name}
    assert names_in(home / "archives") == []
    assert {path.suffix for path in (home / name).rglob("*") if path.is_file()} == {".jpg", ".json"}
    assert "terms" in said[0]
    assert "127.0.0.1" in said[0]


def test_only_the_subset_is_unpacked(
    mirror: Callable[..., Options], listener: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(find_set("ade20k"), photos=40, folders={"images": Counts(train=16, val=4)})
    monkeypatch.setattr(module, "find_set", lambda _name: small)
    manifest = fetch("ade20k", listener, mirror("ade20k"))
    assert manifest.counts == {"train": 16, "val": 4, "test": 0}
    assert len(list(manifest.root.rglob("*.jpg"))) == 20


def test_another_machine_gets_the_same_split(
    mirror: Callable[..., Options], listener: Lines, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch("coco", listener, mirror("coco"))
    monkeypatch.setenv("HUE_DATA_DIR", str(home / "elsewhere"))
    second = fetch("coco", listener, mirror("coco"))
    assert first.digest == second.digest
    assert first.root != second.root


def test_what_is_here_is_not_fetched_again(mirror: Callable[..., Options], loopback: Any, listener: Lines) -> None:
    options = mirror("coco")
    fetch("coco", listener, options)
    before = len(loopback.asked)
    fetch("coco", listener, options)
    assert len(loopback.asked) == before


def test_two_that_want_it_at_once_fetch_it_once(mirror: Callable[..., Options], loopback: Any, listener: Lines) -> None:
    options = mirror("coco", 200)
    threads = [threading.Thread(target=fetch, args=("coco", listener, options)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loopback.asked) == 1


def test_the_archive_can_be_kept(mirror: Callable[..., Options], listener: Lines, home: Path) -> None:
    options = mirror("coco")
    kept = Options(base_url=options.base_url, sha256=options.sha256, keep_archive=True)
    fetch("coco", listener, kept)
    assert names_in(home / "archives") == ["val2017.zip"]


def test_an_archive_that_was_put_there_is_used_offline(
    mirror: Callable[..., Options], listener: Lines, home: Path, loopback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = mirror("coco")
    (home / "archives").mkdir(parents=True)
    (home / "archives" / "val2017.zip").write_bytes(loopback.files["/val2017.zip"].content)
    monkeypatch.setenv("HUE_OFFLINE", "1")
    fetch("coco", listener, options)
    assert loopback.asked == []
    assert (home / "archives" / "val2017.zip").exists()


def test_missing_photos_are_fetched_again_and_compared(
    mirror: Callable[..., Options], loopback: Any, listener: Lines, said: list[str]
) -> None:
    options = mirror("coco")
    first = fetch("coco", listener, options)
    next(iter(first.paths(Side.TRAIN))).unlink()
    again = fetch("coco", listener, options)
    assert again.digest == first.digest
    assert again.is_whole()
    assert any("are missing or changed; fetching them again" in line for line in said)
    # Now the digest is known from the first time, whatever hue knew before.
    next(iter(first.paths(Side.TRAIN))).unlink()
    fetch("coco", listener, Options(base_url=loopback.url))


def test_other_photos_than_the_first_time_are_refused(mirror: Callable[..., Options], listener: Lines) -> None:
    first = fetch("coco", listener, mirror("coco"))
    next(iter(first.paths(Side.TRAIN))).unlink()
    with pytest.raises(FetchError, match=r"is not what it was: expected the photos that .*manifest\.json lists"):
        fetch("coco", listener, mirror("coco", 41))
    assert find("coco") == first


def test_the_digest_that_hue_knows_is_asked_for(mirror: Callable[..., Options], loopback: Any, listener: Lines) -> None:
    mirror("coco")
    with pytest.raises(FetchError, match="expected an archive of 815,585,330 bytes, found"):
        fetch("coco", listener, Options(base_url=loopback.url))


def test_a_hostile_archive_leaves_nothing(mirror: Callable[..., Options], listener: Lines, home: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("val2017/a.jpg", b"1")
        archive.writestr("../val2017/b.jpg", b"1")
    with pytest.raises(FetchError, match="leads out of the folder"):
        fetch("coco", listener, mirror("coco", content=stream.getvalue()))
    assert names_in(home) == [".coco.lock", "archives"]
    assert find("coco") is None


def test_other_files_in_the_way_are_left_alone(mirror: Callable[..., Options], listener: Lines, home: Path) -> None:
    (home / "coco").mkdir(parents=True)
    (home / "coco" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FetchError, match="expected nothing there, or the data set; found other files"):
        fetch("coco", listener, mirror("coco"))
    assert (home / "coco" / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_leftovers_of_a_killed_run_are_cleared_away(
    mirror: Callable[..., Options], listener: Lines, home: Path
) -> None:
    (home / ".coco-abc.part" / "val2017").mkdir(parents=True)
    fetch("coco", listener, mirror("coco"))
    assert not (home / ".coco-abc.part").exists()


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_unpacked_by_hand_is_listed(
    name: str, home: Path, archive_of: Callable[..., bytes], listener: Lines, said: list[str]
) -> None:
    stream = io.BytesIO(archive_of(name, 30))
    (home / name).mkdir(parents=True)
    if name == "places365":
        with tarfile.open(fileobj=stream) as tar:
            tar.extractall(home / name, filter="data")
    else:
        with zipfile.ZipFile(stream) as archive:
            archive.extractall(home / name)
    assert locate_set(find_set(name)) == home / name
    manifest = find(name, listener)
    assert manifest is not None
    assert sum(manifest.counts.values()) == 30
    assert manifest.archives == ()
    assert (home / name / MANIFEST).exists()
    assert said[0] == f"listing the photos of {name} in {home / name} …"
    assert said[1].endswith(f"photos of {name}, found 30")


@pytest.mark.parametrize(("name", "counts"), [("kaggle", (18, 2, 3)), ("landscape", (17, 3, 0))])
def test_kaggle_s_sets_come_with_kagglehub(
    name: str, counts: tuple[int, int, int], kaggle: Any, listener: Lines, said: list[str], home: Path
) -> None:
    kaggle(name)
    manifest = fetch(name, listener)
    assert tuple(manifest.counts.values()) == counts
    assert manifest.verify() == []
    assert said[-1].endswith(f"trusted this first time; recorded: {manifest.digest}")
    assert find(name) == manifest
    assert names_in(home / name) == [MANIFEST]
    assert locate_set(find_set(name)) == home / name


def test_kaggle_s_second_answer_must_be_its_first(
    kaggle: Any, listener: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle("kaggle")
    fetch("kaggle", listener)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "new machine"))
    shutil.rmtree(tmp_path / "kagglehub")
    kaggle("kaggle", 21)
    with pytest.raises(FetchError, match="is not what it was"):
        fetch("kaggle", listener)
    kaggle("kaggle")
    shutil.rmtree(tmp_path / "new machine")
    assert fetch("kaggle", listener).is_whole()


def test_kaggle_without_photos(kaggle: Any, listener: Lines) -> None:
    kaggle("landscape")
    with pytest.raises(FetchError, match="expected photos in train_color and test_color, found none"):
        fetch("kaggle", listener)


@pytest.mark.parametrize("name", KAGGLE)
def test_kaggle_offline(name: str, listener: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_OFFLINE", "1")
    with pytest.raises(FetchError, match=r"is not here, and HUE_OFFLINE=1 forbids to fetch it\. Download https"):
        fetch(name, listener)


def test_a_read_only_folder_is_used_all_the_same(
    home: Path, archive_of: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = home / "coco" / "val2017"
    photos.mkdir(parents=True)
    (photos / "1.jpg").write_bytes(b"1")
    (home / "coco" / MANIFEST).mkdir()  # nothing can be written in its place, even by root
    manifest = find("coco")
    assert manifest is not None
    assert sum(manifest.counts.values()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_would_be_fetched_is_said(name: str) -> None:
    text = describe(find_set(name))
    assert find_set(name).terms in text
    assert "size" in text
    assert "split" in text


def test_the_environment_names_a_mirror(loopback: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_DATA_URL", f"{loopback.url}/data/")
    assert f"{loopback.url}/data/val2017.zip" in describe(find_set("coco"))


@pytest.mark.parametrize("base", ["ftp://x/y", "file:///etc", "mirror", "http://"])
def test_a_mirror_must_be_a_web_address(base: str, listener: Lines) -> None:
    with pytest.raises(UsageError, match="expected the address of a mirror"):
        fetch("coco", listener, Options(base_url=base))


@pytest.mark.parametrize("digest", ["", "abc", "g" * 64, "md5:" + "0" * 32])
def test_a_digest_must_be_one(digest: str, listener: Lines) -> None:
    with pytest.raises(UsageError, match="expected 64 hexadecimal digits"):
        fetch("coco", listener, Options(sha256=digest))


def test_an_unknown_name(listener: Lines) -> None:
    with pytest.raises(DatasetError, match="No data set is called"):
        fetch("imagenet", listener)
