"""Colour at full size: the photograph's own lightness joined to a small a*b* picture.

It is painted strip by strip where it is asked for, with no temporary array of the picture's size;
:mod:`hue_cli.images.strip` has the arithmetic.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.images.luminance import levels
from hue_cli.images.photo import Plane
from hue_cli.images.product import product
from hue_cli.images.resize import Kernel, kernel_weights, widen
from hue_cli.images.strip import Floats, Strip

DEFAULT_KERNEL = Kernel.LANCZOS
"""Measured: docs/colour.md."""

_STRIP_PIXELS = 1 << 17
_STRIPS_A_BLOCK = 4
_THREAD_PIXELS = 1 << 20
"""Fewer are not worth another thread."""


def tint(
    grey: Plane,
    ab: Floats,
    *,
    strength: float = 1.0,
    depth: int = 8,
    kernel: Kernel = DEFAULT_KERNEL,
    threads: int = 1,
) -> NDArray[Any]:
    """Give a photograph colour.

    Args:
        grey: ``(H, W)`` uint8 or uint16, sRGB-coded; its lightness is the result's.
        ab: ``(2, h, w)`` float32, a* and b* in CIE units, of any size.
        strength: factor on a* and b*.
        depth: bits a channel of the result, 8 or 16.
        kernel: by which a* and b* are brought to H by W.
        threads: most that share the work on a large photograph.

    Returns:
        ``(H, W, 3)`` uint8 or uint16, sRGB. Colours outside its gamut are moved towards the grey of
        the same lightness.
    """
    return Painting(grey, ab, strength=strength, depth=depth, kernel=kernel, threads=threads)[:]


class Painting:
    """A photograph in colour that is painted where it is asked for, so that it need not be in memory as a whole.

    ``painting[top:bottom]`` gives rows. The arguments are those of :func:`tint`, and ``check``, which is called before
    each strip, and raises where the painting is not wanted any more.

    Attributes:
        grey: as given.
        shape: height, width and 3.
        dtype: uint8 or uint16.
        threads: most that share the work.
        seconds: that painting has taken so far.
    """

    def __init__(
        self,
        grey: Plane,
        ab: Floats,
        *,
        strength: float = 1.0,
        depth: int = 8,
        kernel: Kernel = DEFAULT_KERNEL,
        threads: int = 1,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        height, width = grey.shape
        self.grey = grey
        self.shape: tuple[int, int, int] = (height, width, 3)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8 if depth == 8 else np.uint16)
        self.seconds = 0.0
        self._ab = ab
        self._strength = strength
        self._kernel = kernel
        self.threads = threads
        self._check = check
        self._extent: tuple[float, float] = (height, width)

    def halved(self, grey: NDArray[np.uint8]) -> Painting:
        """Return the painting, of 8 bits, over its grey picture, of 8 bits too, at half its size, rounded up."""
        small = np.asarray(Image.fromarray(grey).reduce(2))
        half = Painting(
            small, self._ab, strength=self._strength, kernel=self._kernel, threads=self.threads, check=self._check
        )
        # What is rounded up lies beyond the border: without this, colours would be off by half a pixel there.
        half._extent = self.shape[0] / 2, self.shape[1] / 2
        return half

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Return rows, ``(n, W, 3)``."""
        top, bottom, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"rows {rows}: expected a step of 1")
        out = np.empty((max(0, bottom - top), *self.shape[1:]), self.dtype)

        def fill(at: int, planes: NDArray[Any]) -> None:
            part = out[at - top : at - top + planes.shape[1]]
            for channel, plane in enumerate(planes):
                part[..., channel] = plane

        self._paint(top, bottom, fill)
        return out

    def to_image(self) -> Image.Image:
        """Return an 8-bit painting as Pillow's; without an array of its size in between."""
        image = Image.new("RGB", self.shape[1::-1])

        def paste(at: int, planes: NDArray[Any]) -> None:
            image.paste(Image.merge("RGB", [Image.fromarray(plane) for plane in planes]), (0, at))

        self._paint(0, len(self), paste)
        return image

    def _paint(self, top: int, bottom: int, put: Callable[[int, NDArray[Any]], None]) -> None:
        """Paint rows, and give ``put`` the first row of each strip and its ``(3, n, W)`` values."""
        encode = Strip.encode_8 if self.dtype == np.uint8 else Strip.encode_16

        def paint(first: int, last: int) -> None:
            strip = self.strip(last - first)
            for at, shifts in self.shifts(first, last):
                shape = shifts.shape[1:]
                linear = strip.linear_rgb(self.grey[at : at + shape[0]].reshape(-1), shifts.reshape(2, -1))
                put(at, encode(strip, linear).reshape(3, *shape))

        self.share(top, bottom, paint)

    def share(self, top: int, bottom: int, work: Callable[[int, int], None]) -> None:
        """Do work on rows; several threads share it where there is much.

        Args:
            top: first row.
            bottom: the row behind the last.
            work: called with the first row of a part, and the row behind its last.
        """
        begun = time.perf_counter()
        size = max(1, _THREAD_PIXELS // self.shape[1], math.ceil((bottom - top) / self.threads))
        starts = range(top, bottom, size)
        if len(starts) < 2:
            work(top, bottom)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                for done in [pool.submit(work, start, min(start + size, bottom)) for start in starts]:
                    done.result()
        self.seconds += time.perf_counter() - begun

    @cached_property
    def _wide(self) -> Floats:
        """``(2, h, W)``: f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200, at the width of the result."""
        a, b = self._ab
        shift = np.stack([a * np.float32(self._strength / 500), b * np.float32(-self._strength / 200)])
        return widen(shift, self.shape[1], self._kernel, extent=self._extent[1])

    def strip(self, rows: int) -> Strip:
        """Return buffers for the strips that so many rows are painted in."""
        return Strip(max(4, self._rows_of_strip(rows) * self.shape[1]), levels(self.grey.dtype))

    def _rows_of_strip(self, rows: int) -> int:
        return max(1, min(rows, _STRIP_PIXELS // self.shape[1]))

    def shifts(self, top: int, bottom: int) -> Iterator[tuple[int, Floats]]:
        """Yield where each strip of some rows begins, and its ``(2, n, W)`` shifts of f."""
        rows, wide = self._rows_of_strip(bottom - top), self._wide
        block = rows * _STRIPS_A_BLOCK
        for start in range(top, bottom, block):
            stop = min(start + block, bottom)
            first, weights = kernel_weights(self._kernel, wide.shape[1], self._extent[0], start, stop)
            for row in range(0, len(weights), rows):
                self._check()
                part = weights[row : row + rows]
                used = np.flatnonzero(part.any(axis=0))
                begin, end = used[0], used[-1] + 1
                yield start + row, product(part[:, begin:end], wide[:, first + begin : first + end])


class Rows(Protocol):
    """A picture ``(H, W, channels)`` that is asked for its rows, with ``[top:bottom]``: an array, or a painting."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a channel."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        """Return rows, ``(n, W, channels)``."""
