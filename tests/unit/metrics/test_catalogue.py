"""What holds for every metric there is, and for their means."""

from __future__ import annotations

import math
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hue_cli.errors import UsageError
from hue_cli.metrics.accumulate import PhotoScores, measure
from hue_cli.metrics.catalogue import METRICS, select_metrics
from hue_cli.metrics.metric import PairMetric, Pictures

IDEAL = {
    "mse": 0, "rmse": 0, "mae": 0, "psnr": 100, "ssim": 1, "msssim": 1, "accuracy": 1, "deltae": 0, "blobs": 0,
}  # fmt: skip
ASYMMETRIC = {"blobs", "cf", "cf-abs"}
ELSEWHERE = {"bleeding", "skin-hue", "hue-coverage", "flicker", "lpips", "fid"}
"""Undefined for many a photo, or of no single one: judged in files of their own."""
OF_A_PHOTO = {
    metric.name: metric
    for metric in METRICS.values()
    if isinstance(metric, PairMetric) and metric.name not in ELSEWHERE
}

every_metric = pytest.mark.parametrize("metric", OF_A_PHOTO.values(), ids=OF_A_PHOTO)


def values_of(metric: PairMetric, prediction: Tensor, target: Tensor) -> Tensor:
    return measure(metric, Pictures(prediction), Pictures(target))


def test_names_are_those_users_know() -> None:
    assert set(METRICS) == {*IDEAL, *ELSEWHERE, "cf", "cf-abs"}


@every_metric
def test_one_value_a_photo(metric: PairMetric, painted: Tensor, truth: Tensor) -> None:
    values = values_of(metric, painted, truth)
    assert values.shape == (4,)
    assert values.dtype == torch.float64
    assert len(set(values.tolist())) > 1 or metric.name == "blobs"


@every_metric
def test_identical_pictures_are_ideal(metric: PairMetric, truth: Tensor) -> None:
    values = values_of(metric, truth, truth)
    if metric.sees_target:
        assert values.tolist() == pytest.approx([IDEAL[metric.name]] * 4, abs=1e-5)
    else:
        assert values.min() > 0


@every_metric
def test_better_pictures_score_better(metric: PairMetric, painted: Tensor, truth: Tensor) -> None:
    if metric.higher_is_better is None or metric.name == "blobs":
        pytest.skip("the truth's own value is the best one, or pale pictures have none")
    nearer = values_of(metric, (painted + truth) / 2, truth)
    further = values_of(metric, painted, truth)
    assert bool(((nearer > further) if metric.higher_is_better else (nearer < further)).all())


@every_metric
def test_symmetry(metric: PairMetric, painted: Tensor, truth: Tensor) -> None:
    there, back = values_of(metric, painted, truth), values_of(metric, truth, painted)
    assert torch.allclose(there, back, rtol=1e-4) is (metric.name not in ASYMMETRIC or metric.name == "blobs")


@every_metric
def test_a_photo_does_not_see_its_batch(metric: PairMetric, painted: Tensor, truth: Tensor) -> None:
    together = values_of(metric, painted, truth)
    alone = torch.cat([values_of(metric, x[None], y[None]) for x, y in zip(painted, truth, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)


@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    name=st.sampled_from(["mse", "psnr", "deltae", "cf-abs", "accuracy", "ssim"]),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=25, deadline=None)
def test_streaming_equals_one_shot(sizes: list[int], name: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(sum(sizes), 3, 13, 17, generator=generator) for _ in range(2))
    metric = OF_A_PHOTO[name]
    scores = PhotoScores(metric)
    for a, b in zip(x.split(sizes), y.split(sizes), strict=True):
        scores.add(values_of(metric, a, b))
    assert scores.values().shape == (sum(sizes),)
    mean, photos = scores.score()
    assert photos == sum(sizes)
    assert mean == pytest.approx(float(values_of(metric, x, y).mean()), rel=1e-5)


def test_undefined_photos_do_not_count(painted: Tensor, truth: Tensor) -> None:
    metric = OF_A_PHOTO["msssim"]
    scores = PhotoScores(metric)
    assert math.isnan(scores.score()[0])
    values = values_of(metric, painted, truth)
    scores.add(values)
    scores.add(values_of(metric, painted[..., :50], truth[..., :50]))
    assert len(scores.values()) == 8
    mean, photos = scores.score()
    assert photos == 4
    assert mean == pytest.approx(float(values.mean()))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((1, 3, 8, 8), (1, 3, 8, 9)), "differ in size"),
        (((2, 3, 8, 8), (1, 3, 8, 8)), "differ in size"),
        (((1, 1, 8, 8), (1, 1, 8, 8)), r"\(N, 3, H, W\)"),
        (((3, 8, 8), (3, 8, 8)), r"\(N, 3, H, W\)"),
    ],
)
def test_wrong_shapes_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        values_of(OF_A_PHOTO["mse"], torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_bytes_are_refused() -> None:
    picture = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(TypeError, match="float"):
        values_of(OF_A_PHOTO["mse"], picture, picture)


def test_selection_keeps_the_order_and_expands_groups() -> None:
    assert [m.name for m in select_metrics(["psnr", " colorfulness ", "PSNR", "mse"])] == [
        "psnr",
        "cf",
        "cf-abs",
        "mse",
    ]
    assert select_metrics(["all"]) == tuple(metric for metric in METRICS.values() if not metric.asked_for)
    assert select_metrics(["flicker", "all"])[0].asked_for


@pytest.mark.parametrize("names", [["fid2"], [""], ["psnr", ""], []])
def test_unknown_metrics_are_named_with_those_there_are(names: list[str]) -> None:
    with pytest.raises(UsageError, match="msssim") as error:
        select_metrics(names)
    assert error.value.exit_code == 2


@pytest.mark.slow
def test_all_metrics_take_a_tenth_of_a_second_a_photo() -> None:
    torch.manual_seed(0)
    x, y = torch.rand(2, 1, 3, 256, 256)
    start = time.perf_counter()
    for _ in range(10):
        prediction, target = Pictures(x), Pictures(y)
        for metric in METRICS.values():
            if isinstance(metric, PairMetric):
                measure(metric, prediction, target)
    assert (time.perf_counter() - start) / 10 < 0.1
