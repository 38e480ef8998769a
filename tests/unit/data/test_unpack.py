"""Archives by people with bad intentions, and by people with bad disks."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hue_cli.data import unpack as module
from hue_cli.data.splits import Side
from hue_cli.data.unpack import unpack
from hue_cli.errors import FetchError


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def everything(names: list[str]) -> dict[str, Side]:
    return dict.fromkeys((name for name in names if name.endswith(".jpg")), Side.TRAIN)


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], form: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", form) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo | str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for member, content in members:
            header = tarfile.TarInfo(member) if isinstance(member, str) else member
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header, b""


def device(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.type = kind
    return header, b""


def zip_entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    return folder


def refused(archive: Path, target: Path, said: str) -> None:
    """The archive is refused, and nothing was written anywhere."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(FetchError, match=said) as caught:
        unpack(archive, target, everything)
    assert str(caught.value).startswith(f"{archive}: ")
    assert sorted(archive.parent.rglob("*")) == before


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_wanted_photos_are_written_and_others_not(tmp_path: Path, target: Path, form: str) -> None:
    members = [("./p/a.jpg", b"one"), ("p/deep/b.jpg", b"two"), ("p/c.txt", b"three")]
    archive = tmp_path / f"a.{form}"
    if form == "zip":
        zipped(archive, *((name.removeprefix("./"), content) for name, content in members))
    else:
        tarred(archive, *members, mode="w:gz" if form == "tar.gz" else "w")
    steps: list[tuple[int, int]] = []
    entries = unpack(archive, target, everything, lambda *step: steps.append(step))
    assert [(entry.file, entry.size, entry.side) for entry in entries] == [
        ("p/a.jpg", 3, Side.TRAIN),
        ("p/deep/b.jpg", 3, Side.TRAIN),
    ]
    assert entries[0].sha256 == hashlib.sha256(b"one").hexdigest()
    assert (target / "p/deep/b.jpg").read_bytes() == b"two"
    assert sorted(path.name for path in target.rglob("*.*")) == ["a.jpg", "b.jpg"]
    assert steps == [(3, 6), (6, 6)]


NAMES = ["../evil.jpg", "a/../../evil.jpg", "/tmp/evil.jpg", "a\\..\\evil.jpg", "C:/evil.jpg", "c:evil.jpg"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_leads_out_of_a_zip(tmp_path: Path, target: Path, name: str) -> None:
    refused(zipped(tmp_path / "a.zip", ("good.jpg", b"1"), (name, b"2")), target, "leads out of the folder")


@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_leads_out_of_a_tar(tmp_path: Path, target: Path, name: str) -> None:
    refused(tarred(tmp_path / "a.tar", ("good.jpg", b"1"), (name, b"2")), target, "leads out of the folder")


@pytest.mark.parametrize(
    "member",
    [
        link("a.jpg", "/etc/passwd"),
        link("a.jpg", "../../etc/passwd"),
        link("a.jpg", "/etc/passwd", tarfile.LNKTYPE),
        link("a.jpg", "../x", tarfile.LNKTYPE),
        device("a.jpg", tarfile.CHRTYPE),
        device("a.jpg", tarfile.BLKTYPE),
        device("a.jpg", tarfile.FIFOTYPE),
    ],
    ids=["symlink", "symlink-up", "hardlink", "hardlink-up", "char", "block", "fifo"],
)
def test_links_out_and_devices_of_a_tar(tmp_path: Path, target: Path, member: tuple[tarfile.TarInfo, bytes]) -> None:
    refused(tarred(tmp_path / "a.tar", ("good.jpg", b"1"), member), target, "refused, for")


def test_a_link_inside_is_never_made(tmp_path: Path, target: Path) -> None:
    archive = tarred(tmp_path / "a.tar", ("good.jpg", b"1"), link("other.jpg", "good.jpg"), link("dir", "."))
    assert [entry.file for entry in unpack(archive, target, everything)] == ["good.jpg"]
    assert names_in(target) == ["good.jpg"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600, stat.S_IFIFO | 0o600])
def test_links_and_devices_of_a_zip(tmp_path: Path, target: Path, mode: int) -> None:
    refused(zipped(tmp_path / "a.zip", (zip_entry("a.jpg", mode), b"/etc/passwd")), target, "is a link or a device")


def test_an_encrypted_member(tmp_path: Path, target: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a.jpg", b"1"))
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, target, "is encrypted")


def test_the_same_file_twice(tmp_path: Path, target: Path) -> None:
    refused(tarred(tmp_path / "a.tar", ("a.jpg", b"1"), ("./a.jpg", b"2")), target, "twice")
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zipped(tmp_path / "a.zip", ("a.jpg", b"1"), ("a.jpg", b"2"))
    refused(archive, target, "twice")


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_bomb(tmp_path: Path, target: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLACK", 1000)
    bomb = bytes(10_000_000)
    if form == "zip":
        archive = zipped(tmp_path / "a.zip", ("a.jpg", bomb), form=zipfile.ZIP_DEFLATED)
    else:
        archive = tarred(tmp_path / "a.tar.gz", ("a.jpg", bomb), mode="w:gz")
    refused(archive, target, "unpack to more than")


def test_a_bomb_beside_the_photos_is_none_the_less_one(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLACK", 1000)
    refused(tarred(tmp_path / "a.tgz", ("a.txt", bytes(10_000_000)), mode="w:gz"), target, "unpack to more than")


def test_too_many_files(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MEMBERS", 2)
    refused(zipped(tmp_path / "a.zip", *((f"{i}.jpg", b"") for i in range(3))), target, "more than 2 files")


def test_a_photo_that_is_none_by_its_size(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    refused(zipped(tmp_path / "a.zip", ("a.jpg", bytes(11))), target, "more than the 0 of a photo")


def test_no_photos(tmp_path: Path, target: Path) -> None:
    refused(zipped(tmp_path / "a.zip", ("a.txt", b"1")), target, "expected the data set's photos, found none")


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("cut", [100, 2000, 10_100])
def test_a_damaged_archive(tmp_path: Path, target: Path, make: Callable[..., Path], cut: int) -> None:
    archive = make(tmp_path / "a", ("a.jpg", os.urandom(5000)), ("b.jpg", os.urandom(5000)))
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(FetchError, match="damaged one"):
        unpack(archive, target, everything)


def test_a_flipped_bit_of_a_zip(tmp_path: Path, target: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a.jpg", bytes(5000)))
    data = bytearray(archive.read_bytes())
    data[1000] ^= 1
    archive.write_bytes(data)
    with pytest.raises(FetchError, match="damaged one"):
        unpack(archive, target, everything)


def test_a_folder_that_cannot_be_written(tmp_path: Path, target: Path) -> None:
    (target / "p").write_text("in the way", encoding="utf-8")
    with pytest.raises(FetchError, match="cannot be unpacked"):
        unpack(zipped(tmp_path / "a.zip", ("p/a.jpg", b"1")), target, everything)
