"""``hue colorize`` against a real S3 server: whole objects, one listing, patience, clear refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from hue_cli.remote.location import Location

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

Hue = Callable[..., Result]
Contents = Callable[[], dict[str, bytes]]


def summary(result: Result) -> dict[str, int]:
    found: dict[str, int] = json.loads(result.stdout.splitlines()[-1])["summary"]
    return found


def test_a_bucket_is_colorized_as_a_folder_and_gone_on_with(
    gate: Any,
    bucket: str,
    photos: Callable[[int], Path],
    hue: Hue,
    results: Contents,
    on_disk: Callable[[Path], dict[str, bytes]],
    store: Any,
    tmp_path: Path,
) -> None:
    folder = photos(30)
    assert hue(folder, "-o", tmp_path / "out").exit_code == 0
    first = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json")
    assert first.exit_code == 0, first.output
    assert results() == on_disk(tmp_path / "out")

    store.rm(f"{bucket}/out/0004.png")
    gate.open()
    again = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json")
    assert (summary(again)["done"], summary(again)["skipped"]) == (1, 29)
    # Looks at both ends and the stamp, one listing each, and what is missing: no request for each photograph.
    assert len(gate.asked) < 15, gate.asked
    assert [asked for asked in gate.asked if asked.startswith("PUT")] == [f"PUT /{bucket}/out/0004.png"]
    assert results() == on_disk(tmp_path / "out")


def test_a_bucket_that_throttles_is_asked_again(
    gate: Any, bucket: str, photos: Callable[[int], Path], hue: Hue, results: Contents
) -> None:
    photos(6)
    gate.throttles = 2
    result = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json")
    assert (result.exit_code, summary(result)["done"]) == (0, 6), result.output
    assert len(results()) == 6


def test_what_a_bucket_refuses_is_a_row(
    gate: Any, bucket: str, photos: Callable[[int], Path], hue: Hue, results: Contents
) -> None:
    photos(6)
    gate.refuses = rf"GET /{bucket}/in/0000|PUT /{bucket}/out/0002"
    result = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json")
    assert (result.exit_code, summary(result)["done"], summary(result)["failed"]) == (1, 4, 2), result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    messages = sorted(row["message"] for row in rows if row["status"] == "failed")
    assert messages == [
        f"s3://{bucket}/in/0000.jpg: cannot be fetched (AccessDenied, says the test).",
        f"s3://{bucket}/out/0002.tif: cannot be written (AccessDenied, says the test).",
    ]
    gate.open()
    assert hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out").exit_code == 0
    assert len(results()) == 6


@pytest.mark.parametrize("refused", [r"GET /{}\?", "PUT /{}/out/.hue"], ids=["listing", "stamp"])
def test_a_bucket_that_refuses_altogether_is_one_sentence(
    gate: Any, bucket: str, photos: Callable[[int], Path], hue: Hue, refused: str
) -> None:
    photos(2)
    gate.refuses = refused.format(bucket)
    result = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out")
    assert result.exit_code == 1
    assert "AccessDenied, says the test" in result.output
    assert len(result.output.splitlines()) <= 2, result.output


def test_what_comes_meanwhile_is_not_written_over(
    bucket: str, photos: Callable[[int], Path], hue: Hue, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run puts the result between the listing and the end of the work."""
    photos(1)
    inner = Location.read

    def put_first(self: Location) -> bytes:
        if self.name == "0000.jpg":
            store.pipe_file(f"{bucket}/out/0000.jpg", b"another's")
        return inner(self)

    monkeypatch.setattr(Location, "read", put_first)
    result = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out")
    assert "was put there by something else since the run began, and stays" in result.output
    assert store.cat_file(f"{bucket}/out/0000.jpg") == b"another's"
