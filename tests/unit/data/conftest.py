"""Photos on disk, as users have them: in folders and in tars."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from PIL import Image
from skimage import data


class WriteTar(Protocol):
    """Writes members by name into a tar."""

    def __call__(self, path: Path, members: Mapping[str, bytes], mode: str = "w:") -> Path: ...


class Encode(Protocol):
    """Turns an image into the bytes of a file."""

    def __call__(self, image: Image.Image, form: str = "PNG") -> bytes: ...


@pytest.fixture(scope="session")
def write_tar() -> WriteTar:
    def write(path: Path, members: Mapping[str, bytes], mode: str = "w:") -> Path:
        with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
            for name, content in members.items():
                header = tarfile.TarInfo(name)
                header.size = len(content)
                tar.addfile(header, io.BytesIO(content))
        return path

    return write


@pytest.fixture(scope="session")
def encode() -> Encode:
    def encoded(image: Image.Image, form: str = "PNG") -> bytes:
        stream = io.BytesIO()
        image.save(stream, form)
        return stream.getvalue()

    return encoded


@pytest.fixture(scope="session")
def pictures(encode: Encode) -> dict[str, bytes]:
    """Seven PNG files by name, wide and tall, of two photographs."""
    crops = {f"coffee {i}.png": data.coffee()[i * 20 : i * 20 + 90, 100 : 170 + 20 * i] for i in range(4)}
    crops |= {f"chelsea {i}.png": data.chelsea()[20 * i : 20 * i + 120, 100:180] for i in range(3)}
    return {name: encode(Image.fromarray(np.ascontiguousarray(crop))) for name, crop in crops.items()}


@pytest.fixture
def folder(tmp_path: Path, pictures: dict[str, bytes]) -> Path:
    """The pictures in a folder with a sub-folder."""
    root = tmp_path / "photos"
    (root / "deeper").mkdir(parents=True)
    for number, (name, content) in enumerate(pictures.items()):
        (root / ("deeper" if number % 2 else ".") / name).write_bytes(content)
    return root


@pytest.fixture
def tinies(encode: Encode) -> Callable[[int], list[bytes]]:
    """Makes so many tiny JPEG files, each of another colour."""

    def make(count: int) -> list[bytes]:
        return [encode(Image.new("RGB", (8, 8), (i % 256, i // 256, 99)), "JPEG") for i in range(count)]

    return make


@pytest.fixture
def archive_of(tinies: Callable[[int], list[bytes]]) -> Callable[..., bytes]:
    """Makes small archives of the layout that the real ones have: photos, and what lies beside them."""

    layouts = {
        "mirflickr25k": (
            "mirflickr/im{}.jpg",
            {"mirflickr/doc/README.txt": b"read", "mirflickr/meta/tags/t1.txt": b"t"},
        ),
        "coco": ("val2017/{:012}.jpg", {}),
        "places365": ("val_256/Places365_val_{:08}.jpg", {}),
        "ade20k": (
            "ADEChallengeData2016/images/training/ADE_train_{:08}.jpg",
            {"ADEChallengeData2016/annotations/training/ADE_train_00000001.png": b"a", "__MACOSX/x/._a.jpg": b"m"},
        ),
        "kaggle": ("data/train_color/image{:04}.jpg", {"data/train_black/image0001.jpg": b"grey"}),
        "landscape": ("landscape Images/color/{}.jpg", {"landscape Images/gray/0.jpg": b"grey"}),
    }

    def make(name: str, count: int, *, form: str | None = None) -> bytes:
        pattern, others = layouts[name]
        members = {pattern.format(i): content for i, content in enumerate(tinies(count))} | others
        if name == "kaggle":
            members |= {f"data/test_color/image{i:04}.jpg": content for i, content in enumerate(tinies(3))}
        stream = io.BytesIO()
        if (form or ("tar" if name == "places365" else "zip")) == "tar":
            with tarfile.open(fileobj=stream, mode="w") as tar:
                for member, content in members.items():
                    header = tarfile.TarInfo(member)
                    header.size = len(content)
                    tar.addfile(header, io.BytesIO(content))
        else:
            with zipfile.ZipFile(stream, "w") as archive:
                archive.mkdir("empty")
                for member, content in members.items():
                    archive.writestr(member, content)
        return stream.getvalue()

    return make
