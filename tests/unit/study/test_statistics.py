"""Intervals and agreement, against published examples."""

from __future__ import annotations

import pytest

from hue_cli.study.statistics import krippendorff_alpha, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_the_published_interval(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_alpha_of_two_observers() -> None:
    # Krippendorff (2011), section A: binary data, two observers, alpha = 0.095.
    one, other = "0100000010", "1110010000"
    assert krippendorff_alpha(list(zip(one, other, strict=True))) == pytest.approx(0.095, abs=5e-4)


def test_alpha_with_answers_missing() -> None:
    # Krippendorff (2011), section C: four observers, twelve units, alpha = 0.743.
    rows = ("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .")
    units = [[answer for answer in column if answer != "."] for column in zip(*(r.split() for r in rows), strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_needs_two_who_judged_the_same_and_two_answers() -> None:
    assert krippendorff_alpha([["real"], ["colorized"]]) is None
    assert krippendorff_alpha([["real", "real"]]) is None
    assert krippendorff_alpha([["real", "real"], ["colorized", "colorized"]]) == 1
