"""Preparing photos: sizes, squares, colours, names, sides, resuming, and what is wrong with some."""

from __future__ import annotations

import io
import json
import os
import tarfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from hue_cli.data.manifest import read_manifest
from hue_cli.data.prepare import SETTINGS, Job, Row, Settings, Status, finish, fit, plan, run
from hue_cli.data.splits import Shares, Side
from hue_cli.errors import DatasetError, HueError, UsageError

ALL = Shares(train=100, val=0)


def settings(**changes: Any) -> Settings:
    return Settings(**{"size": 64, "split": ALL, **changes})


def prepare(source: Path, target: Path, wanted: Settings, *, workers: int = 1, overwrite: bool = False) -> list[Row]:
    jobs = plan(source, target, wanted)
    rows = list(run(jobs, target, wanted, workers=workers, overwrite=overwrite))
    finish(rows, target, wanted)
    return rows


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos that are wide, tall, small, deep below, grey, transparent and none."""
    folder = tmp_path / "photos"
    (folder / "deep er").mkdir(parents=True)
    coffee = Image.fromarray(data.coffee()).resize((300, 200))
    coffee.save(folder / "wide.jpg", quality=95)
    coffee.rotate(90, expand=True).save(folder / "deep er" / "tall é.PNG")
    coffee.resize((20, 10)).save(folder / "small.webp")
    coffee.convert("L").save(folder / "grey.jpeg")
    coffee.convert("RGBA").save(folder / "clear.png")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "notes.txt").write_text("none", encoding="utf-8")
    return folder


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def test_photos_are_reduced_and_small_ones_left(photos: Path, tmp_path: Path) -> None:
    rows = prepare(photos, tmp_path / "out", settings())
    sizes = {
        path.relative_to(tmp_path / "out").as_posix(): opened(path).size for path in (tmp_path / "out").rglob("*.jp*g")
    }
    assert sizes == {
        "train/wide.jpg": (64, 43),
        "train/deep er/tall é.PNG.jpg": (43, 64),
        "train/small.webp.jpg": (20, 10),
        "train/grey.jpeg": (64, 43),
        "train/clear.png.jpg": (64, 43),
    }
    assert {row.source: row.message for row in rows if row.status is Status.FAILED} == {
        "bad.jpg": "no picture in a format that hue reads"
    }


@pytest.mark.parametrize(("form", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_squares_are_black_around_the_photo(photos: Path, tmp_path: Path, form: str, suffix: str) -> None:
    prepare(photos, tmp_path / "out", settings(pad=True, image_format=form, quality=100))
    results = [
        path for path in (tmp_path / "out").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
    ]
    assert {opened(path).size for path in results} == {(64, 64)}
    assert {opened(path).format for path in results} == {form}
    name = "wide.jpg" if form == "JPEG" else f"wide.jpg{suffix}"
    pixels = np.asarray(opened(tmp_path / "out" / "train" / name)).astype(int)
    assert pixels[:8].max() <= 3
    assert pixels[-8:].max() <= 3
    with Image.open(photos / "wide.jpg") as photo:
        expected = np.asarray(photo.resize((64, 43), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(pixels[10:53] - expected).mean() < (6 if form == "WEBP" else 3)  # WebP halves the colour


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (64, 64), (65, 64)])
def test_any_shape_fits(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (200, 10, 10))
    assert max(fit(image, 64, pad=False).size) == min(64, max(size))
    square = fit(image, 64, pad=True)
    assert square.size == (64, 64)
    assert np.asarray(square).max() == 200


def test_the_camera_s_orientation_is_applied_and_forgotten(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[274] = 6  # turn clockwise: what is left goes up
    exif[271] = "a camera"
    (tmp_path / "in").mkdir()
    image.save(tmp_path / "in" / "a.jpg", exif=exif, quality=95)
    prepare(tmp_path / "in", tmp_path / "out", settings())
    found = opened(tmp_path / "out" / "train" / "a.jpg")
    assert found.size == (20, 40)
    assert np.asarray(found)[5, 10, 0] > 200
    assert np.asarray(found)[35, 10, 2] > 200
    assert dict(found.getexif()) == {}


def test_other_colour_spaces_become_srgb(tmp_path: Path) -> None:
    """A profile whose red, green and blue are sRGB's in another order shows whether it is heeded."""
    wide = _profile_with_swapped_primaries()
    (tmp_path / "in").mkdir()
    Image.new("RGB", (8, 8), (250, 20, 20)).save(tmp_path / "in" / "a.png", icc_profile=wide)
    Image.new("RGB", (8, 8), (250, 20, 20)).save(tmp_path / "in" / "b.png", icc_profile=b"damaged" * 40)
    prepare(tmp_path / "in", tmp_path / "out", settings(image_format="PNG"))
    a, b = (opened(tmp_path / "out" / "train" / name) for name in ("a.png", "b.png"))
    assert np.abs(np.asarray(a)[0, 0].astype(int) - (20, 250, 20)).max() < 6
    assert np.asarray(b)[0, 0].tolist() == [250, 20, 20]
    assert "icc_profile" not in a.info


def _profile_with_swapped_primaries() -> bytes:
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(icc[128:132], "big")
    tags = {bytes(icc[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = tags[b"rXYZ"] + 4, tags[b"gXYZ"] + 4
    icc[red : red + 4], icc[green : green + 4] = icc[green : green + 4], icc[red : red + 4]
    # Its own name must not say sRGB, or it would be believed.
    return bytes(icc).replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be"))


def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    large = Image.fromarray(data.astronaut()).resize((1600, 1200), Image.Resampling.BICUBIC)
    large.save(tmp_path / "in" / "a.jpg", quality=95)
    prepare(tmp_path / "in", tmp_path / "out", settings(size=100, image_format="PNG"))
    found = np.asarray(opened(tmp_path / "out" / "train" / "a.jpg.png")).astype(int)
    expected = np.asarray(opened(tmp_path / "in" / "a.jpg").resize((100, 75), Image.Resampling.LANCZOS)).astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 1


def test_results_lie_on_their_sides_and_in_the_manifest(photos: Path, tmp_path: Path) -> None:
    for number in range(60):
        (photos / f"n{number}.png").write_bytes((photos / "clear.png").read_bytes() if number == 0 else _pixel(number))
    wanted = settings(split=Shares(train=60, val=30, test=10), seed=3)
    rows = prepare(photos, tmp_path / "out", wanted)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert manifest.verify() == []
    assert sum(manifest.counts.values()) == sum(row.status is Status.DONE for row in rows)
    assert all(count > 0 for count in manifest.counts.values())
    assert {Path(entry.file).parts[0] for entry in manifest.entries} == {"train", "val", "test"}
    assert all(entry.file.startswith(f"{entry.side}/") for entry in manifest.entries)
    assert manifest.rule == "60 % train + 30 % val + 10 % test, by the hash of the name, seed 3"
    # Photos that come later move none.
    (photos / "new.png").write_bytes(_pixel(99))
    prepare(photos, tmp_path / "out", wanted)
    again = read_manifest(tmp_path / "out")
    assert again is not None
    assert set(manifest.entries) < set(again.entries)


def _pixel(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2), (value, value, 0)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("workers", [1, 2])
def test_another_run_goes_on(photos: Path, tmp_path: Path, workers: int) -> None:
    out = tmp_path / "out"
    first = prepare(photos, out, settings(), workers=workers)
    assert sum(row.status is Status.DONE for row in first) == 5
    listed = (out / "manifest.json").read_bytes()
    (out / "train" / "wide.jpg").unlink()
    before = {path: path.stat().st_mtime_ns for path in (out / "train").rglob("*.jp*g")}
    second = prepare(photos, out, settings(), workers=workers)
    assert [row.source for row in second if row.status is Status.DONE] == ["wide.jpg"]
    assert sum(row.status is Status.SKIPPED for row in second) == 4
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (out / "manifest.json").read_bytes() == listed
    third = prepare(photos, out, settings(), workers=workers, overwrite=True)
    assert sum(row.status is Status.DONE for row in third) == 5


def test_processes_make_what_one_makes(photos: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        prepare(photos, tmp_path / str(workers), settings(pad=True), workers=workers)
    one, two = (read_manifest(tmp_path / str(workers)) for workers in (1, 2))
    assert one is not None
    assert two is not None
    assert one.digest == two.digest


def test_a_run_that_is_closed_early_leaves_whole_files(photos: Path, tmp_path: Path) -> None:
    jobs = plan(photos, tmp_path / "out", settings())
    rows = run(jobs, tmp_path / "out", settings(), workers=2, overwrite=False)
    next(rows)
    rows.close()
    for path in (tmp_path / "out" / "train").rglob("*"):
        if path.is_file():
            assert not path.name.startswith(".")
            opened(path)


def test_a_tar_is_prepared_and_its_bad_names_are_not(photos: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("good.jpg", "../evil.jpg", "/evil.jpg", "a/../../evil.jpg"):
            content = (photos / "wide.jpg").read_bytes()
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    rows = prepare(archive, tmp_path / "out", settings())
    assert {row.status for row in rows if "evil" in row.source} == {Status.FAILED}
    assert {row.message for row in rows if "evil" in row.source} == {"its name leads out of the folder"}
    assert [path.name for path in tmp_path.rglob("*.jpg") if path.parent.name == "train"] == ["good.jpg"]
    assert not list(tmp_path.rglob("evil*"))


def test_photos_alike_by_stem_stay_two(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "a.webp", "a.jpg", "a.JPEG"):
        Image.new("RGB", (4, 4)).save(tmp_path / "in" / name)
    prepare(tmp_path / "in", tmp_path / "out", settings())
    assert sorted(path.name for path in (tmp_path / "out" / "train").iterdir()) == [
        "a.JPEG",
        "a.jpg",
        "a.png.jpg",
        "a.webp.jpg",
    ]


def test_bombs_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.data.photos.MAX_MEGAPIXELS", 0.001)
    (tmp_path / "in").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "in" / "a.png")
    (row,) = prepare(tmp_path / "in", tmp_path / "out", settings())
    assert row.message == "64×64 pixels, more than 0.001 megapixels"


def test_a_file_that_is_too_long_is_a_row(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.data.photos.MAX_BYTES", (photos / "wide.jpg").stat().st_size - 1)
    messages = {row.source: row.message for row in prepare(photos, tmp_path / "out", settings())}
    assert messages["wide.jpg"].endswith("of a photo")


def test_a_result_that_cannot_be_written_is_a_row(photos: Path, tmp_path: Path) -> None:
    jobs = plan(photos, tmp_path / "out", settings())
    (tmp_path / "out" / "train").write_text("in the way", encoding="utf-8")
    rows = list(run(jobs, tmp_path / "out", settings(), workers=1, overwrite=False))
    assert {row.status for row in rows} == {Status.FAILED}
    assert any("cannot be written" in row.message for row in rows)


def test_other_settings_into_the_same_folder_are_refused(photos: Path, tmp_path: Path) -> None:
    prepare(photos, tmp_path / "out", settings())
    with pytest.raises(UsageError, match=r"was begun with other settings \(size 64, pad False\)"):
        plan(photos, tmp_path / "out", settings(size=32, pad=True))
    (tmp_path / "out" / SETTINGS).write_text("[", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be used"):
        plan(photos, tmp_path / "out", settings())


def test_a_folder_with_other_things_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        plan(photos / "deep er", tmp_path, settings())
    with pytest.raises(UsageError, match="lies among the photos"):
        plan(photos, photos / "out", settings())
    with pytest.raises(UsageError, match="lies among the photos"):
        plan(photos, photos, settings())


def test_sources_that_are_none(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found nothing there"):
        plan(tmp_path / "nowhere", tmp_path / "out", settings())
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="found no file that looks like one"):
        plan(tmp_path / "empty", tmp_path / "out", settings())
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(photos / "wide.jpg", "a.jpg")
    with pytest.raises(UsageError, match="is compressed"):
        plan(tmp_path / "a.tar.gz", tmp_path / "out", settings())
    assert not (tmp_path / "out").exists()


def test_rows_are_plain_data() -> None:
    row = Row(source="a\udce9.jpg", status=Status.FAILED, side=Side.VAL, message="no")
    assert json.loads(json.dumps(row.to_dict())) == {
        "source": "a\udce9.jpg",
        "status": "failed",
        "side": "val",
        "message": "no",
    }


def test_a_worker_that_is_killed_is_a_sentence(photos: Path, tmp_path: Path) -> None:
    deadly: Any = SimpleNamespace(read=partial(os._exit, 9))
    job = Job(name="deadly.jpg", side=Side.TRAIN, place=deadly, file="train/deadly.jpg")
    with pytest.raises(HueError, match="the same command with fewer --workers goes on"):
        list(run([job] * 3, tmp_path, settings(), workers=2, overwrite=False))
