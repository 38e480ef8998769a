"""The data sets that have a name: complete entries, the papers' splits, and which files are photos of theirs."""

from __future__ import annotations

import string

import pytest

from hue_cli.data.catalogue import NAMES, SETS, Archive, NamedSet, find_set
from hue_cli.data.splits import Side, tally
from hue_cli.errors import DatasetError
from hue_cli.recipes import RECIPES


@pytest.mark.parametrize("each", SETS, ids=NAMES)
def test_entries_are_complete(each: NamedSet) -> None:
    assert each.title
    assert each.terms
    assert each.papers
    assert each.page.startswith("http")
    assert 0 < each.taken <= each.photos
    if isinstance(each.origin, Archive):
        algorithm, _, digest = each.origin.digest.partition(":")
        assert len(digest) == {"sha256": 64, "md5": 32}[algorithm]
        assert set(digest) <= set(string.hexdigits.lower())


def test_names_are_those_of_the_issue() -> None:
    assert NAMES == ("kaggle", "landscape", "mirflickr25k", "coco", "places365", "ade20k")


@pytest.mark.parametrize(
    ("name", "files", "counts"),
    [
        (
            "kaggle",
            [*(f"data/train_color/{i}.jpg" for i in range(5000)), *(f"data/test_color/{i}.jpg" for i in range(739))],
            (4500, 500, 739),
        ),
        ("landscape", [f"landscape Images/color/{i}.jpg" for i in range(7129)], (6000, 1000, 0)),
        ("coco", [f"val2017/{i:012}.jpg" for i in range(5000)], (4000, 1000, 0)),
        ("places365", [f"val_256/Places365_val_{i:08}.jpg" for i in range(36500)], (4000, 1000, 0)),
        ("ade20k", [f"ADEChallengeData2016/images/training/{i}.jpg" for i in range(22210)], (4000, 1000, 0)),
    ],
)
def test_splits_are_the_paper_s(name: str, files: list[str], counts: tuple[int, int, int]) -> None:
    assert find_set(name).photos == len(files)
    found = tally(find_set(name).divide(files).values())
    assert (found["train"], found["val"], found["test"]) == counts


def test_mirflickr_is_divided_by_shares() -> None:
    found = tally(find_set("mirflickr25k").divide(f"mirflickr/im{i}.jpg" for i in range(25000)).values())
    assert found["train"] == pytest.approx(22500, abs=200)
    assert found["val"] == pytest.approx(1250, abs=150)
    assert found["test"] == pytest.approx(1250, abs=150)


@pytest.mark.parametrize("recipe", [r for r in RECIPES.values() if r.split.dataset in NAMES], ids=lambda r: r.name)
def test_recipes_and_catalogue_agree(recipe: object) -> None:
    split = recipe.split  # type: ignore[attr-defined]
    photos = find_set(split.dataset).photos
    assert split.train + split.val + split.test <= 3 * photos  # papers may join three sets


def test_what_is_no_photo_of_the_set_is_passed_over() -> None:
    files = [
        "data/train_color/a.jpg",
        "data/train_black/a.jpg",
        "data/train_color/._a.jpg",
        "data/train_color/list.txt",
        "train_color/b.JPG",
        "train_colors/c.jpg",
        "train_color.jpg",
    ]
    assert set(find_set("kaggle").divide(files)) == {"data/train_color/a.jpg", "train_color/b.JPG"}


def test_the_side_does_not_depend_on_where_the_folder_lies() -> None:
    files = [f"train_color/{i}.jpg" for i in range(100)]
    below = {f"x/y/{file}": side for file, side in find_set("kaggle").divide(files).items()}
    assert find_set("kaggle").divide(f"x/y/{file}" for file in files) == below


def test_test_photos_are_for_the_test() -> None:
    assert find_set("kaggle").divide(["test_color/1.jpg"]) == {"test_color/1.jpg": Side.TEST}


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(DatasetError, match=r"'cifar'\. There are: kaggle, landscape, mirflickr25k"):
        find_set("cifar")
