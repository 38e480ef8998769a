"""Which files are colorized and where results go."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hue_cli.errors import UsageError
from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.mark import Provenance
from hue_cli.images.photo import EXTENSIONS
from hue_cli.infer.claim import claim
from hue_cli.infer.job import Job, Row, Skip, Status
from hue_cli.infer.naming import Naming
from hue_cli.infer.plan import Plan


def made(folder: Path, *names: str) -> None:
    """Write pictures as hue does."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            made = Provenance(model="tiny", digest="0" * 64, version="0.1.0")
            encoding = Encoding(image_format=EXTENSIONS[path.suffix], provenance=made)
            encode(Picture(rgb=np.zeros((2, 2, 3), np.uint8)), stream, encoding)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def steps(*inputs: Path | str, **naming: object) -> list[Job | Row]:
    return list(Plan.make([str(path) for path in inputs], Naming(**naming)).steps())  # type: ignore[arg-type]


def outputs(*inputs: Path | str, **naming: object) -> dict[str, str]:
    """Names of the sources and, for jobs, paths of the outputs."""
    return {step.source.name: str(step.output) for step in steps(*inputs, **naming) if isinstance(step, Job)}


def statuses(*inputs: Path | str, **naming: object) -> dict[str, Status]:
    return {Path(step.source).name: step.status for step in steps(*inputs, **naming) if isinstance(step, Row)}


def test_a_folder_is_mirrored_beside_itself_and_other_files_are_counted(tmp_path: Path) -> None:
    old = tmp_path / "old_photos"
    touch(old, "a.jpg", "below/deep/b.TIF", "below/c.gif", "notes.txt", ".hidden", "d.pgm")
    plan = Plan.make([str(old)], Naming())
    found = {str(Path(step.source).relative_to(old)): str(step.output) for step in plan.steps()}
    new = tmp_path / "old_photos_color"
    assert found == {
        "a.jpg": str(new / "a.jpg"),
        "d.pgm": str(new / "d.ppm"),
        str(Path("below/deep/b.TIF")): str(new / "below/deep/b.TIF"),
        str(Path("below/c.gif")): str(new / "below/c.png"),
    }
    assert plan.ignored == 2
    assert plan.count() == 4


def test_pictures_of_formats_that_hue_does_not_read_are_left_out_with_a_row(tmp_path: Path) -> None:
    touch(tmp_path / "old", "a.jpg", "b.PSD", "below/c.nef", "notes.txt")
    for given in (tmp_path / "old", tmp_path / "old" / "**" / "*"):
        plan = Plan.make([str(given)], Naming(output=tmp_path / "out"))
        rows = [step for step in plan.steps() if isinstance(step, Row)]
        assert {Path(row.source).name: (row.status, row.skip) for row in rows} == {
            "b.PSD": (Status.SKIPPED, Skip.FORMAT),
            "c.nef": (Status.SKIPPED, Skip.FORMAT),
        }
        assert plan.ignored == 1
        assert plan.count() == 3


def test_a_trailing_slash_and_a_dot_name_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "in", "a.jpg")
    monkeypatch.chdir(tmp_path / "in")
    assert outputs(".") == {"a.jpg": str(tmp_path / "in_color" / "a.jpg")}
    monkeypatch.chdir(tmp_path)
    assert outputs("in/") == {"a.jpg": str(Path("in_color/a.jpg"))}


def test_files_go_beside_themselves_or_into_a_folder_or_into_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.png")
    a, b = tmp_path / "a.jpg", tmp_path / "b.png"
    assert outputs(a, b) == {"a.jpg": str(tmp_path / "a_color.jpg"), "b.png": str(tmp_path / "b_color.png")}
    assert outputs(a, b, suffix="-tinted")["a.jpg"] == str(tmp_path / "a-tinted.jpg")
    assert outputs(a, b, output=tmp_path / "out")["b.png"] == str(tmp_path / "out" / "b.png")
    assert outputs(a, output=tmp_path / "new.webp") == {"a.jpg": str(tmp_path / "new.webp")}
    assert outputs(a, b, extension=".webp")["a.jpg"] == str(tmp_path / "a_color.webp")


def test_several_folders_get_a_folder_each(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.jpg", "y/a.jpg", "b.jpg")
    out = tmp_path / "out"
    found = [str(s.output) for s in steps(tmp_path / "x", tmp_path / "y", tmp_path / "b.jpg", output=out)]
    assert found == [str(out / "b.jpg"), str(out / "x" / "a.jpg"), str(out / "y" / "a.jpg")]


def test_patterns_that_no_shell_expanded(tmp_path: Path) -> None:
    touch(tmp_path, "scans/a.tif", "scans/deep/b.tif", "scans/deep/c.txt")
    assert set(outputs(str(tmp_path / "scans" / "**" / "*"), output=tmp_path / "o")) >= {"a.tif", "b.tif"}
    assert set(outputs(str(tmp_path / "scans" / "**" / "*.tif"))) == {"a.tif", "b.tif"}


def test_brackets_in_a_name_are_no_pattern_where_the_file_exists(tmp_path: Path) -> None:
    touch(tmp_path, "a [1].jpg")
    assert outputs(tmp_path / "a [1].jpg") == {"a [1].jpg": str(tmp_path / "a [1]_color.jpg")}


@pytest.mark.parametrize("folder", ["photos.2024", "v1.5", "Mr. Smith", "scans.old", ".hidden", "here.pdf", "here.jpg"])
def test_a_dot_makes_no_file_of_a_folder(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "a.jpg", "here.pdf/x.txt", "here.jpg/x.txt")
    (step,) = steps(tmp_path / "a.jpg", output=tmp_path / folder)
    assert step.output == tmp_path / folder / "a.jpg"


@pytest.mark.parametrize("folder", ["new.pdf", "new.jpg"])
def test_a_slash_makes_a_folder_of_any_name(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "in/a.jpg", "in/b.jpg")
    for inputs in (["in"], ["in/a.jpg"], ["in/a.jpg", "in/b.jpg"]):
        for step in steps(*(tmp_path / each for each in inputs), output=tmp_path / folder, output_is_folder=True):
            assert Path(str(step.output)).parent == tmp_path / folder


@pytest.mark.parametrize(
    ("inputs", "naming", "message"),
    [
        (["absent.jpg"], {}, "no such file or folder"),
        (["a.jpg"], {"suffix": ""}, "would write over"),
        (["a.jpg"], {"suffix": "x/y"}, "holds no slash"),
        (["a.jpg"], {"output": Path("new.gif")}, "does not write this format"),
        (["a.jpg"], {"output": Path("new.pdf")}, "It writes: .jpg, .*meant, end it with a slash: new.pdf/"),
        (["a.jpg"], {"output": Path("in/new.JXL")}, "does not write this format"),
        (["a.jpg"], {"output": Path("new.svgz")}, "does not write this format"),
        (["a.jpg"], {"output": Path("a.tar.gz")}, "does not write this format"),
        (["in"], {"output": Path("new.zip")}, "is a file's name.*meant, end it with a slash: new.zip/"),
        (["a.jpg", "b.jpg"], {"output": Path("b.jpg")}, "several results need a folder"),
        (["a.jpg"], {"output": Path("new.png"), "extension": ".jpg"}, "the name for another"),
        (["/"], {}, "name an output folder"),
        (["in"], {"output": Path("in")}, "written over their photographs"),
        (["in", "b.jpg"], {"output": Path("x7.jpg")}, "is a file's name"),
        (["in"], {"output": Path("x7.jpg")}, "is a file's name"),
        (["in", "in2"], {"output": Path()}, "written over their photographs"),
    ],
)
def test_what_cannot_work_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[str], naming: dict[str, object], message: str
) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "in/a.jpg", "in2/a.jpg")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        steps(*inputs, **naming)


def test_what_is_done_is_skipped_and_what_is_older_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "a_color.jpg", "b_color.jpg")
    os.utime(tmp_path / "a_color.jpg", (1, 1))
    rows = [step for step in steps(tmp_path / "a.jpg", tmp_path / "b.jpg") if isinstance(step, Row)]
    assert [(row.status, row.stale) for row in rows] == [(Status.SKIPPED, True), (Status.SKIPPED, False)]
    assert set(outputs(tmp_path / "a.jpg", tmp_path / "b.jpg", overwrite=True)) == {"a.jpg", "b.jpg"}


def test_a_missing_comparison_is_made_without_writing_the_result_again(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a_color.jpg")
    (job,) = steps(tmp_path / "a.jpg", compare=True)
    assert isinstance(job, Job)
    assert job.keeps_output
    assert job.compare == tmp_path / "a_color_compare.jpg"


def test_a_comparison_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a_color_compare.jpg")
    (job,) = steps(tmp_path / "a.jpg", compare=True)
    assert isinstance(job, Job)
    assert job.compare is None


def test_a_second_run_over_a_pattern_leaves_the_first_ones_results_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.gif", "c_color.jpg", "d.bmp", "d_color.bmp")
    made(tmp_path, "a_color.jpg", "a_color_compare.jpg", "b_color.png")
    assert set(outputs(str(tmp_path / "*"), overwrite=True)) == {"a.jpg", "b.gif", "c_color.jpg"}
    skips = {Path(row.source).name: row.skip for row in steps(str(tmp_path / "*")) if isinstance(row, Row)}
    # A bitmap has no place for the mark, so its name has to do.
    own = ("a_color.jpg", "a_color_compare.jpg", "b_color.png", "d_color.bmp")
    assert skips == dict.fromkeys(own, Skip.OWN) | dict.fromkeys(("a.jpg", "b.gif", "d.bmp"), Skip.EXISTS)
    assert outputs(tmp_path / "a_color.jpg") == {"a_color.jpg": str(tmp_path / "a_color_color.jpg")}


def test_a_photograph_that_is_only_named_like_a_result_is_colorized_and_never_lost(tmp_path: Path) -> None:
    touch(tmp_path, "flag.jpg", "flag_color.jpg")
    assert outputs(str(tmp_path / "*.jpg")) == {"flag_color.jpg": str(tmp_path / "flag_color_color.jpg")}
    found = steps(str(tmp_path / "*.jpg"), overwrite=True)
    assert [type(step) for step in found] == [Row, Job]
    assert "would write over a photograph" in found[0].message  # type: ignore[union-attr]


def test_a_second_run_over_a_pattern_of_folders_leaves_the_first_ones_results_alone(tmp_path: Path) -> None:
    touch(tmp_path, "x1/a.jpg", "x1_color/mine.jpg", "x2/deep/b.bmp", "x2_color/deep/b.bmp")
    made(tmp_path, "x1_color/a.jpg")
    assert outputs(str(tmp_path / "x*")) == {"mine.jpg": str(tmp_path / "x1_color_color/mine.jpg")}
    assert outputs(str(tmp_path / "x*"), overwrite=True) == {
        "a.jpg": str(tmp_path / "x1_color/a.jpg"),
        "mine.jpg": str(tmp_path / "x1_color_color/mine.jpg"),
    }
    # Nothing proves whose the bitmap among the results is, so it stays.
    assert (tmp_path / "x2/deep/b.bmp", Status.FAILED) in [
        (row.source, row.status) for row in steps(str(tmp_path / "x*"), overwrite=True) if isinstance(row, Row)
    ]
    # Below the folder above them, too; named alone it is what the user means.
    assert outputs(tmp_path, output=tmp_path.with_name("o")).keys() == {"a.jpg", "mine.jpg", "b.bmp"}
    assert outputs(tmp_path / "x1_color").keys() == {"a.jpg", "mine.jpg"}


def test_equal_names_in_other_formats_get_results_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.gif", "a.png", "b.bmp", "b.jpg", "b.tif")
    kept = outputs(tmp_path / "in", output=tmp_path / "out")
    assert sorted(Path(path).name for path in kept.values()) == ["a.png", "a_gif.png", "b.bmp", "b.jpg", "b.tif"]
    same = outputs(tmp_path / "in", output=tmp_path / "out", extension=".png")
    assert len(set(same.values())) == 5
    assert same["a.png"] == str(tmp_path / "out" / "a.png")


@pytest.mark.parametrize("naming", [{"extension": ".webp"}, {"suffix": "-"}])
def test_names_as_long_as_can_be_get_a_plan(tmp_path: Path, naming: dict[str, object]) -> None:
    name = f"{'я' * 125}-.gif"  # 255 bytes
    touch(tmp_path / "in", name)
    assert outputs(tmp_path / "in", output=tmp_path / "out", **naming).keys() == {name}


def test_a_pattern_is_mirrored_below_what_it_leaves_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "sc/a/p.png", "sc/b/p.png", "sc/p.png", "sc/b/c/q.png")
    monkeypatch.chdir(tmp_path)
    out = Path("coloured")
    everything = {str(out / name) for name in ("a/p.png", "b/p.png", "p.png", "b/c/q.png")}
    for pattern in ("sc/**/*.png", "sc/**/*", "sc/**", "./sc/**/*.png", str(tmp_path / "sc/**/*.png")):
        found = steps(pattern, output=out)
        assert {str(step.output) for step in found} == everything, pattern
        assert all(isinstance(step, Job) for step in found), pattern
    assert {str(step.output) for step in steps("s?/b/*.png", output=out)} == {str(out / "sc/b/p.png")}


def test_each_photograph_is_done_once_however_often_it_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/sub/b.jpg")
    a = tmp_path / "in" / "a.jpg"
    found = steps(a, a, tmp_path / "in", tmp_path / "in" / "sub", output=tmp_path / "out")
    assert [Path(step.source).name for step in found] == ["a.jpg", "b.jpg"]
    assert all(isinstance(step, Job) for step in found)


def test_the_remedy_for_a_clash_of_names_helps(tmp_path: Path) -> None:
    touch(tmp_path, "in/A.jpg", "in/a.jpg", "in/b.gif", "in/b.png", "in/b_gif.png")
    rows = [step for step in steps(tmp_path / "in") if isinstance(step, Row)]
    assert [Path(row.source).name for row in rows] == ["a.jpg", "b_gif.png"]
    assert str(tmp_path / "in/b.gif") in rows[1].message
    for row in rows:
        assert "Rename one of the two, or colorize this one in a run of its own, with another --output" in row.message
        assert outputs(row.source, output=tmp_path / "other").keys() == {Path(row.source).name}


def test_two_photographs_for_one_name_are_an_error_for_the_second(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.jpg", "y/a.jpg")
    first, second = steps(tmp_path / "x/a.jpg", tmp_path / "y/a.jpg", output=tmp_path / "out")
    assert isinstance(first, Job)
    assert isinstance(second, Row)
    assert second.status is Status.FAILED
    assert "would be called" in second.message


def test_no_photograph_is_ever_written_over(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/in/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    everything = {Status.FAILED}
    for output in ("in", "link"):
        with pytest.raises(UsageError, match="written over their photographs"):
            steps(tmp_path / "in", output=tmp_path / output, overwrite=True)
    # in/in/a.jpg would become in/a.jpg.
    found = steps(tmp_path / "in", output=tmp_path, overwrite=True)
    assert all(step.output != tmp_path / "in" / "a.jpg" for step in found if isinstance(step, Job))
    assert set(statuses(tmp_path / "in/a.jpg", output=tmp_path / "in/a.jpg", overwrite=True).values()) == everything


def test_results_below_the_photographs_are_not_walked(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/sub/b.jpg")
    made(tmp_path / "in", "out/a.jpg", "out/sub/a.jpg", "out/notes.png")
    out = tmp_path / "in" / "out"
    assert outputs(tmp_path / "in", output=out, overwrite=True) == {
        "a.jpg": str(out / "a.jpg"),
        "b.jpg": str(out / "sub" / "b.jpg"),
    }
    assert outputs(tmp_path / "in", tmp_path / "in" / "sub", output=out, overwrite=True).keys() == {"a.jpg", "b.jpg"}


def test_a_folder_of_originals_among_the_photographs_takes_no_results(tmp_path: Path) -> None:
    touch(tmp_path, "wlk/rocket.jpg", "wlk/best/rocket.jpg")
    made(tmp_path, "wlk/best/made.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "wlk" / "best")
    for output in ("wlk/best", "link"):
        for overwrite in (False, True):
            with pytest.raises(UsageError, match=r"pictures without hue's mark, such as .*best.rocket\.jpg"):
                steps(tmp_path / "wlk", output=tmp_path / output, overwrite=overwrite)
    # Where the originals are named one by one, each of them is kept.
    best = tmp_path / "wlk" / "best"
    found = statuses(tmp_path / "wlk/rocket.jpg", best / "rocket.jpg", output=best, overwrite=True)
    assert found == {"rocket.jpg": Status.FAILED}


def test_what_only_looks_like_a_file_gets_a_row(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "else/b.jpg")
    (tmp_path / "in/dangling.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "in/fifo.jpg")
    (tmp_path / "in/linked").symlink_to(tmp_path / "else")
    found = steps(tmp_path / "in")
    assert {step.source.name for step in found if isinstance(step, Job)} == {"a.jpg", "dangling.jpg", "fifo.jpg"}
    (row,) = [step for step in found if isinstance(step, Row)]
    assert (Path(row.source).name, row.skip) == ("linked", Skip.LINK)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/locked/b.jpg")
    (tmp_path / "in/locked").chmod(0)
    assert statuses(tmp_path / "in") == {"locked": Status.FAILED}


def test_a_tree_deeper_than_calls_may_be_is_walked(tmp_path: Path) -> None:
    depth = 200
    folder = tmp_path.joinpath("in", *"d" * depth)
    for parent in reversed([folder, *folder.parents[:depth]]):
        parent.mkdir()
    touch(folder, "a.jpg")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + depth // 2)
    try:
        (job,) = steps(tmp_path / "in", output=tmp_path / "out")
        assert isinstance(job, Job)
        held = claim(job.output)
    finally:
        sys.setrecursionlimit(limit)
    assert held is not None
    assert len(held.made) == depth + 1
    held.release()
