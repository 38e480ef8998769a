"""Answers outlive the server, and only they are taken that belong to the study."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hue_cli.errors import UsageError
from hue_cli.study.answers import AnswerBook
from hue_cli.study.design import ANSWERS, Study
from hue_cli.study.report import summarize, to_html


def test_raters_go_on_where_they_stopped(study: Study) -> None:
    book = AnswerBook(study)
    ada, bob = book.join("ada"), book.join("bob")
    assert book.add(ada, 0, "real", 900)
    assert book.add(ada, 1, "colorized", 700)
    assert book.add(bob, 0, "real", 500)

    again = AnswerBook(study)
    assert again.join("ada").answers == ada.answers
    assert again.join("ada").next_picture == ada.order[2]
    assert [again.raters[name].index for name in ("ada", "bob")] == [0, 1]


def test_an_answer_that_comes_twice_counts_once(study: Study) -> None:
    book = AnswerBook(study)
    ada = book.join("ada")
    assert book.add(ada, 0, "real", 900)
    assert not book.add(ada, 0, "real", 900)
    assert not book.add(ada, 5, "real", 900)
    assert len(AnswerBook(study).raters["ada"].answers) == 1


def test_after_the_last_picture_nothing_is_taken(study: Study) -> None:
    book = AnswerBook(study)
    ada = book.join("ada")
    for number in range(6):
        assert book.add(ada, number, "real", 100)
    assert ada.next_picture is None
    assert not book.add(ada, 6, "real", 100)


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_a_crash_tore_costs_that_answer_alone(study: Study, cut: int) -> None:
    book = AnswerBook(study)
    ada = book.join("ada")
    book.add(ada, 0, "real", 900)
    book.add(ada, 1, "real", 900)
    path = study.folder / ANSWERS
    path.write_bytes(path.read_bytes()[:-cut])

    again = AnswerBook(study)
    assert len(again.raters["ada"].answers) == 1
    assert again.add(again.raters["ada"], 1, "colorized", 10)
    assert [answer.answer for answer in AnswerBook(study).raters["ada"].answers] == ["real", "colorized"]


def test_answers_to_another_study_are_refused(study: Study) -> None:
    book = AnswerBook(study)
    book.add(book.join("ada"), 0, "real", 900)
    with pytest.raises(UsageError, match=r"answers\.jsonl.*would not have shown"):
        AnswerBook(replace(study, seed=4))
    (study.folder / ANSWERS).write_text('{"event": "answer", "rater": "eve"}\n')
    with pytest.raises(UsageError, match="not the answers to this study"):
        AnswerBook(study)
    (study.folder / ANSWERS).write_text("{\n")
    with pytest.raises(UsageError, match="a line is damaged"):
        AnswerBook(study)


def test_the_outcome_counts_what_was_taken_for_real(study: Study) -> None:
    book = AnswerBook(study)
    for name in ("ada", "bob", "<b>eve</b>", "dan"):
        rater = book.join(name)
        for number, picture in enumerate(rater.order):
            # Everybody takes the bold ones for colorized and all others for real.
            book.add(rater, number, "colorized" if picture.shows == "bold" else "real", 1000)

    found = summarize(study, book)
    rows = {row["name"]: row for row in found["conditions"]}
    assert found["answers"] == 24
    assert (rows["real"]["accepted"], rows["real"]["shown"]) == (12, 12)
    assert (rows["timid"]["accepted"], rows["timid"]["shown"]) == (6, 6)
    assert (rows["bold"]["accepted"], rows["bold"]["shown"]) == (0, 6)
    assert rows["bold"]["low"] == 0 < rows["bold"]["high"] < 0.5
    assert rows["bold"]["seconds"] == 1.0
    assert found["agreement"] is None or found["agreement"] == 1
    assert all(rater["right"] is not None and rater["of"] == 6 for rater in found["raters"])
    assert found["papers"] == {
        "deep koalarization": "45.87 %",
        "deepcolor-unet": "53 %",
        "deepcolor-densenet": "46 %",
        "deepcolor-mobilenet": "below the base goal of 45.87 %",
    }

    page = to_html(found, "pictures")
    assert "&lt;b&gt;eve&lt;/b&gt;" in page
    assert "<b>eve" not in page
    assert page.count("<figure>") == len(study.pictures)


def test_beside_a_model_stands_what_its_paper_printed(study: Study) -> None:
    study = replace(
        study,
        models={"deepcolor-unet": "", "bold": ""},
        pictures=tuple(
            replace(picture, shows="deepcolor-unet") if picture.shows == "timid" else picture
            for picture in study.pictures
        ),
    )
    found = summarize(study, AnswerBook(study))
    assert {row["name"]: row["paper"] for row in found["conditions"]} == {
        "real": None,
        "deepcolor-unet": "53 %",
        "bold": None,
    }
    page = to_html(found, "pictures")
    assert page.count("<td class=words>53 %</td>") == 2
    assert "<td class=words>below the base goal of 45.87 %</td>" in page


def test_reading_leaves_a_line_that_is_just_being_written(study: Study) -> None:
    book = AnswerBook(study)
    book.add(book.join("ada"), 0, "real", 900)
    path = study.folder / ANSWERS
    half = path.read_bytes() + b'{"event": "ans'
    path.write_bytes(half)
    assert summarize(study, AnswerBook(study))["answers"] == 1
    assert path.read_bytes() == half


def test_what_a_full_disk_cut_off_does_not_spoil_the_next_answer(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    book = AnswerBook(study)
    ada = book.join("ada")
    path = study.folder / ANSWERS
    whole = path.read_bytes()

    def full(_descriptor: int) -> None:
        path.write_bytes(path.read_bytes()[:-20])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(UsageError, match=r"an answer cannot be kept \(No space left"):
            book.add(ada, 0, "real", 900)
    assert path.read_bytes() != whole
    assert not ada.answers
    assert book.add(ada, 0, "colorized", 900)
    assert [answer.answer for answer in AnswerBook(study).raters["ada"].answers] == ["colorized"]
