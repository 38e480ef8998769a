"""Intervals against scipy's bootstrap, and against what is known."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import stats

from hue_cli.evaluate import intervals
from hue_cli.evaluate.intervals import Estimate, Interval, Question, estimate
from hue_cli.metrics.catalogue import METRICS
from hue_cli.metrics.hues import BINS, cover

PSNR, COVERAGE = METRICS["psnr"], METRICS["hue-coverage"]


def psnrs(photos: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(9, 2.5, photos)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.interval
    return found.interval.low, found.interval.high


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = psnrs(200)
    (found,) = estimate([Question(PSNR, values)], resamples=20_000)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert found.photos == 200
    assert ends(found) == pytest.approx((expected.low, expected.high), abs=0.03)


def test_a_difference_is_paired() -> None:
    hard = psnrs(300)
    noise = np.random.default_rng(1).normal(0, 0.2, 300)
    better = hard + 0.5 + noise
    single, paired = estimate([Question(PSNR, better), Question(PSNR, better, hard)])
    assert paired.value == pytest.approx(0.5 + noise.mean())
    half = 1.96 * 0.2 / math.sqrt(300)
    assert ends(paired) == pytest.approx((paired.value - half, paired.value + half), abs=0.006)
    assert single.interval
    assert paired.interval
    assert single.interval.half > 20 * paired.interval.half


def test_a_quotient_of_means() -> None:
    truth = psnrs(100)
    (half,) = estimate([Question(PSNR, truth / 2, truth, quotient=True)])
    assert half.value == pytest.approx(0.5)
    assert ends(half) == pytest.approx((0.5, 0.5))
    assert not estimate([Question(PSNR, truth, truth * 0, quotient=True)])[0].interval


def test_only_photos_that_both_have_count() -> None:
    one, other = psnrs(50), psnrs(50, 1)
    one[:10] = np.nan
    other[5:20] = np.nan
    (found,) = estimate([Question(PSNR, one, other)])
    assert found.photos == 30
    assert found.value == pytest.approx((one - other)[20:].mean())
    (alone,) = estimate([Question(PSNR, (one - other)[20:])], resamples=8000)
    assert ends(found) == pytest.approx(ends(alone), abs=0.4)


def test_a_metric_of_the_whole_set_is_reduced_in_every_draw() -> None:
    shares = np.random.default_rng(3).random((40, 2 * BINS)) ** 8 / 30
    (found,) = estimate([Question(COVERAGE, shares)], resamples=300)
    assert found.value == pytest.approx(float(cover(shares.mean(axis=0))))
    draws = np.random.default_rng(intervals.SEED).integers(0, 40, (300, 40))
    low, high = np.quantile([float(cover(shares[draw].mean(axis=0))) for draw in draws], [0.025, 0.975])
    assert ends(found) == pytest.approx((low, high))
    (nothing,) = estimate([Question(COVERAGE, shares, shares)])
    assert (nothing.value, nothing.interval) == (0, Interval(0, 0))


def test_the_same_seed_draws_the_same_whatever_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    values = psnrs(77)
    first = estimate([Question(PSNR, values)])
    assert estimate([Question(PSNR, values[::-1]), Question(PSNR, values)])[1] == first[0]
    assert estimate([Question(PSNR, values)], seed=1) != first
    monkeypatch.setattr(intervals, "_BLOCK", 77 * 300)  # in blocks: the same photographs, drawn in the same order
    assert ends(estimate([Question(PSNR, values)])[0]) == pytest.approx(ends(first[0]))


@pytest.mark.parametrize(("values", "photos"), [([np.nan] * 3, 0), ([np.nan, 3.0, np.nan], 1)])
def test_too_few_photos_have_no_interval(values: list[float], photos: int) -> None:
    (found,) = estimate([Question(PSNR, np.array(values))])
    assert (found.photos, found.interval) == (photos, None)
    assert math.isnan(found.value) is (photos == 0)


def test_nothing_asked() -> None:
    assert estimate([]) == []


def test_a_nominal_95_percent_cover_95_percent() -> None:
    hit = 0
    for seed in range(200):
        low, high = ends(estimate([Question(PSNR, psnrs(60, seed))], resamples=400)[0])
        hit += low <= 22.5 <= high
    assert 0.89 < hit / 200 < 0.99


@pytest.mark.slow
def test_a_thousand_photos_and_ten_rows_take_seconds() -> None:
    questions = [Question(PSNR, psnrs(1000, seed)) for seed in range(150)]
    start = time.perf_counter()
    estimate(questions)
    assert time.perf_counter() - start < 5
