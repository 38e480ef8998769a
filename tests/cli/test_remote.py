"""``hue colorize`` with URLs: what one machine would write, elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.remote.stamp import NAME

Hue = Callable[..., Result]
Store = Any  # a file system of fsspec, which has no types


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def memory() -> Iterator[Store]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def hue(tiny_model: Path) -> Hue:
    def run(*arguments: object) -> Result:
        line = ["colorize", *map(str, arguments), "--model", str(tiny_model), "--device", "cpu"]
        return CliRunner().invoke(app, line)

    return run


def fill(folder: Path) -> None:
    """Photographs of several formats, one in colour, one damaged, one that is none."""
    rng = np.random.default_rng(3)
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.png", "sub/c.gif", "sub/c.png", "sub/d e.tif")):
        grey = rng.integers(0, 256, (30 + number, 50), np.uint8)
        Image.fromarray(grey).save(folder / name)
    Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / "colour.png")
    (folder / "sub" / "bad.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")


def upload(folder: Path, system: Store, root: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            system.pipe_file(f"{root}/{path.relative_to(folder)}", path.read_bytes())


def contents(system: Store, root: str) -> dict[str, bytes]:
    return {name[len(root) + 1 :]: system.cat_file(name) for name in system.find(root) if not name.endswith(NAME)}


def contents_on_disk(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OPTIONS = pytest.mark.parametrize(
    "options",
    [(), ("--if-color", "keep", "--compare"), ("--format", "png", "--suffix", "_x", "--strength", "0.7")],
    ids=["plain", "keep-compare", "format-suffix"],
)


@OPTIONS
def test_bytes_and_rows_are_those_of_one_machine(
    hue: Hue, memory: Store, tmp_path: Path, options: tuple[str, ...]
) -> None:
    fill(tmp_path / "in")
    upload(tmp_path / "in", memory, "/in")
    near = hue(tmp_path / "in", "-o", tmp_path / "out", "--json", *options)
    far = hue("memory://in", "-o", "memory://out", "--json", "--report", tmp_path / "r.jsonl", *options)
    assert (near.exit_code, far.exit_code) == (1, 1), far.output
    assert contents(memory, "/out") == contents_on_disk(tmp_path / "out")

    def rows(result: Result, place: str) -> dict[str, tuple[str, object, object]]:
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return {
            line["source"].removeprefix(f"{place}in/"): (line["status"], line["height"], len(line["warnings"]))
            for line in lines
            if "source" in line
        }

    assert rows(far, "memory:///") == rows(near, f"{tmp_path}/")
    assert json.loads(far.stdout.splitlines()[-1])["summary"]["ignored"] == 1
    kept = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert {line["source"] for line in kept} == {f"memory:///in/{name}" for name in rows(far, "memory:///")}
    assert all(line["output_sha256"] for line in kept if line["status"] == "done")


def test_from_here_to_there_and_back(hue: Hue, memory: Store, tmp_path: Path) -> None:
    fill(tmp_path / "in")
    hue(tmp_path / "in", "-o", "memory://out")
    assert set(contents(memory, "/out")) == {"a.jpg", "b.png", "sub/c_gif.png", "sub/c.png", "sub/d e.tif"}
    upload(tmp_path / "in", memory, "/in")
    hue("memory://in/sub/*.png", "-o", tmp_path / "back")
    assert set(contents_on_disk(tmp_path / "back")) == {"c.png", NAME}
    hue("memory://in/a.jpg", "-o", tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"
    result = hue("memory://in/b.png")
    assert result.exit_code == 0, result.output
    assert memory.exists("/in/b_color.png")


def test_resume_skips_what_has_these_settings_and_makes_the_rest(
    hue: Hue, memory: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in")
    upload(tmp_path / "in", memory, "/in")
    hue("memory://in", "-o", "memory://out")
    first = contents(memory, "/out")
    memory.rm("/out/b.png")
    asked: list[str] = []
    inner = type(memory).cat_file

    def noted(self: Store, path: str, *rest: object, **more: object) -> object:
        asked.append(path)
        return inner(self, path, *rest, **more)

    monkeypatch.setattr(type(memory), "cat_file", noted)
    again = hue("memory://in", "-o", "memory://out", "--json")
    monkeypatch.undo()
    assert json.loads(again.stdout.splitlines()[-1])["summary"] | {"seconds": 0} == {
        "done": 1,
        "planned": 0,
        "skipped": 5,
        "failed": 1,
        "ignored": 1,
        "seconds": 0,
    }
    # Nothing is fetched but what is to be done, what has no result, and the stamp.
    assert sorted(asked) == [f"/in/{name}" for name in ("b.png", "colour.png", "sub/bad.jpg")] + [f"/out/{NAME}"]
    assert contents(memory, "/out") == first

    other = hue("memory://in", "-o", "memory://out", "--strength", "0.5", "--dry-run", "--json")
    assert json.loads(other.stdout.splitlines()[-1])["summary"]["planned"] == 7
    other = hue("memory://in", "-o", "memory://out", "--strength", "0.5")
    assert "results of hue with other settings (strength) are made again" in other.output
    assert contents(memory, "/out").keys() == first.keys()
    assert contents(memory, "/out") != first


def test_what_hue_did_not_make_is_left_alone(hue: Hue, memory: Store, tmp_path: Path) -> None:
    fill(tmp_path / "in")
    upload(tmp_path / "in", memory, "/in")
    memory.pipe_file("/out/a.jpg", b"somebody's own")
    for strength in ("1", "0.5"):
        hue("memory://in", "-o", "memory://out", "--strength", strength)
        assert memory.cat_file("/out/a.jpg") == b"somebody's own"
    hue("memory://in", "-o", "memory://out", "--overwrite")
    assert memory.cat_file("/out/a.jpg") != b"somebody's own"


def test_what_another_puts_meanwhile_stays(
    hue: Hue, memory: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in")
    memory.pipe_file("/in/a.jpg", (tmp_path / "in" / "a.jpg").read_bytes())
    inner = type(memory).cat_file

    def put_first(self: object, path: str, *rest: object, **more: object) -> bytes:
        if path == "/in/a.jpg":
            memory.pipe_file("/out/a.jpg", b"another's")
        content: bytes = inner(self, path, *rest, **more)
        return content

    monkeypatch.setattr(type(memory), "cat_file", put_first)
    result = hue("memory://in", "-o", "memory://out")
    assert result.exit_code == 1
    assert "was put there by something else since the run began, and stays" in result.output
    assert memory.cat_file("/out/a.jpg") == b"another's"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("memory://nowhere",), "there is no such file, and no folder with anything in it"),
        (("memory://in", "-o", "memory://in"), "results would lie among their photographs"),
        (("memory://in/sub", "-o", "memory://in"), "results would lie among their photographs"),
        (("memory://in", "-o", "-"), "does not go with URLs"),
        (("memory://in", "--preserve-times"), "does not go with URLs"),
        (("memory://in", "--suffix", "a/b"), "holds no slash"),
        (("memory://in", "--suffix", ""), "would write over the photographs"),
        (("memory://in", "-o", "memory://out.jpg"), "several results need a folder"),
        (("memory://in/a.jpg", "-o", "memory://out.gif"), "hue does not write this format"),
        (("memory://in/a.jpg", "-o", "memory://out.pdf"), "hue does not write this format"),
        (("memory://in", "-o", "memory://out.pdf"), "end it with a slash: memory:///out.pdf/"),
        (("memory://in/sub", "memory://other/sub", "-o", "memory://out"), "Two inputs have one name"),
        (("nonsense://in",), "found nonsense://"),
    ],
)
def test_wrong_lines_are_refused(hue: Hue, memory: Store, tmp_path: Path, line: tuple[str, ...], said: str) -> None:
    fill(tmp_path / "in")
    upload(tmp_path / "in", memory, "/in")
    memory.pipe_file("/other/sub/a.jpg", (tmp_path / "in" / "a.jpg").read_bytes())
    result = hue(*line)
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize("output", ["memory://out.pdf/", "memory://there.pdf"])
def test_a_folder_called_like_a_file_is_one_if_it_is_there_or_that_is_said(
    hue: Hue, memory: Store, tmp_path: Path, output: str
) -> None:
    fill(tmp_path / "in")
    upload(tmp_path / "in", memory, "/in")
    memory.pipe_file("/there.pdf/notes.txt", b"")
    assert hue("memory://in/a.jpg", "-o", output).exit_code == 0
    assert memory.exists(f"/{output.removeprefix('memory://').rstrip('/')}/a.jpg")


def test_results_within_the_photographs_folder_are_no_photographs(hue: Hue, memory: Store) -> None:
    stream = io.BytesIO()
    Image.new("L", (30, 40), 90).save(stream, "PNG")
    memory.pipe_file("/in/a.png", stream.getvalue())
    for _ in range(2):
        assert hue("memory://in", "-o", "memory://in/colour").exit_code == 0
    assert list(contents(memory, "/in")) == ["a.png", "colour/a.png"]


def test_names_that_lead_out_of_their_folder_have_no_result(hue: Hue, memory: Store, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("L", (30, 40), 90).save(stream, "PNG")
    memory.pipe_file("/in/a.png", stream.getvalue())
    memory.store["/in/../../evil.png"] = memory.store["/in/a.png"]
    result = hue("memory://in", "-o", tmp_path / "deep" / "out")
    assert result.exit_code == 1
    assert "its name leads out of its folder" in result.output
    assert [path.name for path in tmp_path.rglob("*.png")] == ["a.png"]
