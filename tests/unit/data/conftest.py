"""Photos on disk, as users have them: in folders and in tars."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
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
