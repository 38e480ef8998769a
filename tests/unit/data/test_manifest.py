"""Manifests: written and read back, digests, and what is wrong with the photos or the list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hue_cli.data.manifest import MANIFEST, Manifest, Provenance, make_manifest, read_manifest
from hue_cli.data.splits import Side
from hue_cli.errors import DatasetError

SIDES = {"a.jpg": Side.TRAIN, "deep/b é\udce9.jpg": Side.VAL, "c.jpg": Side.TEST}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for number, file in enumerate(SIDES):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(bytes(number + 1))
    archive = Provenance(url="http://x/a.zip", size=3, sha256="0" * 64, checked="md5:1")
    made = make_manifest("mine", tmp_path, SIDES, "by hand", archives=[archive])
    made.write(tmp_path)
    return made


def test_it_is_read_as_it_was_written(manifest: Manifest) -> None:
    found = read_manifest(manifest.root)
    assert found == manifest
    assert found.counts == {"train": 1, "val": 1, "test": 1}
    assert found.size == 6
    assert found.paths(Side.VAL) == (manifest.root / "deep/b é\udce9.jpg",)
    assert json.loads((manifest.root / MANIFEST).read_text(encoding="utf-8"))["digest"] == manifest.digest


def test_it_moves_with_its_folder(manifest: Manifest, tmp_path: Path) -> None:
    moved = tmp_path.parent / "moved"
    manifest.root.rename(moved)
    found = read_manifest(moved)
    assert found is not None
    assert found.is_whole()
    assert found.digest == manifest.digest


def test_it_may_lie_elsewhere(manifest: Manifest, tmp_path: Path) -> None:
    manifest.write(tmp_path / "elsewhere")
    found = read_manifest(tmp_path / "elsewhere")
    assert found is not None
    assert found.root == manifest.root
    assert found.is_whole()


def test_the_digest_knows_content_and_side(manifest: Manifest) -> None:
    other = make_manifest("mine", manifest.root, {**SIDES, "a.jpg": Side.VAL}, "by hand")
    (manifest.root / "a.jpg").write_bytes(b"x")
    third = make_manifest("mine", manifest.root, SIDES, "by hand")
    assert len({manifest.digest, other.digest, third.digest}) == 3


def test_a_missing_or_shortened_photo_is_noticed_at_once(manifest: Manifest) -> None:
    manifest.check()
    (manifest.root / "a.jpg").write_bytes(b"")
    (manifest.root / "c.jpg").unlink()
    assert manifest.missing() == ["a.jpg", "c.jpg"]
    with pytest.raises(DatasetError, match=r"a\.jpg and 1 more: expected as the manifest of 'mine' says"):
        manifest.check()


def test_a_changed_photo_is_noticed_when_it_is_read(manifest: Manifest) -> None:
    read: list[int] = []
    assert manifest.verify(read.append) == []
    assert sum(read) == 6
    (manifest.root / "c.jpg").write_bytes(b"abc")
    (manifest.root / "a.jpg").unlink()
    assert manifest.verify() == ["a.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"side": "val"', '"side": "train"', "was changed: expected digest"),
        ('"side": "val"', '"side": "new"', "cannot be read"),
        ('"file": "a.jpg"', '"file": "../a.jpg"', "lies outside"),
        ('"file": "a.jpg"', '"file": "/a.jpg"', "lies outside"),
        ('"hue_manifest": 1', '"hue_manifest": 2', "expected a list of photos of version 1, found 2"),
        ('"photos"', '"fotos"', "cannot be read"),
        ("]}", "]", "cannot be read"),
    ],
)
def test_a_damaged_list_is_refused(manifest: Manifest, old: str, new: str, said: str) -> None:
    path = manifest.root / MANIFEST
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DatasetError, match=said):
        read_manifest(manifest.root)


@pytest.mark.parametrize("content", [None, b"", b'{"name": "a web app"}', b"\xff\xfe"])
def test_other_manifests_are_none_of_hue_s(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / MANIFEST).write_bytes(content)
    assert read_manifest(tmp_path) is None


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.jpg: cannot be read"):
        make_manifest("mine", tmp_path, {"gone.jpg": Side.TRAIN}, "by hand")
