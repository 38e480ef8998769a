"""Listings stream: what is held does not grow with what is there."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from hue_cli.errors import HueError
from hue_cli.remote.listing import Entry, entries, look_at
from hue_cli.remote.location import Location
from hue_cli.remote.naming import Namer
from hue_cli.remote.stamp import Found, Results, Stamp

_PAGE = 1000
_THEN = datetime(2026, 1, 2, tzinfo=UTC)


class FakeS3:
    """A bucket of so many photographs, invented a page at a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[str] = []

    def call_s3(self, method: str, **asked: str) -> dict[str, Any]:
        assert (method, asked["Bucket"]) == ("list_objects_v2", "bucket")
        self.asked.append(asked["Prefix"])
        start = int(asked.get("ContinuationToken", "0"))
        end = min(start + _PAGE, self.count)
        found = [{"Key": f"{asked['Prefix']}{n:09}.jpg", "Size": n, "LastModified": _THEN} for n in range(start, end)]
        return {"Contents": found, "IsTruncated": end < self.count, "NextContinuationToken": str(end)}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3(3)
    monkeypatch.setattr(Location, "system", property(lambda _: fake))
    return fake


def peak_of(walked: Iterable[object]) -> int:
    tracemalloc.start()
    for _ in walked:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_bucket_is_listed_in_pages(bucket: FakeS3) -> None:
    bucket.count = 2500
    found = list(entries(Location("s3", "bucket/scans")))
    assert [entry.path for entry in found[:2]] == ["bucket/scans/000000000.jpg", "bucket/scans/000000001.jpg"]
    assert len(found) == 2500
    assert found[7] == Entry("bucket/scans/000000007.jpg", 7, _THEN.timestamp())
    assert bucket.asked == ["scans/"] * 3


def test_memory_is_flat_from_listing_to_name(bucket: FakeS3) -> None:
    """Ten times as many photographs: the same few pages in memory."""

    def names(count: int) -> Iterable[object]:
        bucket.count = count
        return Namer("bucket/scans", "", None).name(entries(Location("s3", "bucket/scans")))

    few, many = peak_of(names(3_000)), peak_of(names(30_000))
    assert many < 1.1 * few + 10_000
    assert many < 2_000_000


def test_what_is_done_costs_eight_bytes_each() -> None:
    stamp = Stamp(digest="", since=5.0, first=1.0, facts={})
    count = 50_000
    tracemalloc.start()
    results = Results((Entry(f"b/{n}.jpg", 1, float(n % 10)) for n in range(count)), stamp)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(results) == count
    assert size < 10 * count
    assert [results.find(f"b/{n}.jpg") for n in (0, 1, 2, 5, 6)] == [
        Found.FOREIGN,
        Found.FOREIGN,
        Found.OTHER,
        Found.OTHER,
        Found.DONE,
    ]
    assert results.find("b/none.jpg") is Found.ABSENT
    assert Results([], None).find("b/0.jpg") is Found.ABSENT
    assert Results([Entry("b/0.jpg", 1, 9.0)], None).find("b/0.jpg") is Found.FOREIGN


def test_other_storage_is_listed_a_folder_at_a_time(memory: fsspec.AbstractFileSystem) -> None:
    for name in ("b.png", "a/z.png", "a/b/c.png", "a.png"):
        memory.pipe_file(f"/in/{name}", b"x")
    found = [entry.path for entry in entries(Location.parse("memory://in"))]
    assert found == ["/in/a.png", "/in/b.png", "/in/a/z.png", "/in/a/b/c.png"]
    assert list(entries(Location.parse("memory://nowhere"))) == []


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"x")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    assert [entry.path for entry in entries(Location.parse(f"file://{tmp_path}/in"))] == [f"{tmp_path}/in/a.png"]


def test_a_storage_that_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def call_s3(self, *_: Any, **__: Any) -> None:
            raise PermissionError("Access Denied")

        def info(self, _: str) -> None:
            raise PermissionError("Forbidden")

    monkeypatch.setattr(Location, "system", property(lambda _: Closed()))
    with pytest.raises(HueError, match=r"^s3://bucket/scans: cannot be listed \(Access Denied\)\. Check its name"):
        list(entries(Location("s3", "bucket/scans")))
    with pytest.raises(HueError, match="cannot be looked at"):
        look_at(Location("s3", "bucket/scans"))
