"""Which files are colorized and where results go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hue_cli.errors import UsageError
from hue_cli.infer.plan import Job, Naming, Plan, Row, Status


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
    return {step.source.name: step.status for step in steps(*inputs, **naming) if isinstance(step, Row)}


def test_a_folder_is_mirrored_beside_itself_and_other_files_are_counted(tmp_path: Path) -> None:
    old = tmp_path / "old_photos"
    touch(old, "a.jpg", "below/deep/b.TIF", "below/c.gif", "notes.txt", ".hidden", "d.pgm")
    plan = Plan.make([str(old)], Naming())
    found = {str(step.source.relative_to(old)): str(step.output) for step in plan.steps()}
    new = tmp_path / "old_photos_color"
    assert found == {
        "a.jpg": str(new / "a.jpg"),
        "d.pgm": str(new / "d.ppm"),
        str(Path("below/deep/b.TIF")): str(new / "below/deep/b.TIF"),
        str(Path("below/c.gif")): str(new / "below/c.png"),
    }
    assert plan.ignored == 2
    assert plan.count() == 4


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


@pytest.mark.parametrize(
    ("inputs", "naming", "message"),
    [
        (["absent.jpg"], {}, "no such file or folder"),
        (["a.jpg"], {"suffix": ""}, "would write over"),
        (["a.jpg"], {"suffix": "x/y"}, "holds no slash"),
        (["a.jpg"], {"output": Path("new.gif")}, "does not write this format"),
        (["a.jpg", "b.jpg"], {"output": Path("b.jpg")}, "several results need a folder"),
        (["a.jpg"], {"output": Path("new.png"), "extension": ".jpg"}, "the name for another"),
        (["/"], {}, "name an output folder"),
    ],
)
def test_what_cannot_work_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[str], naming: dict[str, object], message: str
) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
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


def test_a_second_run_over_a_pattern_leaves_the_first_ones_results_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a_color.jpg", "b.gif", "b_color.png", "c_color.jpg")
    assert set(outputs(str(tmp_path / "*"), overwrite=True)) == {"a.jpg", "b.gif", "c_color.jpg"}


def test_equal_names_in_other_formats_get_results_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.gif", "a.png", "b.bmp", "b.jpg", "b.tif")
    kept = outputs(tmp_path / "in", output=tmp_path / "out")
    assert sorted(Path(path).name for path in kept.values()) == ["a.png", "a_gif.png", "b.bmp", "b.jpg", "b.tif"]
    same = outputs(tmp_path / "in", output=tmp_path / "out", extension=".png")
    assert len(set(same.values())) == 5
    assert same["a.png"] == str(tmp_path / "out" / "a.png")


def test_two_photographs_for_one_name_are_an_error_for_the_second(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.jpg", "y/a.jpg")
    first, second = steps(tmp_path / "x/a.jpg", tmp_path / "y/a.jpg", output=tmp_path / "out")
    assert isinstance(first, Job)
    assert isinstance(second, Row)
    assert second.status is Status.FAILED
    assert "already called" in second.message


def test_no_photograph_is_ever_written_over(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/in/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    everything = {Status.FAILED}
    assert set(statuses(tmp_path / "in", output=tmp_path / "in", overwrite=True).values()) == everything
    assert set(statuses(tmp_path / "in", output=tmp_path / "link", overwrite=True).values()) == everything
    # in/in/a.jpg would become in/a.jpg.
    found = steps(tmp_path / "in", output=tmp_path, overwrite=True)
    assert all(step.output != tmp_path / "in" / "a.jpg" for step in found if isinstance(step, Job))
    assert set(statuses(tmp_path / "in/a.jpg", output=tmp_path / "in/a.jpg", overwrite=True).values()) == everything


def test_results_below_the_photographs_are_not_walked(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/out/a.jpg")
    assert outputs(tmp_path / "in", output=tmp_path / "in" / "out", overwrite=True) == {
        "a.jpg": str(tmp_path / "in" / "out" / "a.jpg")
    }


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/locked/b.jpg")
    (tmp_path / "in/locked").chmod(0)
    assert statuses(tmp_path / "in") == {"locked": Status.FAILED}
