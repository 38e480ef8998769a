"""``hue colorize`` when things go wrong around it: nothing is lost, nothing half-written stays, the next goes on."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals, limits and links")


def start(*arguments: object, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """The real program in a process of its own."""
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        [sys.executable, "-m", "hue_cli", "colorize", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=before,  # noqa: PLW1509 - no threads run here
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out + err


def fill(folder: Path, count: int, size: tuple[int, int] = (600, 400)) -> None:
    folder.mkdir()
    Image.fromarray(skimage.data.chelsea()).convert("L").resize(size).save(folder / "000.png", compress_level=1)
    for number in range(1, count):
        shutil.copy(folder / "000.png", folder / f"{number:03}.png")


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def report(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_disk_that_is_full_in_the_middle_of_a_write_keeps_what_was_there(tmp_path: Path, tiny_model: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "old_color"
    old.mkdir()
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400), dtype=np.uint8))
    noise.save(old / "plain.jpg")
    noise.save(old / "progressive.jpg", progressive=True)
    noise.save(old / "finest.jpg", quality=98)
    for kind in ("bmp", "ppm", "png", "tif", "webp"):
        noise.convert("RGB").save(old / f"{kind}.{kind}")
    new.mkdir()
    (new / "progressive.jpg").write_bytes(b"what was there")

    def limit() -> None:  # what is cut short first fails at the next write, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_960, 40_960))

    code, said = finish(start(old, "-m", tiny_model, "--overwrite", before=limit))

    assert code == 1, said
    assert said.count("cannot be written (File too large)") >= 8
    assert {path.name: path.read_bytes() for path in new.iterdir()} == {"progressive.jpg": b"what was there"}


def test_killed_at_any_moment_the_next_run_goes_on(tmp_path: Path, tiny_model: Path) -> None:
    fill(tmp_path / "old", 40)
    new, lines = tmp_path / "old_color", tmp_path / "report.jsonl"
    arguments = (tmp_path / "old", "-m", tiny_model, "--report", lines)
    new.mkdir()
    for wanted in (1, 9):
        process = start(*arguments)
        deadline = time.monotonic() + 60
        while len(list(new.glob("*.png"))) < wanted and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert finish(process)[0] == -signal.SIGKILL
        for path in new.glob("*.png"):
            with Image.open(path) as image:
                image.load()
        assert all(row["status"] in ("done", "skipped") for row in report(lines))
    assert 9 <= len(list(new.glob("*.png"))) < 40

    code, said = finish(start(*arguments))

    assert code == 0, said
    assert {path.name for path in new.iterdir()} == {path.name for path in (tmp_path / "old").iterdir()}
    assert hidden(tmp_path) == []


def test_two_runs_on_one_folder_share_the_work(tmp_path: Path, tiny_model: Path) -> None:
    fill(tmp_path / "old", 40)
    new, lines = tmp_path / "old_color", tmp_path / "report.jsonl"
    both = [start(tmp_path / "old", "-m", tiny_model, "--report", lines) for _ in range(2)]
    for process in both:
        code, said = finish(process)
        assert code == 0, said
    rows = report(lines)
    assert len(rows) == 80
    done = Counter(row["output"] for row in rows if row["status"] == "done")
    assert set(done) == {str(path) for path in new.iterdir()}
    assert set(done.values()) == {1}
    assert len(done) == 40
    for row in rows:
        if row["status"] == "skipped":
            assert "is there already" in row["message"] or "another run of hue is making" in row["message"]


def test_the_report_identifies_every_file(tmp_path: Path, tiny_model: Path) -> None:
    fill(tmp_path / "old", 2)
    (tmp_path / "old" / "bad.jpg").write_bytes(b"no picture")
    lines = tmp_path / "report.jsonl"
    assert finish(start(tmp_path / "old", "-m", tiny_model, "--report", lines, "--strength", "1.5"))[0] == 1
    rows = {Path(row["source"]).name: row for row in report(lines)}
    assert rows.keys() == {"000.png", "001.png", "bad.jpg"}
    for name in ("000.png", "001.png"):
        row = rows[name]
        for kind in ("source", "output"):
            content = Path(row[kind]).read_bytes()
            assert row[f"{kind}_bytes"] == len(content)
            assert row[f"{kind}_sha256"] == hashlib.sha256(content).hexdigest()
        assert (row["height"], row["width"], row["warnings"], row["strength"]) == (400, 600, [], 1.5)
        assert row["model_sha256"] == hashlib.sha256(tiny_model.read_bytes()).hexdigest()
        assert row["seconds"] > 0
    assert (rows["bad.jpg"]["status"], rows["bad.jpg"]["output_sha256"]) == ("failed", None)
    assert "expected a picture" in rows["bad.jpg"]["message"]


def test_a_full_disk_costs_the_files_that_do_not_fit(tmp_path: Path, tiny_model: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    fill(tmp_path / "old", 2, (60, 40))
    noise = np.random.default_rng(0).integers(0, 256, (600, 600), dtype=np.uint8)
    for name in ("large.png", "large.jpg", "large.tif", "large.webp", "large.bmp"):
        Image.fromarray(noise).save(tmp_path / "old" / name)
    deep = noise.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "old" / "deep.png")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    code, said = finish(start(tmp_path / "old", "-m", tiny_model, before=limit))

    new = tmp_path / "old_color"
    assert code == 1
    assert hidden(tmp_path) == []
    for path in (tmp_path / "old").iterdir():
        assert (new / path.name).exists() != (f"{new / path.name}: cannot be written" in said), path.name
    assert not {"large.png", "large.bmp", "deep.png"} & {path.name for path in new.iterdir()}
    assert finish(start(tmp_path / "old", "-m", tiny_model))[0] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_files_and_folders_without_permission_are_named(tmp_path: Path, tiny_model: Path) -> None:
    fill(tmp_path / "old", 3)
    (tmp_path / "old" / "001.png").chmod(0)
    (tmp_path / "old" / "secret").mkdir(mode=0)
    code, said = finish(start(tmp_path / "old", "-m", tiny_model))
    assert (code, said.count("Permission denied")) == (1, 2)
    (tmp_path / "new").mkdir(mode=0o500)
    code, said = finish(start(tmp_path / "old" / "000.png", "-o", tmp_path / "new", "-m", tiny_model))
    assert (code, "cannot be written (Permission denied)" in said) == (1, True)


def test_an_output_that_is_no_folder_fails_before_anything_is_read(tmp_path: Path, tiny_model: Path) -> None:
    fill(tmp_path / "old", 3)
    (tmp_path / "file").touch()
    code, said = finish(start(tmp_path / "old", "-o", tmp_path / "file" / "below", "-m", tiny_model, "--json"))
    rows = [json.loads(line) for line in said.splitlines()][:3]
    assert code == 1
    assert all("cannot be written (Not a directory)" in row["message"] and row["height"] is None for row in rows)


def test_names_of_any_script_and_length_and_loops_of_links(tmp_path: Path, tiny_model: Path) -> None:
    old = tmp_path / "old"
    fill(old, 1, (60, 40))
    whole = [
        "ж" * 125 + "a.png",
        "家族の写真.png",
        "عائلة.png",
        "👩‍👩‍👧 (1).png",
        "e\u0301.png",
        "-o.png",
        "a%20b&c;'\".png",
        " .png",
    ]
    for name in whole:
        shutil.copy(old / "000.png", old / name)
    (old / "loop.png").symlink_to("loop.png")
    (old / "folder").symlink_to(old)
    (old / "gone.png").symlink_to("nowhere.png")
    code, said = finish(start(old, "-m", tiny_model))
    assert code == 1
    assert {path.name for path in (tmp_path / "old_color").iterdir()} == {"000.png", *whole}
    assert "loop.png: the file cannot be read (Too many levels of symbolic links)" in said
    assert "gone.png: the file cannot be read (No such file or directory)" in said
    assert "Did not follow 1 linked folder" in said

    code, said = finish(start(old / whole[0], "-m", tiny_model))
    assert (code, "longer than the file system allows. Name an output folder" in said) == (1, True)


def test_memory_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    """20,000 photographs are planned within a few megabytes more than 200."""
    program = (
        "import resource, sys; from hue_cli.infer.naming import Naming; from hue_cli.infer.plan import Plan\n"
        "plan = Plan.make([sys.argv[1]], Naming())\n"
        "print(sum(1 for _ in plan.steps()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for count in (200, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        (folder / "0.png").touch()
        for number in range(1, count):
            os.link(folder / "0.png", folder / f"{number} holiday.png")
        found = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, check=True, timeout=60)
        planned, peak = map(int, found.stdout.split())
        assert planned == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 12_000  # kilobytes
