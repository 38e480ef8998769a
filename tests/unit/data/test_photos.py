"""Photos out of folders and tars that nobody vouches for."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from hue_cli.data import photos
from hue_cli.data.photos import decode, iter_encoded, locate, map_photos
from hue_cli.errors import DatasetError, ImageError


def names(*sources: Path) -> list[str]:
    return [place.name for place in locate(sources)]


def read(*sources: Path) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """Sizes of what can be read, and reasons for what cannot, by name."""
    bad: dict[str, str] = {}
    good = dict(map_photos(sources, lambda image: image.size, on_bad=bad.__setitem__))
    return good, bad


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has hardly a pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_folders_are_walked_in_a_stable_order(folder: Path) -> None:
    found = names(folder)
    assert found == sorted(found)
    assert len(found) == 7
    assert "deeper/coffee 1.png" in found


@pytest.mark.parametrize(
    ("mode", "suffix"), [("w:", ".tar"), ("w:gz", ".tar.gz"), ("w:bz2", ".tbz"), ("w:xz", ".tar.xz")]
)
def test_tars_give_what_the_folder_gives(
    tmp_path: Path, pictures: dict[str, bytes], mode: str, suffix: str, write_tar: Any
) -> None:
    path = write_tar(tmp_path / f"photos{suffix}", pictures, mode)
    expected = {f"{path.name}:{name}": content for name, content in pictures.items()}
    assert dict(iter_encoded([path])) == expected
    assert names(path) == list(expected)


def test_places_of_a_plain_tar_are_read_in_any_order(
    tmp_path: Path, pictures: dict[str, bytes], write_tar: Any
) -> None:
    path = write_tar(tmp_path / "photos.tar", pictures)
    for place in reversed(list(locate([path]))):
        assert place.read() == pictures[place.name.partition(":")[2]]


def test_names_with_dots_have_no_power(tmp_path: Path, pictures: dict[str, bytes], write_tar: Any) -> None:
    content = pictures["coffee 0.png"]
    path = write_tar(tmp_path / "x.tar", {"../../escape.png": content, "/etc/absolute.png": content})
    before = sorted(tmp_path.parent.rglob("*"))
    good, bad = read(path)
    assert list(good) == ["x.tar:../../escape.png", "x.tar:/etc/absolute.png"]
    assert not bad
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    path = tmp_path / "links.tar"
    kinds = {
        "soft.png": tarfile.SYMTYPE,
        "hard.png": tarfile.LNKTYPE,
        "null.png": tarfile.CHRTYPE,
        "d.png": tarfile.DIRTYPE,
    }
    with tarfile.open(path, "w:") as tar:
        for name, kind in kinds.items():
            header = tarfile.TarInfo(name)
            header.type = kind
            header.linkname = "/etc/passwd"
            tar.addfile(header)
        header = tarfile.TarInfo("good.png")
        header.size = len(pictures["coffee 0.png"])
        tar.addfile(header, io.BytesIO(pictures["coffee 0.png"]))
    assert names(path) == ["links.tar:good.png"]


@pytest.mark.parametrize("mode", ["w:", "w:gz"])
@pytest.mark.parametrize("keep", [0.95, 0.6, 0.02])
def test_a_truncated_tar_is_an_error_with_its_name(
    tmp_path: Path, pictures: dict[str, bytes], mode: str, keep: float, write_tar: Any
) -> None:
    whole = write_tar(tmp_path / "whole.tar", dict(list(pictures.items())[:3]), mode).read_bytes().rstrip(b"\0")
    path = tmp_path / "cut.tar"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DatasetError, match=r"cut\.tar: expected a readable tar, found a damaged one"):
        read(path)


def test_a_tar_that_ends_within_a_header_is_truncated_too(
    tmp_path: Path, pictures: dict[str, bytes], write_tar: Any
) -> None:
    whole = write_tar(tmp_path / "whole.tar", pictures)
    places = list(locate([whole]))
    assert places[-1].offset is not None
    path = tmp_path / "cut.tar"
    path.write_bytes(whole.read_bytes()[: places[-1].offset - 100])
    with pytest.raises(DatasetError, match=r"cut\.tar"):
        names(path)


def test_a_tar_without_its_end_mark_is_whole(tmp_path: Path, pictures: dict[str, bytes], write_tar: Any) -> None:
    whole = write_tar(tmp_path / "whole.tar", pictures)
    last = list(locate([whole]))[-1]
    assert last.offset is not None
    end = last.offset + -(-last.size // 512) * 512
    whole.write_bytes(whole.read_bytes()[:end])
    assert len(names(whole)) == len(pictures)


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_tar_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.tar"):
        names(tmp_path / "x.tar")


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: expected a folder"):
        names(tmp_path / "nowhere")


def test_bad_photos_are_named_and_left_out(
    tmp_path: Path, pictures: dict[str, bytes], write_tar: Any, encode: Any
) -> None:
    good = pictures["coffee 0.png"]
    jpeg = encode(Image.fromarray(data.coffee()[:100, :100]), "JPEG")
    members = {
        "good.png": good,
        "cut.png": good[: len(good) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "empty.jpg": b"",
        "text.jpg": b"a letter to grandma",
        "program.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
        "bomb.png": png_header(60_000, 60_000),
        "last.png": good,
    }
    found, bad = read(write_tar(tmp_path / "x.tar", members))
    assert list(found) == ["x.tar:good.png", "x.tar:last.png"]
    assert set(bad) == {f"x.tar:{name}" for name in members} - set(found)
    assert bad["x.tar:text.jpg"] == bad["x.tar:program.jpg"] == "no picture in a format that hue reads"
    assert bad["x.tar:bomb.png"] == "more than 128 megapixels"


def test_what_is_too_large_to_be_a_photo_is_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_tar: Any
) -> None:
    monkeypatch.setattr(photos, "MAX_BYTES", 1 << 20)
    for mode in ("w:", "w:gz"):
        _, bad = read(write_tar(tmp_path / "x.tar", {"large.png": b"\0" * (3 << 20)}, mode))
        assert bad == {"x.tar:large.png": "3 MiB, more than the 1 of a photo"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out(folder: Path) -> None:
    (folder / "coffee 0.png").chmod(0)
    good, bad = read(folder)
    assert len(good) == 6
    assert bad == {"coffee 0.png": "Permission denied"}


def test_names_need_not_be_text(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    odd = os.fsdecode(b"caf\xe9 \xff.png")
    try:
        (tmp_path / odd).write_bytes(pictures["coffee 0.png"])
    except OSError:
        pytest.skip("this file system takes no such name")
    assert names(tmp_path) == [odd]


def test_links_that_lead_nowhere_and_folders_named_like_photos(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path) == []


def test_photos_are_upright_rgb_whatever_they_were(encode: Any) -> None:
    corner = np.zeros((8, 16, 3), np.uint8)
    corner[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row is the right edge
    stream = io.BytesIO()
    Image.fromarray(corner).save(stream, "PNG", exif=exif)
    turned = decode(stream.getvalue())
    assert turned.size == (8, 16)
    assert turned.getpixel((7, 0)) == (255, 255, 255)

    photo = Image.fromarray(data.coffee()[:40, :40])
    palette = photo.quantize(8)
    palette.info["transparency"] = bytes(range(8))
    for image, form in [
        (photo.convert("CMYK"), "JPEG"),
        (photo.convert("RGBA"), "PNG"),
        (palette, "PNG"),
        (photo.convert("L"), "PNG"),
        (photo.convert("1"), "PNG"),
        (photo.convert("YCbCr"), "JPEG"),
    ]:
        decoded = decode(encode(image, form))
        assert (decoded.mode, decoded.size) == ("RGB", (40, 40))


def test_decoding_raises_one_kind_of_error(encode: Any) -> None:
    whole = encode(Image.fromarray(data.coffee()[:64, :64]), "TIFF")
    generator = np.random.default_rng(0)
    for _ in range(50):
        damaged = bytearray(whole)
        for place in generator.integers(0, 200, 8):
            damaged[place if place < 8 else -place] = generator.integers(256)
        try:
            decode(bytes(damaged))
        except ImageError:
            continue


def test_decoding_ahead_is_bounded(tmp_path: Path, pictures: dict[str, bytes], write_tar: Any) -> None:
    path = write_tar(tmp_path / "x.tar", {f"{i:03}.png": pictures["coffee 0.png"] for i in range(100)})
    begun: list[int] = []
    stream = map_photos([path], lambda image: begun.append(image.width), workers=2)
    next(stream)
    assert len(begun) <= 8
    assert len(list(stream)) == 99


def test_limit_counts_what_can_be_read(tmp_path: Path, pictures: dict[str, bytes], write_tar: Any) -> None:
    members = {"0.jpg": b"", **pictures}
    assert len(list(map_photos([write_tar(tmp_path / "x.tar", members)], lambda image: None, limit=3))) == 3
