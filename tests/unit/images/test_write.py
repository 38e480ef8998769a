"""Writing pictures: what is encoded comes back, and half a file never stays."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from hue_cli.errors import ImageError
from hue_cli.images.lock import try_lock
from hue_cli.images.mark import MARK, MARK_TAG, can_hold_mark, made_by_hue
from hue_cli.images.photo import WRITABLE, Metadata, holds_16_bits
from hue_cli.images.read import read_photo
from hue_cli.images.write import encode, remove_stale_parts, replacing

RNG = np.random.default_rng(3)
RGB8 = RNG.integers(0, 256, (70, 50, 3), dtype=np.uint8)
RGB16 = RNG.integers(0, 65536, (70, 50, 3), dtype=np.uint16)
ALPHA = RNG.integers(0, 256, (70, 50), dtype=np.uint8)


def encoded(rgb: np.ndarray, image_format: str, **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    encode(rgb, stream, image_format=image_format, **options)  # type: ignore[arg-type]
    stream.seek(0)
    return stream


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_formats_give_back_every_pixel(image_format: str) -> None:
    with Image.open(encoded(RGB8, image_format)) as image:
        assert image.format == image_format
        np.testing.assert_array_equal(np.asarray(image), RGB8)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(image_format: str) -> None:
    smooth = np.dstack([np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)] * 3)
    with Image.open(encoded(smooth, image_format, quality=95)) as image:
        assert image.format == image_format
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - smooth).max() < 8


def deep_pixels(stream: io.BytesIO) -> np.ndarray:
    """All 16 bits, by Pillow: its own reader gives the upper byte; told the other byte order, the lower."""
    high = np.asarray(Image.open(stream)).astype(np.uint16)
    stream.seek(0)
    low = Image.open(stream)
    (tile,) = low.tile
    raw: Any = tile.args
    name = raw if isinstance(raw, str) else raw[0]
    other = name.replace("16B", "16L") if "16B" in name else name.replace("16N", "16B").replace("16L", "16B")
    args = other if isinstance(raw, str) else (other, *raw[1:])
    low.tile = [tile._replace(args=args)]
    result: np.ndarray = high * np.uint16(256) + np.asarray(low)
    return result


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("transparent", [False, True])
def test_16_bits_are_written_so_that_pillow_reads_them(image_format: str, transparent: bool) -> None:
    stream = encoded(RGB16, image_format, alpha=ALPHA if transparent else None)
    found = deep_pixels(stream)
    np.testing.assert_array_equal(found[..., :3], RGB16)
    if transparent:
        np.testing.assert_array_equal(found[..., 3], ALPHA.astype(np.uint16) * 257)


def test_16_bit_ppm() -> None:
    content = encoded(RGB16, "PPM").getvalue()
    np.testing.assert_array_equal(np.frombuffer(content[-RGB16.size * 2 :], ">u2").reshape(RGB16.shape), RGB16)
    with Image.open(io.BytesIO(content)) as image:
        assert np.abs(np.asarray(image).astype(int) - (RGB16 >> 8)).max() <= 1


@pytest.mark.parametrize("rgb", [RGB8, RGB16], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_profile_resolution_and_exif_are_written(rgb: np.ndarray, image_format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    metadata = Metadata(exif=exif.tobytes(), icc=icc, dpi=(600.0, 300.0))
    with Image.open(encoded(rgb, image_format, metadata=metadata)) as image:
        assert image.info["icc_profile"] == icc
        assert image.info["dpi"] == pytest.approx((600, 300), abs=0.1)
        if image_format == "PNG" or rgb is RGB8:
            assert image.getexif()[0x010E] == "grandmother"


def test_transparency_is_kept_or_put_on_white() -> None:
    with Image.open(encoded(RGB8, "WEBP", alpha=ALPHA)) as image:
        assert image.mode == "RGBA"
    nothing = np.zeros((70, 50), np.uint8)
    with Image.open(encoded(RGB8, "JPEG", alpha=nothing)) as image:
        assert np.asarray(image).min() == 255


def test_exif_too_large_for_a_jpeg_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "grandmother" * 7_000
    with Image.open(encoded(RGB8, "JPEG", metadata=Metadata(exif=exif.tobytes()))) as image:
        assert dict(image.getexif()) == {MARK_TAG: MARK}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("extension", sorted(WRITABLE.values()))
def test_results_carry_a_mark_wherever_their_format_has_a_place_for_it(
    tmp_path: Path, extension: str, depth: int
) -> None:
    (image_format,) = [name for name, ending in WRITABLE.items() if ending == extension]
    exif = Image.Exif()
    exif[0x010E] = "grandmother"
    rgb = RGB16 if depth == 16 and holds_16_bits(image_format) else RGB8
    path = tmp_path / f"a{extension}"
    path.write_bytes(encoded(rgb, image_format, metadata=Metadata(exif=exif.tobytes())).getvalue())
    assert made_by_hue(path) == can_hold_mark(path) == (extension not in (".bmp", ".ppm"))


def test_other_pictures_and_other_files_carry_no_mark(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[MARK_TAG] = "another program"
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        Image.fromarray(RGB8).save(tmp_path / name)
        assert not made_by_hue(tmp_path / name)
        Image.fromarray(RGB8).save(tmp_path / name, exif=exif)
        assert not made_by_hue(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    os.mkfifo(tmp_path / "c.jpg")
    assert not any(made_by_hue(tmp_path / name) for name in ("b.jpg", "c.jpg", "absent.jpg"))


def test_a_part_that_is_not_ours_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if another hue drew the same name, it can go on writing."""
    monkeypatch.setattr("secrets.token_hex", lambda _: "1234")
    part = tmp_path / ".hue-1234.part"
    part.write_bytes(b"another run's")
    with pytest.raises(ImageError, match="cannot be written"), replacing(tmp_path / "a.png"):
        pass
    assert part.read_bytes() == b"another run's"


def test_two_runs_with_one_number_write_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 7)
    with replacing(tmp_path / "a.png") as one, replacing(tmp_path / "a.png") as two:
        one.write(b"one")
        two.write(b"two")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"one"]


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "below" / "a.png"
    for content in (b"old", b"new"):
        with replacing(path) as stream:
            stream.write(content)
            assert not path.exists() or path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [found.name for found in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_a_block_that_fails_leaves_nothing_and_touches_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.png"]


def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("ж" * 125 + ".png")
    with replacing(path) as stream:
        encode(RGB8, stream, image_format="PNG")
    assert read_photo(path).size == (70, 50)


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(ImageError, match="cannot be written"), replacing(tmp_path / "a" / "b.png"):
        pass


def test_parts_of_killed_runs_are_removed_at_once_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    (tmp_path / ".hue-1-0.part").write_bytes(b"half")
    (tmp_path / "mine.part").write_bytes(b"")
    with replacing(tmp_path / "a.png") as stream:
        remove_stale_parts(tmp_path)
        stream.write(b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.png": b"whole", "mine.part": b""}


def test_without_locks_parts_are_removed_once_they_are_an_hour_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hue_cli.images.lock.try_lock", lambda _: None)
    old, young = tmp_path / ".hue-1-0.part", tmp_path / ".hue-2-0.part"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 7200,) * 2)
    remove_stale_parts(tmp_path)
    assert list(tmp_path.iterdir()) == [young]


def test_a_part_that_was_taken_for_abandoned_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep may come between the making of a part and its lock."""
    sweeps = iter([True, False])

    def swept(descriptor: int) -> bool | None:
        if next(sweeps, False):
            for part in tmp_path.iterdir():
                part.unlink()
        return try_lock(descriptor)

    monkeypatch.setattr("hue_cli.images.write.try_lock", swept)
    with replacing(tmp_path / "a.png") as stream:
        stream.write(b"whole")
    assert (tmp_path / "a.png").read_bytes() == b"whole"
