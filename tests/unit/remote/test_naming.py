"""Results are named as on one machine, from a sorted listing alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hue_cli.infer.job import Job
from hue_cli.infer.naming import Naming
from hue_cli.infer.plan import Plan
from hue_cli.remote.listing import Entry
from hue_cli.remote.naming import Named, Namer


def named(*names: str, suffix: str = "", extension: str | None = None) -> list[Named]:
    return list(Namer("b", suffix, extension).name(Entry(f"b/{name}", 1, 0.0) for name in sorted(names)))


def places(*names: str, suffix: str = "", extension: str | None = None) -> dict[str, str]:
    found = named(*names, suffix=suffix, extension=extension)
    return {each.entry.path[2:]: each.place for each in found if not each.rival}


def test_formats_without_colour_become_png_beside_their_neighbours() -> None:
    assert places("a.gif", "b.gif", "b.png", "c.jpg") == {
        "a.gif": "a.png",
        "b.gif": "b_gif.png",
        "b.png": "b.png",
        "c.jpg": "c.jpg",
    }


def test_names_that_begin_alike_lie_between_neighbours() -> None:
    assert places("a.gif", "a.h.jpg", "a.png", "a/a.gif") == {
        "a.gif": "a_gif.png",
        "a.h.jpg": "a.h.jpg",
        "a.png": "a.png",
        "a/a.gif": "a/a.png",
    }


def test_a_name_that_is_taken_is_no_name() -> None:
    found = named("a.gif", "a.png", "a_gif.png")
    assert [(each.entry.path, bool(each.rival)) for each in found] == [
        ("b/a.gif", False),
        ("b/a.png", False),
        ("b/a_gif.png", True),
    ]


def test_pictures_of_formats_that_hue_does_not_read_have_no_place() -> None:
    found = named("a.NEF", "b.jpg")
    assert [(each.entry.path, each.place) for each in found] == [("b/a.NEF", ""), ("b/b.jpg", "b.jpg")]


def test_a_file_that_was_named_by_itself_is_tried_whatever_its_extension() -> None:
    assert Namer("b", "_color", None).name_one(Entry("b/a.psd", 1, 0.0)).place == "a_color.png"
    assert Namer("b", "_color", None).name_one(Entry("b/scan", 1, 0.0)).place == "scan_color.png"


def test_what_is_no_picture_is_counted() -> None:
    namer = Namer("b", "", None)
    assert list(namer.name([Entry("b/a.txt", 1, 0.0), Entry("b/.hue-settings.json", 1, 0.0)])) == []
    assert namer.ignored == 2


@pytest.mark.parametrize("extension", [None, ".jpg", ".png"])
@given(
    names=st.sets(
        st.builds(
            lambda stem, ending: stem + ending,
            st.sampled_from(["a", "a.b", "a_gif", "ab", "b"]),
            st.sampled_from([".gif", ".png", ".jpg", ".jpeg", ".pgm", ".PNG"]),
        ),
        max_size=8,
    )
)
def test_names_are_those_of_one_machine(
    tmp_path_factory: pytest.TempPathFactory, extension: str | None, names: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("photos")
    for name in names:
        (folder / name).touch()
    plan = Plan.make([str(folder)], Naming(output=Path("/out"), extension=extension))
    local = {step.source.name: step.output.name for step in plan.steps() if isinstance(step, Job)}
    remote = places(*names, extension=extension)
    # Where one machine takes A for a, buckets do not.
    if len({name.casefold() for name in names}) == len(names) and not any(name.endswith(".PNG") for name in names):
        assert remote == local
    assert len(set(remote.values())) == len(remote)
