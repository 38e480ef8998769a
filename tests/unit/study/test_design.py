"""Who sees what: balanced, seeded, blinded; a study comes back from the disk as it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hue_cli.errors import UsageError
from hue_cli.study.design import KEY, REAL, STUDY, Picture, Study, check_models, read_study


def made(photos: int, models: int, seed: int) -> Study:
    names = {f"model-{number}": "" for number in range(models)}
    pictures = tuple(
        Picture(id=f"{photo} {shows}", photo=str(photo), shows=shows)
        for photo in range(photos)
        for shows in (REAL, *names)
    )
    return Study(folder=Path(), title="", seed=seed, side=1, models=names, pictures=pictures)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 5), st.integers(0, 30))
def test_a_rater_sees_every_photo_once_half_of_them_real(photos: int, models: int, seed: int, rater: int) -> None:
    study = made(photos, models, seed)
    order = study.order(rater)

    assert Counter(picture.photo for picture in order) == {str(photo): 1 for photo in range(photos)}
    shows = Counter(picture.shows for picture in order)
    assert abs(shows[REAL] - photos / 2) <= 1
    counts = [shows[model] for model in study.models]
    assert max(counts) - min(counts) <= 1
    assert order == study.order(rater)


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 4))
def test_over_the_raters_every_version_comes_up_equally_often(photos: int, models: int) -> None:
    study = made(photos, models, 0)
    seen = Counter(picture.id for rater in range(2 * models) for picture in study.order(rater))

    for picture in study.pictures:
        assert seen[picture.id] == (models if picture.shows == REAL else 1)


def test_orders_differ_between_raters_and_seeds() -> None:
    study = made(20, 1, 0)
    orders = [tuple(study.order(0)), tuple(study.order(1)), tuple(replace(study, seed=1).order(0))]
    assert len(set(orders)) == 3


def test_a_study_comes_back_as_it_was_and_its_public_part_tells_nothing(study: Study) -> None:
    assert read_study(study.folder) == study
    assert "photo-a" not in (study.folder / STUDY).read_text()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / STUDY).unlink(), r"found no study\.json"),
        (lambda folder: (folder / KEY).write_text("{"), "damaged"),
        (lambda folder: (folder / STUDY).write_text('{"version": 2}'), "expected version 1, found 2"),
        (lambda folder: (folder / KEY).write_text('{"pictures": []}'), "none at all"),
    ],
)
def test_what_is_no_study_is_refused(study: Study, damage: Callable[[Path], object], said: str) -> None:
    damage(study.folder)
    with pytest.raises(UsageError, match=said):
        read_study(study.folder)


def test_a_photo_without_one_of_its_versions_is_named(study: Study) -> None:
    key = json.loads((study.folder / KEY).read_text())
    key["pictures"].pop(0)
    (study.folder / KEY).write_text(json.dumps(key))
    with pytest.raises(UsageError, match=r"photo-a\.jpg"):
        read_study(study.folder)


@pytest.mark.parametrize("names", [[], ["a", "a"], ["real"]])
def test_models_must_be_told_apart(names: list[str]) -> None:
    with pytest.raises(UsageError):
        check_models(names)
