"""Photos held and photos streamed: the same crops, where and how the draw says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hue_cli.data.photo_set import Draw, PhotoSet, cut, fit, hold_out
from hue_cli.data.photo_stream import PhotoStream, open_photos
from hue_cli.data.photos import locate
from hue_cli.errors import DatasetError

CPU = torch.device("cpu")


def held(*sources: Path, short_side: int = 48) -> PhotoSet:
    return PhotoSet.load(sources, short_side=short_side, device=CPU)


def streamed(*sources: Path, short_side: int = 48) -> PhotoStream:
    return PhotoStream(list(locate(sources)), short_side=short_side, device=CPU)


def test_every_photo_has_the_short_side(folder: Path) -> None:
    photos = held(folder)
    assert len(photos) == 7
    whole = photos.crops(Draw.centred(torch.arange(7)), 48)
    assert whole.shape == (7, 3, 48, 48)
    assert whole.dtype == torch.float32
    assert 0 <= whole.min() < whole.max() <= 1


@pytest.mark.parametrize("size", [48, 32])
def test_streamed_crops_equal_held_ones(
    folder: Path, pictures: dict[str, bytes], tmp_path: Path, size: int, write_tar: Any
) -> None:
    sources = (folder, write_tar(tmp_path / "more.tar", pictures))
    one, other = held(*sources), streamed(*sources)
    assert one.names == other.names
    assert len(one) == len(other) == 14
    assert one.digest() == other.digest()
    for seed in range(3):
        draw = Draw.random(torch.randperm(14)[:5], seed)
        assert torch.equal(one.crops(draw, size), other.crops(draw, size))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(3, 40),
    width=st.integers(3, 40),
    down=st.floats(0, 1, width=32),
    across=st.floats(0, 1, width=32),
    flip=st.booleans(),
    zoom=st.floats(0.05, 1),
)
def test_a_crop_is_where_the_draw_says(
    height: int, width: int, down: float, across: float, flip: bool, zoom: float
) -> None:
    photo = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8)
    side = max(1, round(min(height, width) * zoom))
    draw = Draw(torch.tensor([0]), torch.tensor([[down, across]]), torch.tensor([flip]), zoom)
    crop = cut([photo], draw, side, CPU)[0].permute(1, 2, 0)
    top, left = round((height - side) * down), round((width - side) * across)
    expected = photo.numpy()[top : top + side, left : left + side]
    assert np.array_equal((crop * 255).round().byte().numpy(), expected[:, ::-1] if flip else expected)


def test_crops_are_resized_as_pillow_does(folder: Path) -> None:
    photos = held(folder)
    draw = Draw.centred(torch.tensor([0]))
    small = photos.crops(draw, 24)[0].permute(1, 2, 0).numpy() * 255
    whole = Image.fromarray((photos.crops(draw, 48)[0].permute(1, 2, 0) * 255).round().byte().numpy())
    assert np.abs(small - np.asarray(whole.resize((24, 24), Image.Resampling.BICUBIC), float)).max() <= 1


def test_a_seed_draws_the_same_again() -> None:
    index = torch.arange(4)
    one, same, other = (Draw.random(index, seed) for seed in (5, 5, 6))
    assert torch.equal(one.place, same.place)
    assert torch.equal(one.flip, same.flip)
    assert one.zoom == same.zoom != other.zoom
    assert all(0.65 <= Draw.random(index, seed).zoom <= 1 for seed in range(50))


def test_slivers_are_cut_before_they_are_resized() -> None:
    thin = fit(Image.new("RGB", (60_000, 1), "red"), 32)
    assert thin.shape == (32, 48, 3)
    assert thin.reshape(-1, 3).unique(dim=0).tolist() == [[255, 0, 0]]


def test_a_streamed_photo_that_cannot_be_read_is_replaced_and_named_once(folder: Path) -> None:
    (folder / "coffee 2.png").write_bytes(b"gone bad")
    bad: list[tuple[str, str]] = []
    stream = PhotoStream(list(locate([folder])), short_side=48, device=CPU, on_bad=lambda *what: bad.append(what))
    where = stream.names.index("coffee 2.png")
    for _ in range(2):
        crops = stream.crops(Draw.centred(torch.tensor([where, (where + 1) % 7])), 48)
        assert torch.equal(crops[0], crops[1])
    assert bad == [("coffee 2.png", "no picture in a format that hue reads")]


def test_a_stream_of_nothing_but_bad_photos_ends(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="found none that can be read"):
        streamed(tmp_path).crops(Draw.centred(torch.tensor([1])), 48)


def test_photos_are_streamed_when_half_of_the_memory_does_not_hold_them(folder: Path) -> None:
    needed = 7 * 48 * 48 * 1.5 * 3
    said: list[str] = []

    def kind(free_bytes: float | None) -> type:
        free = None if free_bytes is None else int(free_bytes)
        return type(open_photos([folder], short_side=48, device=CPU, free_bytes=free, on_stream=said.append))

    assert kind(None) is PhotoSet
    assert kind(2 * needed) is PhotoSet
    assert not said
    assert kind(2 * needed - 2) is PhotoStream
    assert said[0].startswith("7 photos of 48 pixels take up to 0.0 GiB, more than half")


def test_both_ways_open_the_same_photos(folder: Path) -> None:
    for keep, limit in ((lambda name: "chelsea" in name, None), (lambda name: True, 4)):
        sets = [
            open_photos([folder], short_side=48, device=CPU, free_bytes=free, keep=keep, limit=limit)
            for free in (None, 0)
        ]
        assert sets[0].names == sets[1].names
        assert len(sets[0]) == (limit or 3)


def test_a_compressed_tar_cannot_be_streamed(tmp_path: Path, pictures: dict[str, bytes], write_tar: Any) -> None:
    path = write_tar(tmp_path / "x.tar.gz", pictures, "w:gz")
    with pytest.raises(DatasetError, match=r"x\.tar\.gz: 7 photos .* compressed tar .* --max-images"):
        open_photos([path], short_side=48, device=CPU, free_bytes=0)
    assert len(open_photos([path], short_side=48, device=CPU, free_bytes=None)) == 7


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected colour photos, found none"):
        held(tmp_path)


@given(st.sets(st.text(min_size=1), max_size=30), st.integers(0, 40))
def test_held_out_are_as_many_as_asked_for_and_always_the_same(names: set[str], count: int) -> None:
    chosen = hold_out(names, count)
    assert chosen <= names
    assert len(chosen) == min(count, len(names))
    assert chosen == hold_out(sorted(names), count)
    # One photo more moves one of those there are at most.
    assert len(chosen - hold_out(names | {"one more"}, count)) <= 1


def test_the_held_out_are_fixed_once_and_for_all() -> None:
    names = [f"photo {number}.jpg" for number in range(5000)]
    chosen = hold_out(names, 500)
    assert len(chosen) == 500
    # Another choice would mix training and validation photos of a resumed run.
    assert [name for name in names[:40] if name in chosen] == [
        "photo 1.jpg",
        "photo 8.jpg",
        "photo 20.jpg",
        "photo 28.jpg",
        "photo 39.jpg",
    ]
    odd = os.fsdecode(b"caf\xe9.jpg")
    assert hold_out([odd], 1) == {odd}
    assert PhotoSet([], [odd], CPU).digest() == PhotoSet([], [odd], CPU).digest()
