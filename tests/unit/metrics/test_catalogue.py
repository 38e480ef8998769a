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
from hue_cli.metrics.accumulate import MeanOverPhotos, measure
from hue_cli.metrics.catalogue import METRICS, Metric, select_metrics

IDEAL = {
    "mse": 0, "rmse": 0, "mae": 0, "psnr": 100, "ssim": 1, "msssim": 1, "accuracy": 1, "deltae": 0, "blobs": 0,
}  # fmt: skip
ASYMMETRIC = {"blobs", "cf", "cf-abs"}

every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def test_names_are_those_users_know() -> None:
    assert set(METRICS) == {*IDEAL, "cf", "cf-abs"}


@every_metric
def test_one_value_a_photo(metric: Metric, painted: Tensor, truth: Tensor) -> None:
    values = measure(metric, painted, truth)
    assert values.shape == (4,)
    assert values.dtype == torch.float64
    assert len(set(values.tolist())) > 1 or metric.name == "blobs"


@every_metric
def test_identical_pictures_are_ideal(metric: Metric, truth: Tensor) -> None:
    values = measure(metric, truth, truth)
    if metric.sees_target:
        assert values.tolist() == pytest.approx([IDEAL[metric.name]] * 4, abs=1e-5)
    else:
        assert values.min() > 0


@every_metric
def test_better_pictures_score_better(metric: Metric, painted: Tensor, truth: Tensor) -> None:
    if metric.higher_is_better is None or metric.name == "blobs":
        pytest.skip("the truth's own value is the best one, or pale pictures have none")
    nearer = measure(metric, (painted + truth) / 2, truth)
    further = measure(metric, painted, truth)
    assert bool(((nearer > further) if metric.higher_is_better else (nearer < further)).all())


@every_metric
def test_symmetry(metric: Metric, painted: Tensor, truth: Tensor) -> None:
    there, back = measure(metric, painted, truth), measure(metric, truth, painted)
    assert torch.allclose(there, back, rtol=1e-4) is (metric.name not in ASYMMETRIC or metric.name == "blobs")


@every_metric
def test_a_photo_does_not_see_its_batch(metric: Metric, painted: Tensor, truth: Tensor) -> None:
    together = measure(metric, painted, truth)
    alone = torch.cat([measure(metric, x[None], y[None]) for x, y in zip(painted, truth, strict=True)])
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
    mean = MeanOverPhotos(METRICS[name])
    for a, b in zip(x.split(sizes), y.split(sizes), strict=True):
        mean.update(a, b)
    assert mean.photos == sum(sizes)
    assert mean.compute() == pytest.approx(float(measure(METRICS[name], x, y).mean()), rel=1e-5)


def test_undefined_photos_do_not_count(painted: Tensor, truth: Tensor) -> None:
    mean = MeanOverPhotos(METRICS["msssim"])
    assert math.isnan(mean.compute())
    values = mean.update(painted, truth)
    mean.update(painted[..., :50], truth[..., :50])
    assert mean.photos == 4
    assert mean.compute() == pytest.approx(float(values.mean()))


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
        measure(METRICS["mse"], torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_bytes_are_refused() -> None:
    picture = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(TypeError, match="float"):
        measure(METRICS["mse"], picture, picture)


def test_selection_keeps_the_order_and_expands_groups() -> None:
    assert [m.name for m in select_metrics(["psnr", " colorfulness ", "PSNR", "mse"])] == [
        "psnr",
        "cf",
        "cf-abs",
        "mse",
    ]
    assert select_metrics(["all"]) == tuple(METRICS.values())


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
        for metric in METRICS.values():
            measure(metric, x, y)
    assert (time.perf_counter() - start) / 10 < 0.1
