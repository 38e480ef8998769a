"""Half a file never stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hue_cli.errors import ImageError
from hue_cli.images.lock import try_lock
from hue_cli.images.write import remove_stale_parts, replacing


def test_a_part_that_is_not_ours_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if another hue drew the same name, it can go on writing."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "1234")
    part = tmp_path / ".hue-1234.part"
    part.write_bytes(b"another run's")
    with pytest.raises(ImageError, match="cannot be written"), replacing(tmp_path / "a.png"):
        pass
    assert part.read_bytes() == b"another run's"


def test_two_runs_with_one_number_write_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 7)
    with replacing(tmp_path / "a.png") as one, replacing(tmp_path / "a.png") as two:
        one.write(b"one")
        two.write(b"two")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"one"]


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "below" / "a.png"
    for content in (b"old", b"new"):
        with replacing(path) as stream:
            stream.write(content)
            assert not path.exists() or path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [found.name for found in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_a_block_that_fails_leaves_nothing_and_touches_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.png"]


def test_a_photograph_that_vanished_before_its_times_were_taken_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    named = pytest.raises(ImageError, match=r"gone\.png: its times cannot be read")
    with named, replacing(tmp_path / "a.png", times_of=gone) as stream:
        stream.write(b"new")
    assert not list(tmp_path.iterdir())


def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("ж" * 125 + ".png")
    with replacing(path) as stream:
        stream.write(b"whole")
    assert path.read_bytes() == b"whole"


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(ImageError, match="cannot be written"), replacing(tmp_path / "a" / "b.png"):
        pass


def test_parts_of_killed_runs_are_removed_at_once_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    (tmp_path / ".hue-1-0.part").write_bytes(b"half")
    (tmp_path / "mine.part").write_bytes(b"")
    with replacing(tmp_path / "a.png") as stream:
        remove_stale_parts(tmp_path)
        stream.write(b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.png": b"whole", "mine.part": b""}


def test_without_locks_parts_are_removed_once_they_are_an_hour_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hue_cli.images.lock.try_lock", lambda _: None)
    old, young = tmp_path / ".hue-1-0.part", tmp_path / ".hue-2-0.part"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 7200,) * 2)
    remove_stale_parts(tmp_path)
    assert list(tmp_path.iterdir()) == [young]


def test_a_part_that_was_taken_for_abandoned_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep may come between the making of a part and its lock."""
    sweeps = iter([True, False])

    def swept(descriptor: int) -> bool | None:
        if next(sweeps, False):
            for part in tmp_path.iterdir():
                part.unlink()
        return try_lock(descriptor)

    monkeypatch.setattr("hue_cli.images.write.try_lock", swept)
    with replacing(tmp_path / "a.png") as stream:
        stream.write(b"whole")
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_a_file_gets_the_times_of_another(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"")
    os.utime(tmp_path / "old", ns=(1_000_000_000, 2_000_000_007))
    with replacing(tmp_path / "new", times_of=tmp_path / "old") as stream:
        stream.write(b"whole")
    assert (tmp_path / "new").stat().st_mtime_ns == 2_000_000_007
