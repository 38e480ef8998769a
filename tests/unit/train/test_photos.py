"""Which photos a run trains on and which it validates on: the paper's numbers, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hue_cli.data.datasets import Dataset
from hue_cli.errors import CheckpointError
from hue_cli.recipes.schema import Split
from hue_cli.train.photos import RunPhotos
from hue_cli.train.resume import check_photos


class Silent:
    """A listener that only must not be warned."""

    def note(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def loading(self, count: int) -> None:
        pass


@pytest.mark.parametrize(("split", "val"), [((18, 2), 2), ((9, 1), 2), ((3, 2), 8), ((999, 1), 1)])
def test_the_split_is_exact_and_divides_every_photo(tmp_path: Path, split: tuple[int, int], val: int) -> None:
    noise = np.random.default_rng(0)
    for number in range(20):
        Image.fromarray(noise.integers(0, 256, (8, 8, 3), np.uint8)).save(tmp_path / f"{number}.png")
    photos = RunPhotos(
        Dataset(name="x", train=(tmp_path,)),
        Split(dataset="x", train=split[0], val=split[1], test=0),
        limit=None,
        device=torch.device("cpu"),
        listener=Silent(),
    )
    train, held = photos.for_training(8).names, photos.for_validation(8).names
    assert (len(train), len(held)) == (20 - val, val)
    assert {*train, *held} == {f"{number}.png" for number in range(20)}


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_run_goes_on_with_its_own_photos_alone(tmp_path: Path, part: str) -> None:
    now = {"train": 4000, "val": 500, "train_digest": "a" * 64, "val_digest": "b" * 64}
    check_photos(tmp_path, {}, now)
    check_photos(tmp_path, {"photos": {"train": 4000, "val": 500}}, now)
    check_photos(tmp_path, {"photos": now}, now)
    before = {**now, part: 1234, f"{part}_digest": "c" * 64}
    with pytest.raises(
        CheckpointError, match=rf"started with 1,234 photos of digest c{{12}} \({part}\), and there are"
    ):
        check_photos(tmp_path, {"photos": before}, now)
