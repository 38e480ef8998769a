"""Fetching one file from a real server on this machine: broken off, wrong, refused, without ranges, offline."""

from __future__ import annotations

import hashlib
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from hue_cli.data import download as module
from hue_cli.data.download import Fetched, Remote, download, public
from hue_cli.data.listener import Lines
from hue_cli.errors import FetchError

CONTENT = bytes(range(256)) * 2000


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Said(list[str]):
    """What was said, and how far it came."""

    def __init__(self) -> None:
        super().__init__()
        self.note = self.warn = self.append
        self.steps: list[tuple[str, int, int | None]] = []

    def progress(self, what: str, done: int, total: int | None) -> None:
        self.steps.append((what, done, total))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    monkeypatch.delenv("HUE_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def file(loopback: Any, served: Any) -> Any:
    loopback.files["/a.zip"] = served(CONTENT)
    return loopback.files["/a.zip"]


def remote(loopback: Any, **changes: Any) -> Remote:
    facts: dict[str, Any] = {
        "url": f"{loopback.url}/a.zip",
        "file": "a.zip",
        "size": len(CONTENT),
        "digest": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
    }
    return Remote(**{**facts, **changes})


def asked(loopback: Any) -> list[str | None]:
    return [wanted for _, _, wanted in loopback.asked]


@pytest.mark.usefixtures("file")
def test_a_file_is_fetched_and_then_left_alone(loopback: Any, tmp_path: Path, said: Said) -> None:
    assert download(remote(loopback), tmp_path, said) == Fetched(tmp_path / "a.zip", was_here=False)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert said.steps[-1] == ("a.zip", len(CONTENT), len(CONTENT))
    assert download(remote(loopback), tmp_path, said) == Fetched(tmp_path / "a.zip", was_here=True)
    assert len(loopback.asked) == 1
    assert names_in(tmp_path) == ["a.zip"]


@pytest.mark.usefixtures("file")
def test_md5_is_checked_where_nothing_better_is_published(loopback: Any, tmp_path: Path, said: Said) -> None:
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert not download(remote(loopback, digest=f"md5:{md5}"), tmp_path, said).was_here


def test_a_transfer_that_breaks_off_goes_on(loopback: Any, file: Any, tmp_path: Path, said: Said) -> None:
    file.cuts = [131_072, 65_536]
    download(remote(loopback), tmp_path, said)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert asked(loopback) == [None, "bytes=131072-", "bytes=196608-"]
    assert said[0].startswith("127.0.0.1 broke the transfer off; trying again in 0 s, from byte 131,072")


def test_another_process_goes_on_with_what_is_there(
    loopback: Any, file: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    file.cuts = [131_072]
    with pytest.raises(FetchError, match=r"131,072 bytes are kept; the same command goes on from there"):
        download(remote(loopback), tmp_path, said)
    assert names_in(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    download(remote(loopback), tmp_path, said)
    assert asked(loopback) == [None, "bytes=131072-"]


@pytest.mark.parametrize("etag", ['"2"', 'W/"2"', ""])
def test_a_file_that_changed_meanwhile_is_begun_anew(
    loopback: Any, file: Any, served: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, etag: str
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    loopback.files["/a.zip"] = served(bytes(len(CONTENT)), cuts=[131_072])
    with pytest.raises(FetchError):
        download(remote(loopback), tmp_path, said)
    loopback.files["/a.zip"] = served(CONTENT, etag=etag)
    download(remote(loopback), tmp_path, said)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_for_all_of_it(loopback: Any, file: Any, tmp_path: Path, said: Said) -> None:
    file.ranges = False
    file.cuts = [131_072]
    download(remote(loopback), tmp_path, said)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_server_that_identifies_nothing_is_trusted_until_the_digest(
    loopback: Any, file: Any, tmp_path: Path, said: Said
) -> None:
    file.etag = ""
    file.cuts = [131_072]
    download(remote(loopback), tmp_path, said)
    assert asked(loopback) == [None, "bytes=131072-"]


@pytest.mark.usefixtures("file")
def test_a_part_of_another_url_is_not_gone_on_with(loopback: Any, served: Any, tmp_path: Path, said: Said) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"other")
    download(remote(loopback), tmp_path, said)
    assert asked(loopback) == [None]


def test_a_part_that_is_whole_already_is_taken(
    loopback: Any, file: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    file.cuts = [100]
    with pytest.raises(FetchError):
        download(remote(loopback), tmp_path, said)
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    download(remote(loopback), tmp_path, said)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_begun_anew(
    loopback: Any, file: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.cuts = [100]
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    with pytest.raises(FetchError):
        download(remote(loopback), tmp_path, said)
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    (tmp_path / "a.zip.part").write_bytes(CONTENT + b"more")
    download(remote(loopback), tmp_path, said)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_wrong_digest_leaves_nothing_behind(loopback: Any, file: Any, tmp_path: Path, said: Said) -> None:
    file.content = CONTENT[:-1] + b"!"
    with pytest.raises(FetchError, match=r"not the archive that was expected.*expected sha256:.* but got [0-9a-f]{64}"):
        download(remote(loopback), tmp_path, said)
    assert names_in(tmp_path) == []


@pytest.mark.usefixtures("file")
def test_a_wrong_size_is_noticed_before_it_is_fetched(loopback: Any, tmp_path: Path, said: Said) -> None:
    with pytest.raises(FetchError, match="expected an archive of 10 bytes, found 512,000"):
        download(remote(loopback, size=10), tmp_path, said)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (500, 5), (503, 5)])
def test_refusals_are_believed_and_troubles_tried_again(
    loopback: Any, file: Any, tmp_path: Path, said: Said, status: int, requests: int
) -> None:
    file.statuses = [status] * 9
    with pytest.raises(FetchError, match=rf"the server answered {status} .*--base-url"):
        download(remote(loopback), tmp_path, said)
    assert len(loopback.asked) == requests


def test_a_server_that_recovers_is_forgiven(loopback: Any, file: Any, tmp_path: Path, said: Said) -> None:
    file.statuses = [500, 503, 429]
    file.headers = {"Retry-After": "0"}
    download(remote(loopback), tmp_path, said)
    assert len(loopback.asked) == 4
    assert said[0] == "the server answered 500 Internal Server Error; trying again in 0 s, from byte 0"


def test_nobody_at_the_other_end(tmp_path: Path, said: Said, loopback: Any) -> None:
    gone = remote(loopback, url="http://127.0.0.1:9/a.zip")
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 does not answer\. 0 bytes are kept"):
        download(gone, tmp_path, said)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("switch", ["HUE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_means_offline(
    loopback: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv(switch, "1")
    with pytest.raises(FetchError, match=rf"a\.zip: is not in .*, and {switch}=1 forbids"):
        download(remote(loopback), tmp_path, said)
    (tmp_path / "a.zip").write_bytes(CONTENT)
    assert download(remote(loopback), tmp_path, said).was_here
    assert loopback.asked == []


@pytest.mark.usefixtures("file")
def test_a_disk_that_is_too_small_is_noticed_before(
    loopback: Any, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 2 * 2**30))
    with pytest.raises(FetchError, match=r"3\.0 GiB are needed for a\.zip .* 2\.0 GiB are free"):
        download(remote(loopback, unpacked=3 * 2**30), tmp_path, said)


@pytest.mark.usefixtures("file")
def test_a_folder_that_cannot_be_written(loopback: Any, tmp_path: Path, said: Said) -> None:
    (tmp_path / "a.zip.part").mkdir()
    with pytest.raises(FetchError, match=r"a\.zip\.part: cannot be written"):
        download(remote(loopback), tmp_path, said)


def test_secrets_of_an_address_stay_secret() -> None:
    assert public("https://me:pass@host:8/a/b.zip?key=1#x") == "https://host:8/a/b.zip"


def test_lines_are_few() -> None:
    lines: list[str] = []
    listener = Lines(lines.append)
    for done in range(1001):
        listener.progress("a.zip", done * 2**20, 1000 * 2**20)
    listener.progress("b.zip", 5, None)
    listener.warn("careful")
    assert lines[:2] == ["a.zip: 10 % of 1,000 MiB", "a.zip: 20 % of 1,000 MiB"]
    assert len(lines) == 11
