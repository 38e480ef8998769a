"""Help pages: each has an example, examples are valid and the cheap ones run; every kind of terminal can show them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from hue_cli.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
_EXAMPLE = re.compile(r"^ {4}(\S.*\bhue .*|hue .*)$", re.MULTILINE)


def _pages(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _pages(inner, (*words, name))


COMMAND = typer.main.get_command(app)
PAGES = list(_pages(COMMAND))
EXAMPLES = sorted({line for _, page in PAGES for line in _EXAMPLE.findall(page.help or "")})
_CHEAP = ("colorize", "models list", "models info", "models path", "models verify", "data list")


def _arguments(example: str) -> list[str]:
    """Return the words behind ``hue``, as a shell would give them, without pipes."""
    words = shlex.split(example)
    start = words.index("hue") + 1
    ends = [index for index, word in enumerate(words) if word in ("|", ">", "<") and index > start]
    return words[start : min(ends, default=len(words))]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", **more}


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hue_cli", *arguments],
        env=_environment(**environment),
        capture_output=True,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "page"), PAGES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_page_has_an_example_of_its_own(words: tuple[str, ...], page: Any) -> None:
    examples = _EXAMPLE.findall(page.help or "")

    assert any(_arguments(example)[: len(words)] == list(words) for example in examples), page.help


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_lines_that_hue_understands(example: str) -> None:
    command, arguments = COMMAND, _arguments(example)
    while commands := getattr(command, "commands", None):
        command = commands[arguments.pop(0)]

    if "--help" not in arguments:
        command.make_context(example, arguments).close()  # parses and converts, and runs nothing


@pytest.fixture
def album(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    photo = Image.fromarray(np.arange(1024, dtype=np.uint16).astype(np.uint8).reshape(32, 32))
    for name in ("old_photos/a.png", "grandma.jpg", "scans/box/b.tif", "grey.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        photo.save(tmp_path / name)
    shutil.copy(tiny_model, tmp_path / "small.onnx")
    return tmp_path


@pytest.mark.parametrize("example", [each for each in EXAMPLES if " ".join(_arguments(each)).startswith(_CHEAP)])
def test_cheap_examples_work_when_they_are_pasted(album: Path, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_HOME", str(album / "home"))
    if "|" not in example:
        result = CliRunner().invoke(app, _arguments(example))
        assert result.exit_code == 0, result.output
        return
    program = f'hue() {{ "{sys.executable}" -m hue_cli "$@"; }}; set -o pipefail; {example}'
    found = subprocess.run(
        ["bash", "-c", program], cwd=album, env=_environment(), capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert (album / "colour.jpg").stat().st_size > 100


@pytest.mark.parametrize("words", [[], ["colorize"], ["models"]])
def test_a_narrow_terminal_can_show_every_page(words: list[str]) -> None:
    found = _run(*words, "--help", COLUMNS="40", NO_COLOR="1", TERM="dumb")

    assert found.returncode == 0
    assert max(map(len, found.stdout.splitlines())) <= 40


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_terminals_without_unicode_get_question_marks_and_no_traceback(encoding: str, album: Path) -> None:
    for arguments in (["--help"], ["models", "list"], ["colorize", "old_photos/", "--dry-run"]):
        found = _run(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")

        assert found.returncode == 0, found.stderr
        assert "Traceback" not in found.stderr


def test_no_color_is_heeded_where_a_terminal_is() -> None:
    coloured = _run("--help", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="")
    plain = _run("--help", FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1")

    assert re.search(r"\x1b\[(\d+;)?3\dm", coloured.stdout)
    assert not re.search(r"\x1b\[(\d+;)?[349]\d", plain.stdout)


def test_the_version_is_one_line() -> None:
    assert re.fullmatch(r"hue \d+\.\d+\.\d+\n", CliRunner().invoke(app, ["--version"]).stdout)


@pytest.mark.parametrize(
    ("line", "number", "expected"), [("hue col", "1", "colorize"), ("hue colorize -m hue", "3", "hue-s")]
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_models(shell: str, line: str, number: str, expected: str) -> None:
    words = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": number},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    found = _run(_HUE_COMPLETE=f"complete_{shell}", **words[shell])

    assert expected in re.split(r"[\s:\"]+", found.stdout), found.stderr


def test_completion_installs_itself_for_a_shell(tmp_path: Path) -> None:
    found = _run("--install-completion", "bash", HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert found.returncode == 0, found.stderr
    (script,) = (tmp_path / ".bash_completions").glob("hue*")
    assert "_HUE_COMPLETE=complete_bash" in script.read_text(encoding="utf-8")
