"""``hue colorize`` ended early: real signals to the real program."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
FINISHING = "Finishing the photographs in hand; Ctrl-C again drops them."
DROPPING = "Dropping the photographs in hand."
THE_END = "Error: Interrupted. Nothing was left half-written."

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Program:
    """``hue`` in a process of its own, whose standard error is listened to."""

    def __init__(self, *arguments: object, before: str = "", stderr: int = subprocess.PIPE) -> None:
        program = f"{before}\nimport sys\nfrom hue_cli.cli.app import main\nsys.argv[0] = 'hue'\nmain()\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            bufsize=0,
        )
        self.said: list[str] = []
        self._sent: dict[signal.Signals, float] = {}
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stderr or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def hear(self, words: str) -> None:
        """Wait for a line with these words."""
        while True:
            line = self._lines.get(timeout=60)
            assert line is not None, (words, self.said)
            self.said.append(line)
            if words in line:
                return

    def send(self, number: signal.Signals) -> None:
        """Send a signal; twice the same are two requests."""
        time.sleep(max(0.0, self._sent.get(number, -1.0) + 0.6 - time.monotonic()))
        self._sent[number] = time.monotonic()
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        code = self.process.wait(timeout=60)
        self._listener.join()
        while (line := self._lines.get_nowait()) is not None:
            self.said.append(line)
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    begun: list[Program] = []

    def go(*arguments: object, **keywords: Any) -> Program:
        begun.append(Program(*arguments, **keywords))
        return begun[-1]

    yield go
    for program in begun:
        if program.process.poll() is None:
            program.process.kill()
            program.end()


def write_pages(path: Path, pages: int) -> None:
    grey = np.add.outer(np.arange(500), np.arange(600)).astype(np.uint8)
    first, *others = [Image.fromarray(grey)] * pages
    first.save(path, save_all=True, append_images=others, compression="tiff_deflate")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph that is done at once, and one whose pages take long."""
    folder = tmp_path_factory.mktemp("photos")
    Image.new("L", (60, 40), 90).save(folder / "a.png")
    write_pages(folder / "b.tif", 1000)
    return folder


def when_there(folder: Path, pattern: str) -> None:
    end = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert time.monotonic() < end, pattern
        time.sleep(0.01)


def rows(report: Path) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return [(Path(row["source"]).name, row["status"]) for row in found]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("signals", "code", "said"),
    [
        ((signal.SIGINT, signal.SIGINT), 130, [FINISHING, DROPPING, THE_END]),
        ((signal.SIGTERM,), 143, [DROPPING, THE_END]),
        ((signal.SIGINT, signal.SIGTERM), 143, [FINISHING, DROPPING, THE_END]),
    ],
)
@pytest.mark.parametrize("options", [(), ("--batch-size", 2)], ids=["alone", "in batches"])
def test_what_is_in_hand_is_dropped(
    start: Start,
    photos: Path,
    tmp_path: Path,
    tiny_model: Path,
    signals: tuple[signal.Signals, ...],
    code: int,
    said: list[str],
    options: tuple[object, ...],
) -> None:
    new, report = tmp_path / "new", tmp_path / "report.jsonl"
    program = start("colorize", photos, "-o", new, "-m", tiny_model, "-j", 1, "-v", "--report", report, *options)
    program.hear("a.png →")
    when_there(new, ".hue-*.part")
    for number, words in zip(signals, said, strict=False):
        program.send(number)
        program.hear(words)
    assert program.end() == code
    assert names(new) == ["a.png"]
    assert rows(report) == [("a.png", "done")]
    assert [line for line in program.said if line in (FINISHING, DROPPING, THE_END)] == said


def test_photographs_elsewhere_are_dropped_too(start: Start, photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    new, report = tmp_path / "new", tmp_path / "report.jsonl"
    program = start(
        "colorize", f"file://{photos}", "-o", f"file://{new}", "-m", tiny_model, "-j", 1, "-v", "--report", report
    )
    program.hear("a.png →")
    time.sleep(0.5)  # the pages are gathered in memory, where nobody can look
    program.send(signal.SIGTERM)
    assert program.end() == 143
    assert names(new) == [".hue-settings.json", "a.png"]
    assert rows(report) == [("a.png", "done")]
    assert program.said[-1] == THE_END


def test_the_first_ctrl_c_finishes_what_is_in_hand_and_begins_nothing(
    start: Start, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "old").mkdir()
    for name in ("a", "b", "c", "d"):
        write_pages(tmp_path / "old" / f"{name}.tif", 60)
    new, report = tmp_path / "new", tmp_path / "report.jsonl"
    program = start("colorize", tmp_path / "old", "-o", new, "-m", tiny_model, "-j", 1, "--report", report)
    when_there(new, ".hue-*.part")
    program.send(signal.SIGINT)
    program.hear(FINISHING)
    assert not list(new.glob("*.tif")), "it is said before they are finished"
    assert program.end() == 130
    assert names(new) == ["a.tif"]
    assert rows(report) == [("a.tif", "done")]
    assert program.said[-1] == THE_END


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_who_wants_to_hear_nothing_hears_the_end_alone(
    start: Start, photos: Path, tmp_path: Path, tiny_model: Path, option: str
) -> None:
    new = tmp_path / "new"
    program = start("colorize", photos, "-o", new, "-m", tiny_model, "-j", 1, option)
    when_there(new, "a.png")
    when_there(new, ".hue-*.part")
    program.send(signal.SIGTERM)
    assert program.end() == 143
    assert program.said == [THE_END]


def test_the_third_signal_kills(start: Start, photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    stuck = "import time\nfrom hue_cli.infer.steps import Steps\nSteps.encode = lambda *_: time.sleep(60)"
    program = start("colorize", photos / "a.png", "-o", tmp_path / "new.png", "-m", tiny_model, before=stuck)
    when_there(tmp_path, ".hue-*.part")
    for words in (FINISHING, DROPPING):
        program.send(signal.SIGINT)
        program.hear(words)
    program.send(signal.SIGINT)
    assert program.end() == -signal.SIGINT
    assert THE_END not in program.said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pipe_that_says_nothing_is_not_waited_for(
    start: Start, tmp_path: Path, tiny_model: Path, number: signal.Signals, code: int
) -> None:
    program = start("colorize", "-", "-o", tmp_path / "new.png", "-m", tiny_model)
    assert program.process.stdin is not None
    program.process.stdin.write("P" * (1 << 18))  # more than a pipe holds: somebody reads when it has been written
    time.sleep(0.2)  # and waits for more
    program.send(number)
    assert program.end() == code
    assert program.said[-1] == THE_END
    assert names(tmp_path) == []


def write_many(folder: Path, number: int, pages: int) -> None:
    folder.mkdir()
    for each in range(number):
        write_pages(folder / f"{each}.tif", pages)


@pytest.mark.parametrize("number", [None, signal.SIGINT])
@pytest.mark.parametrize("option", ["--json", "-v"])
def test_every_result_is_in_the_report_also_where_nobody_reads(
    start: Start, tmp_path: Path, tiny_model: Path, number: signal.Signals | None, option: str
) -> None:
    write_many(tmp_path / "old", 12, 20)
    new, report = tmp_path / "new", tmp_path / "report.jsonl"
    arguments = ("colorize", tmp_path / "old", "-o", new, "-m", tiny_model, "-j", 4, option, "--report", report)
    program = start(*arguments, stderr=subprocess.STDOUT)  # as with 2>&1
    assert program.process.stdout is not None
    when_there(new, "*.tif")
    program.process.stdout.close()
    if number is not None:
        program.send(number)
    assert program.end() == (1 if number is None else 130)
    assert sorted(rows(report)) == [(name, "done") for name in names(new)]
    assert len(names(new)) < 12


def test_a_signal_that_arrives_doubled_is_one(start: Start, tmp_path: Path, tiny_model: Path) -> None:
    write_many(tmp_path / "old", 3, 60)
    new = tmp_path / "new"
    program = start("colorize", tmp_path / "old", "-o", new, "-m", tiny_model, "-j", 1)
    when_there(new, ".hue-*.part")
    program.send(signal.SIGINT)
    program.hear(FINISHING)
    program.process.send_signal(signal.SIGINT)
    assert program.end() == 130
    assert DROPPING not in program.said
    assert names(new) == ["0.tif"]


def test_a_run_that_ends_before_its_first_photograph_has_not_looked_for_others(
    start: Start, tmp_path: Path, tiny_model: Path
) -> None:
    write_many(tmp_path / "old", 2, 200)
    new = tmp_path / "new"
    program = start("colorize", tmp_path / "old", "-o", new, "-m", tiny_model, "-j", 1)
    when_there(new, ".hue-*.part")
    program.send(signal.SIGTERM)
    assert program.end() == 143
    assert program.said[-2:] == [DROPPING, THE_END]
