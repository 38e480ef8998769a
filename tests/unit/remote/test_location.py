"""Where photographs lie: read and written whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

from hue_cli.errors import ImageError, MissingExtraError, UsageError
from hue_cli.remote.location import Location, is_url, reason


def test_urls_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_url("s3://bucket/scans")
    assert not is_url("scans/a.jpg")
    assert str(Location.parse("scans/")) == f"{tmp_path}/scans"
    assert str(Location.parse(f"file://{tmp_path}/scans/")) == f"{tmp_path}/scans"
    found = Location.parse("memory://in/")
    assert (str(found), found.name, str(found.below("a/b.png"))) == ("memory:///in", "in", "memory:///in/a/b.png")
    assert found.holds(found.below("a"))
    assert not found.holds(found.at("/inner/a"))
    assert found.is_same(Location.parse("memory:///in"))


def test_unknown_protocols_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"expected s3://, gs://.*found nonsense://"):
        Location.parse("nonsense://bucket/a.jpg")

    def missing(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(MissingExtraError, match=r"'s3fs', which is part of the extra 'remote'.*pip install"):
        Location.parse("s3://bucket/a.jpg")


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_what_is_there_stays_unless_it_is_to_be_replaced(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, kind: str
) -> None:
    place = Location.parse("memory://out/a.jpg" if kind == "memory" else f"file://{tmp_path}/out/a.jpg")
    with pytest.raises(ImageError, match=r"cannot be fetched \(it is not there\)"):
        place.read()
    assert place.write(b"first", replaces=False)
    assert not place.write(b"second", replaces=False)
    assert place.read() == b"first"
    assert place.write(b"third", replaces=True)
    assert (place.read(), place.size()) == (b"third", 5)
    if kind == "file":
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.jpg"]


def test_storage_that_shows_halves_is_written_aside(memory: fsspec.AbstractFileSystem) -> None:
    """A protocol that nobody vouches for: another name first, then renamed."""
    seen: list[str] = []
    inner = memory.pipe_file

    class Slow(type(memory)):  # type: ignore[misc]
        cachable = False

        def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
            seen.append(path.rpartition("/")[2])
            inner(path, value)

    fsspec.register_implementation("slow", Slow, clobber=True)
    place = Location("slow", "/out/a.jpg")
    assert place.write(b"whole", replaces=False)
    assert [name[:5] + name[-5:] for name in seen] == [".hue-.part"]
    assert list(memory.store) == ["/out/a.jpg"]
    assert not place.write(b"again", replaces=False)


def test_reasons_are_short() -> None:
    assert reason(FileNotFoundError("bucket/a")) == "it is not there"
    assert reason(PermissionError("Access Denied")) == "Access Denied"
    assert reason(PermissionError("no")) == "access denied: no"
    assert reason(OSError(28, "No space left on device")) == "No space left on device"
    assert reason(ValueError("first\nsecond")) == "first"
    assert reason(ValueError()) == "ValueError"
