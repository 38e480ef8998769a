"""``hue colorize --engine ray`` on a real cluster of several nodes, all on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import Result

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(900)]

Hue = Callable[..., Result]
Contents = Callable[[], dict[str, bytes]]
OnDisk = Callable[[Path], dict[str, bytes]]
_NODE = {"num_cpus": 1, "object_store_memory": 100_000_000}


@pytest.fixture(scope="module")
def cluster(gate: Any) -> Iterator[Any]:
    """Two nodes of one core each, the driver at the first; workers inherit the way to the S3 server."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install --group cluster")
    from ray.cluster_utils import Cluster

    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_worker_niceness", "0")  # 15 would starve the workers on a busy machine
    head = {**_NODE, "include_dashboard": False}
    found = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    patiently(lambda: found.add_node(**_NODE))
    ray.init(address=found.address, log_to_driver=False, logging_level="error")
    yield found
    ray.shutdown()
    found.shutdown()
    patch.undo()


def patiently(start: Callable[[], Any]) -> Any:
    """Start a node; Ray gives it 30 seconds, which a busy machine may not."""
    for _ in range(5):
        try:
            return start()
        except Exception as error:  # Ray raises no other
            if "timed out during startup" not in str(error):
                raise
    return start()


def summary(result: Result) -> dict[str, int]:
    found: dict[str, int] = json.loads(result.stdout.splitlines()[-1])["summary"]
    return found


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()[:-1]]


def test_bytes_rows_and_reports_are_those_of_one_machine(
    cluster: Any, bucket: str, photos: Callable[[int], Path], hue: Hue, results: Contents, on_disk: OnDisk, store: Any
) -> None:
    folder = photos(24)
    pages = [Image.new("L", (30, 20 + 9 * number), 60 * number) for number in range(3)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:])
    Image.effect_noise((40, 30), 60).convert("RGB").point(lambda v: v * 3 % 256).save(folder / "colour.png")
    (folder / "sub" / "bad.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    for name in ("pages.tif", "colour.png", "sub/bad.jpg", "notes.txt"):
        store.pipe_file(f"{bucket}/in/{name}", (folder / name).read_bytes())
    out = folder.parent / "out"
    near = hue(folder, "-o", out, "--json", "--compare", "--keep-tone")
    report = folder.parent / "report.parquet"
    line = (f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json", "--compare", "--keep-tone", "--engine", "ray")
    far = hue(*line, "--report", report)
    assert (near.exit_code, far.exit_code) == (1, 1), far.output
    assert results() == on_disk(out)
    assert summary(far) | {"seconds": 0} == summary(near) | {"seconds": 0}

    import pyarrow.parquet as pq

    table = pq.read_table(report).to_pylist()
    assert sorted(row["source"] for row in table) == sorted(row["source"] for row in rows(far))
    assert all(len(row["output_sha256"]) == 64 for row in table if row["status"] == "done")

    again = hue(*line)
    assert (summary(again)["done"], summary(again)["skipped"]) == (0, summary(far)["done"] + summary(far)["skipped"])


def test_a_node_that_is_killed_loses_nothing_and_shows_nothing_twice(
    cluster: Any,
    gate: Any,
    bucket: str,
    photos: Callable[[int], Path],
    hue: Hue,
    results: Contents,
    on_disk: OnDisk,
) -> None:
    folder = photos(150)
    assert hue(folder, "-o", folder.parent / "out").exit_code == 0
    third = patiently(lambda: cluster.add_node(**_NODE))

    def kill() -> None:
        end = time.monotonic() + 300
        while time.monotonic() < end and sum(asked.startswith("PUT") for asked in gate.asked) < 30:
            time.sleep(0.05)
        cluster.remove_node(third, allow_graceful=False)

    killer = threading.Thread(target=kill)
    gate.open()
    killer.start()
    far = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--json", "--engine", "ray", "--concurrency", "1:3")
    killer.join()
    assert far.exit_code == 0, far.output
    assert results() == on_disk(folder.parent / "out")
    assert summary(far)["done"] == 150
    assert len({row["source"] for row in rows(far)}) == len(rows(far)) == 150


def test_a_listing_that_is_refused_in_mid_run_is_one_sentence(
    cluster: Any, gate: Any, bucket: str, photos: Callable[[int], Path], hue: Hue
) -> None:
    photos(3)
    gate.refuses = rf"GET /{bucket}\?.*prefix=out(/|%2F)(&|$)"  # not the look at the stamp
    result = hue(f"s3://{bucket}/in", "-o", f"s3://{bucket}/out", "--engine", "ray")
    assert result.exit_code == 1
    assert f"s3://{bucket}/out: cannot be listed (AccessDenied, says the test)" in result.output
    assert "Traceback" not in result.output
