"""An empty file system in memory, and photographs to put there."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import fsspec
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def picture() -> Callable[..., bytes]:
    def make(seed: int = 0, size: tuple[int, int] = (40, 60), image_format: str = "PNG") -> bytes:
        stream = io.BytesIO()
        grey = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
        Image.fromarray(grey).save(stream, image_format)
        return stream.getvalue()

    return make
