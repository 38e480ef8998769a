"""Batches, and scores that do not depend on them."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from hue_cli.evaluate.painters import Floats, GreyPainter, Painter, UsedPainter
from hue_cli.evaluate.protocol import Batch, Pixels
from hue_cli.evaluate.score import TRUTH, Photo, in_batches, score
from hue_cli.metrics.catalogue import select_metrics
from hue_cli.recipes.schema import SizeRule


@given(sizes=st.lists(st.integers(1, 4), max_size=60), batch_size=st.integers(1, 5), waiting=st.integers(1, 3))
def test_every_photo_goes_out_once_among_its_equals(sizes: list[int], batch_size: int, waiting: int) -> None:
    taken = 0

    def photos() -> object:
        nonlocal taken
        for index, size in enumerate(sizes):
            taken += 1
            yield str(index), np.zeros((size, 1, 3), np.uint8)

    given_out: dict[int, str] = {}
    for batch in in_batches(photos(), batch_size, waiting):  # type: ignore[arg-type]
        assert 1 <= len(batch.pixels) <= batch_size
        given_out |= zip(batch.places, batch.names, strict=True)
        assert taken - len(given_out) <= waiting * batch_size
    assert given_out == {index: str(index) for index in range(len(sizes))}


def some_photos() -> list[Photo]:
    cuts = [
        data.astronaut()[:180, 200:400],
        data.chelsea()[:180, :200],
        data.coffee()[:190, :180],
        data.rocket()[:180, :200],
    ]
    return [(f"{index}.png", np.ascontiguousarray(cut)) for index, cut in enumerate(cuts)]


def test_scores_do_not_depend_on_the_batch() -> None:
    def network(lightness: Floats) -> Floats:
        return np.concatenate([lightness * np.float32(0.2), lightness * np.float32(-0.1)], axis=1)

    painters: dict[str, Painter] = {
        "grey": GreyPainter(),
        "tinted": UsedPainter(network, SizeRule(size=64, multiple_of=16, minimum=16)),
    }
    metrics = select_metrics(["all", "flicker"])
    alone, together = (score(some_photos(), painters, metrics, batch_size=size) for size in (1, 32))
    assert list(alone) == [TRUTH, "grey", "tinted"]
    for row in alone:
        assert together[row].photos == alone[row].photos
        means = pytest.approx(dict(alone[row].means), rel=1e-5, abs=1e-7, nan_ok=True)
        assert dict(together[row].means) == means
        for name, values in alone[row].single.items():
            np.testing.assert_allclose(together[row].single[name], values, rtol=1e-4, atol=1e-6)


class Echo:
    """Paints the truth."""

    repaints = True

    def paint(self, batch: Batch) -> Pixels:
        return batch.pixels


def test_the_truth_scores_as_the_truth() -> None:
    metrics = select_metrics(["psnr", "cf-abs", "msssim"])
    result = score(some_photos(), {"echo": Echo()}, metrics)
    assert set(result[TRUTH].means) == {"cf-abs"}
    assert result["echo"].means["cf-abs"] == pytest.approx(result[TRUTH].means["cf-abs"])
    assert result["echo"].means["psnr"] == 100
    assert result["echo"].means["msssim"] == pytest.approx(1, abs=1e-5)


def test_each_photo_counts_once_whatever_its_size() -> None:
    photos = [("small", np.zeros((8, 8, 3), np.uint8)), ("large", np.full((64, 64, 3), 255, np.uint8))]

    class White:
        repaints = True

        def paint(self, batch: Batch) -> Pixels:
            return np.full_like(batch.pixels, 255)

    result = score(photos, {"white": White()}, select_metrics(["mse", "ssim"]))["white"]
    assert result.means["mse"] == pytest.approx(0.5)
    assert result.photos == {"mse": 2, "ssim": 1}


class Told:
    """Remembers what onlookers see."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[int, tuple[str, bool]]] = {}

    def see(self, row: str, batch: Batch, painted: Sequence[Pixels | None]) -> None:
        there = (picture is not None for picture in painted)
        self.seen.setdefault(row, {}).update(zip(batch.places, zip(batch.names, there, strict=True), strict=True))


def test_onlookers_are_told_of_single_photos() -> None:
    told = Told()
    painters: dict[str, Painter] = {"echo": Echo(), "some": Some({"1.png"})}
    score(some_photos(), painters, select_metrics(["mse"]), batch_size=2, onlookers=[told])
    names = {index: f"{index}.png" for index in range(4)}
    assert told.seen["echo"] == told.seen[TRUTH] == {index: (name, True) for index, name in names.items()}
    assert told.seen["some"] == {index: (name, index != 1) for index, name in names.items()}


class Some:
    """Has pictures of some photographs only, and cannot paint."""

    repaints = False

    def __init__(self, lacks: set[str]) -> None:
        self.lacks = lacks

    def paint(self, batch: Batch) -> list[Pixels | None]:
        return [
            None if name in self.lacks else pixels // 2 for name, pixels in zip(batch.names, batch.pixels, strict=True)
        ]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Several add a photograph's pixels up in an order that depends on its batch, which moves the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("lacks", [{"1.png"}, {"0.png", "1.png", "2.png", "3.png"}, {"2.png"}])
def test_what_was_not_painted_does_not_count(lacks: set[str]) -> None:
    metrics = select_metrics(["mse", "hue-coverage", "flicker", "msssim"])
    whole = score(some_photos(), {"some": Some(set())}, metrics, batch_size=2)["some"]
    part = score(some_photos(), {"some": Some(lacks)}, metrics, batch_size=2)["some"]
    assert part.photos["mse"] == part.photos["hue-coverage"] == 4 - len(lacks)
    assert part.photos["flicker"] == 0
    there = ~np.isnan(part.single["mse"])
    assert there.sum() == 4 - len(lacks)
    np.testing.assert_allclose(part.single["mse"][there], whole.single["mse"][there])
    assert len(part.single["hue-coverage"]) == 4
    assert math.isnan(part.means["mse"]) is (len(lacks) == 4)


STREAM = """
import numpy as np
from hue_cli.evaluate.painters import GreyPainter
from hue_cli.evaluate.score import score
from hue_cli.metrics.catalogue import select_metrics

held = []

def photos():
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    for index in range(200):
        if index in (72, 192):
            with open("/proc/self/statm") as status:
                held.append(int(status.read().split()[1]) * 4096)
        yield str(index), np.roll(noise, index, axis=0)

score(photos(), {"grey": GreyPainter()}, select_metrics(["all"]))
print(held[1] - held[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_memory_does_not_grow_with_the_photos() -> None:
    result = subprocess.run([sys.executable, "-c", STREAM], capture_output=True, text=True, check=True)
    # 120 photographs more; each held as numbers once would be a megabyte, and with all that is computed of it three.
    assert int(result.stdout) < 90_000_000
