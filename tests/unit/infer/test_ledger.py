"""The report in a file: whole lines, whatever ended the run before."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hue_cli.errors import UsageError
from hue_cli.infer.job import FileFacts, Row, Status
from hue_cli.infer.ledger import Ledger

ROW = Row(source=Path("a.jpg"), output=Path("b.jpg"), status=Status.DONE, source_file=FileFacts(3, "ab"))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_runs_are_appended_and_say_who_made_what_of_what(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    for model in ("one", "two"):
        with closing(Ledger(path, model=model)) as ledger:
            ledger.add(ROW)
            assert len(lines(path)) == 1 + (model == "two")  # written as it goes
    first, second = lines(path)
    assert (first["model"], second["model"]) == ("one", "two")
    assert (first["source"], first["source_bytes"], first["source_sha256"]) == ("a.jpg", 3, "ab")
    assert (first["output_bytes"], first["output_sha256"], first["status"]) == (None, None, "done")


@pytest.mark.parametrize("torn", ['{"time": "2026', '{"' + "x" * 200_000])
def test_a_line_that_was_cut_off_is_removed(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "report.jsonl"
    with closing(Ledger(path)) as ledger:
        ledger.add(ROW)
        with path.open("a") as stream:
            stream.write(torn)
        ledger.add(ROW)
    assert [line["source"] for line in lines(path)] == ["a.jpg", "a.jpg"]
    path.write_text(torn)
    with closing(Ledger(path)) as ledger:
        ledger.add(ROW)
    assert len(lines(path)) == 1


def test_names_that_no_encoding_holds_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    with closing(Ledger(path)) as ledger:
        ledger.add(Row(source=Path("a\udcff\n.jpg"), status=Status.FAILED))
    assert [line["source"] for line in lines(path)] == ["a\udcff\n.jpg"]


def test_what_is_no_report_is_not_written_to(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"\xff\xd8\xff")
    for path, found in ((photo, "holds something else"), (Path("/dev/null"), "no ordinary file")):
        with pytest.raises(UsageError, match=f"{path}: .*{found}"):
            Ledger(path)
    with pytest.raises(UsageError, match="cannot be written"):
        Ledger(tmp_path)
    assert photo.read_bytes() == b"\xff\xd8\xff"


def test_a_full_disk_leaves_whole_lines_and_a_sentence(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hue_cli.infer.job import *; from hue_cli.infer.ledger import *\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "try:\n"
        "    while True: ledger.add(Row(source=Path('a.jpg'), status=Status.DONE))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    path = tmp_path / "report.jsonl"
    found = subprocess.run(
        [sys.executable, "-c", program, path], preexec_fn=limit, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.startswith(f"HueError {path}: the report cannot be continued (")
    assert 1 < len(lines(path)) < 10
