"""Encoding pictures: what goes in comes out, with all that the photograph said of itself."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from hue_cli.images.encode import Encoding, Picture, encode, encode_sequence
from hue_cli.images.mark import Provenance, can_hold_mark, made_by_hue
from hue_cli.images.photo import WRITABLE, Metadata, Sequence, holds_16_bits

RNG = np.random.default_rng(3)
RGB8 = RNG.integers(0, 256, (70, 50, 3), dtype=np.uint8)
RGB16 = RNG.integers(0, 65536, (70, 50, 3), dtype=np.uint16)
ALPHA = RNG.integers(0, 256, (70, 50), dtype=np.uint8)


MADE = Provenance(model="tiny", digest="0" * 64, version="0.1.0")


def encoded(
    rgb: np.ndarray,
    image_format: str,
    *,
    alpha: np.ndarray | None = None,
    metadata: Metadata | None = None,
    quality: int | None = None,
    provenance: Provenance | None = MADE,
) -> io.BytesIO:
    stream = io.BytesIO()
    encoding = Encoding(image_format=image_format, quality=quality, provenance=provenance)
    encode(Picture(rgb=rgb, alpha=alpha, metadata=metadata or Metadata()), stream, encoding)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_lossless_formats_give_back_every_pixel(image_format: str) -> None:
    with Image.open(encoded(RGB8, image_format)) as image:
        assert image.format == image_format
        np.testing.assert_array_equal(np.asarray(image), RGB8)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "AVIF"])
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
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"), icc=icc, dpi=(600.0, 300.0))
    with Image.open(encoded(rgb, image_format, metadata=metadata)) as image:
        assert image.info["icc_profile"] == icc
        assert image.info["dpi"] == pytest.approx((600, 300), abs=0.1)
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
    with Image.open(encoded(RGB8, "JPEG", metadata=Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0")))) as image:
        assert not image.getexif()


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
    path.write_bytes(
        encoded(rgb, image_format, metadata=Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"))).getvalue()
    )
    assert made_by_hue(path) == can_hold_mark(path) == (extension not in (".bmp", ".ppm"))


def test_without_provenance_a_result_says_nothing_of_hue(tmp_path: Path) -> None:
    for name in ("JPEG", "PNG", "TIFF", "WEBP", "JPEG2000", "AVIF"):
        content = encoded(RGB8, name, provenance=None).getvalue()
        assert b"hue" not in content
        (tmp_path / "a").write_bytes(content)
        assert not made_by_hue(tmp_path / "a")


def test_other_pictures_and_other_files_carry_no_mark(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        Image.fromarray(RGB8).save(tmp_path / name)
        assert not made_by_hue(tmp_path / name)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    os.mkfifo(tmp_path / "c.jpg")
    assert not any(made_by_hue(tmp_path / name) for name in ("b.jpg", "c.jpg", "absent.jpg"))


def test_a_long_animation_goes_where_it_need_not_be_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.images.encode._MOST_IN_MEMORY", 3 * RGB8[..., 0].size)
    pictures = [Picture(rgb=RGB8, duration=40)] * 4
    sequence = Sequence(kind="animation", count=4)
    with pytest.raises(ValueError, match="--format png takes them one by one"):
        encode_sequence(pictures, io.BytesIO(), Encoding(image_format="WEBP"), sequence)
    stream = io.BytesIO()
    encode_sequence(pictures, stream, Encoding(image_format="PNG"), sequence)
    with Image.open(stream) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]


def test_an_animation_that_is_transparent_only_around_its_pictures_stays_so() -> None:
    alpha = np.zeros(RGB8.shape[:2], np.uint8)
    alpha[:, : RGB8.shape[1] // 2] = 255
    pictures = [Picture(rgb=RGB8, alpha=alpha, duration=40), Picture(rgb=255 - RGB8, alpha=alpha, duration=40)]
    stream = io.BytesIO()
    encode_sequence(pictures, stream, Encoding(image_format="WEBP"), Sequence(kind="animation", count=2))
    with Image.open(stream) as image:
        for index in range(2):
            image.seek(index)
            np.testing.assert_array_equal(np.asarray(image.convert("RGBA"))[..., 3], alpha)


def test_heic_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.images.encode.has_heif", lambda: False)
    with pytest.raises(ValueError, match="needs the extra 'heif'"):
        encoded(RGB8, "HEIF")


def test_only_what_heic_cannot_hold_is_the_formats_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr("hue_cli.images.encode.has_heif", lambda: True)
    monkeypatch.setattr("hue_cli.images.encode.heif_effort", dict)
    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(ValueError, match="no such luck"):
        encoded(RGB8, "HEIF")
    with pytest.raises(RuntimeError, match="no such luck"):
        encoded(RGB8, "WEBP")


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory")
def test_a_jpeg_that_was_cut_short_is_noticed() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stream = io.BytesIO()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            encode(Picture(rgb=RGB8), stream, Encoding(image_format="JPEG"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not stream.getvalue()
