"""Docs do what they say: marked snippets run, links lead somewhere, tables are up to date.

A fence ``sh run`` or ``python run`` marks a snippet that runs offline, in an empty folder, with ``hue`` on the path.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(sh|python) run\n(.*?)^```", re.MULTILINE | re.DOTALL)
_DIFF = re.compile(r"^```diff\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")
SNIPPETS = [
    pytest.param(kind, text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, (kind, text) in enumerate(_FENCE.findall(page.read_text(encoding="utf-8")))
]


@pytest.fixture
def hue_on_path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose ``hue`` is this tree's."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "hue"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hue_cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])),
    }


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 4


@pytest.mark.parametrize(("kind", "text"), SNIPPETS)
def test_marked_snippets_run(tmp_path: Path, hue_on_path: dict[str, str], kind: str, text: str) -> None:
    command = ["bash", "-euo", "pipefail", "-c", text] if kind == "sh" else [sys.executable, "-c", text]

    found = subprocess.run(
        command, cwd=tmp_path, env=hue_on_path, capture_output=True, encoding="utf-8", timeout=120, check=False
    )

    assert found.returncode == 0, found.stderr


def _hunks(page: Path) -> Iterator[tuple[str, str]]:
    """What the diffs of a page say that stands in a file now: its path and the lines of each hunk together."""
    for diff in _DIFF.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\+\+\+ ", diff, flags=re.MULTILINE)[1:]:
            path, *hunks = part.split("\n@@\n")
            for hunk in hunks:
                yield path, "\n".join(line[1:] for line in hunk.splitlines() if not line.startswith("-"))


def test_the_diffs_of_an_added_model_are_what_the_code_says() -> None:
    hunks = list(_hunks(ROOT / "docs" / "adding-a-model.md"))

    assert len(hunks) >= 10
    for path, lines in hunks:
        assert lines in (ROOT / path).read_text(encoding="utf-8"), f"{path}:\n{lines}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_table_of_models_is_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, "scripts/readme_models.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stdout


def test_the_page_of_results_is_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, "scripts/results.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert found.returncode == 0, found.stdout + found.stderr


def test_every_room_stands_in_the_picture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "src" / "hue_cli").glob("*/__init__.py")}

    assert rooms <= set(re.findall(r"`(\w+)`", text))


def test_scripts_are_sound_shell() -> None:
    for script in ("scripts/check", "scripts/test", ".ci/run", "weights/train.sh"):
        path = ROOT / script
        assert os.access(path, os.X_OK), script
        assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0, script


def test_every_page_stands_in_the_site_s_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    listed = re.findall(r"[\w/-]+\.md", contents)

    assert sorted(listed) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in PAGES[2:])


@pytest.mark.slow
def test_the_site_can_be_built(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="needs the group docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")]

    found = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)

    assert found.returncode == 0, found.stderr
    assert "From a shoebox to an album" in (tmp_path / "site" / "tutorial.html").read_text(encoding="utf-8")
