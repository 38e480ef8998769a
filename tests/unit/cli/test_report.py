"""What is said, in which mode, and on which stream."""

from __future__ import annotations

import json
import re

import pytest

from hue_cli.cli.report import Mode, Reporter, printable


def say_everything(mode: Mode) -> None:
    report = Reporter(mode)
    report.note("a note")
    report.detail("a detail")
    report.warn("a warning [red]")
    report.error("an error")
    report.result("a result")
    report.table("A table", ["name", "value"], [("x", 0.123456), ("y", None)])
    with report.progress(3, "working") as bar:
        bar.advance(1, loss=0.5)


@pytest.mark.parametrize(
    ("mode", "on_stdout", "on_stderr"),
    [
        (Mode.QUIET, set(), {"a warning", "an error"}),
        (Mode.NORMAL, {"a result", "A table", "0.1235", "–"}, {"a note", "a warning", "an error"}),
        (Mode.VERBOSE, {"a result", "A table"}, {"a note", "a detail", "a warning", "an error"}),
        (Mode.JSON, set(), {"a warning", "an error"}),
    ],
)
def test_modes(capsys: pytest.CaptureFixture[str], mode: Mode, on_stdout: set[str], on_stderr: set[str]) -> None:
    say_everything(mode)
    out, err = capsys.readouterr()
    everything = {"a note", "a detail", "a warning", "an error", "a result", "A table"}
    assert all(text in out for text in on_stdout)
    assert all(text in err for text in on_stderr)
    assert not any(text in out for text in everything - on_stdout)
    assert not any(text in err for text in everything - on_stderr)
    assert "a warning [red]" in err


def test_results_can_leave_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    report = Reporter(results_to_stderr=True)
    report.result("a result")
    report.emit_json({"a": 1})
    out, err = capsys.readouterr()
    assert out == ""
    assert "a result" in err


def test_json_is_one_ascii_line(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter(Mode.JSON).emit_json({"name": "фото\udcff", "n": 1})
    line = capsys.readouterr().out
    assert line.isascii()
    assert json.loads(line) == {"name": "фото\udcff", "n": 1}


def test_choosing_a_mode() -> None:
    assert Mode.choose() is Mode.NORMAL
    assert Mode.choose(quiet=True) is Mode.QUIET
    assert Mode.choose(verbose=True) is Mode.VERBOSE
    assert Mode.choose(quiet=True, json_report=True) is Mode.JSON


def test_text_is_made_safe_for_terminals() -> None:
    assert printable("фото 1") == "фото 1"
    assert printable("a\x1b[31m") == "a\\x1b[31m"
    assert printable("a\udcff") == "a\\udcff"


def test_a_terminal_sees_a_bar_and_lines_above_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    report = Reporter()
    assert report.shows_progress
    with report.progress(2, "Training") as bar:
        bar.advance(1, loss=0.25)
        report.warn("careful")
        bar.advance(1)
    err = capsys.readouterr().err
    assert "Training" in err
    assert "careful" in err
    assert "loss 0.25" in err


def test_a_bar_of_percents_shows_no_rate_of_percents(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Reporter().progress(100, "training", percent=True) as bar:
        for _ in range(3):
            bar.advance(10, photos="47/s")
    err = capsys.readouterr().err
    assert "30%" in err
    assert set(re.findall(r"\S*/s\b", err)) == {"47/s"}
