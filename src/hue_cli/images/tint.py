"""Colour at full size: the photograph's own lightness joined to a small a*b* picture.

This is where most of the time of a large photograph goes, so it works in strips that stay in the
processor's cache, with tables for what has few values and no temporary array of the picture's size.

The lightness is kept exactly. L* depends on the luminance Y alone, and in linear light every colour of
luminance Y lies on a line from the grey (Y, Y, Y); a colour outside the gamut is moved along that line
until it is inside. Clipping each channel, as is usual, would darken and brighten instead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.color import constants as c
from hue_cli.color import lab
from hue_cli.images.luminance import levels, lightness_table
from hue_cli.images.photo import Plane
from hue_cli.images.resize import Kernel, kernel_weights, widen

Floats = NDArray[np.float32]

DEFAULT_KERNEL = Kernel.LANCZOS
"""Measured: docs/colour.md."""

_STRIP_PIXELS = 1 << 15
_STRIPS_A_BLOCK = 16
_THREAD_PIXELS = 1 << 20
"""Fewer are not worth another thread."""
_CODES = 1 << 16
_WHITE = np.float32(_CODES - 1)
_HALF = np.float32(0.5)
_TINY = np.float32(1e-7)
# Linear RGB of what X and Z differ from the grey's, and of the grey itself.
_RGB_FROM_XZY = np.hstack(
    [np.linalg.inv(np.array(c.XYZ_FROM_RGB))[:, ::2] * np.array(c.WHITE)[::2] * (_CODES - 1), np.ones((3, 1))]
).astype(np.float32)


@cache
def _encode_table() -> NDArray[np.uint8]:
    """8-bit sRGB of linear values k / 65535: within 0.53 of an 8-bit step of the exact value."""
    linear = np.arange(_CODES) / (_CODES - 1)
    return np.rint(lab.linear_to_srgb(linear) * 255).astype(np.uint8)


@cache
def _f_table(entries: int) -> Floats:
    """CIE's f(Y) = (L* + 16) / 116 of each grey value."""
    return (lightness_table(entries) + np.float32(16)) / np.float32(116)


@cache
def _luminance_table(entries: int) -> Floats:
    """Y in [0, 1] of each grey value, with the very rounding that X and Z get, so that no chroma is exactly none."""
    f = _f_table(entries).copy()
    _invert_f(f, np.empty_like(f), np.empty_like(f), np.full_like(f, c.LAB_INVERSE_THRESHOLD))
    return f


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

    ``painting[top:bottom]`` gives rows. The arguments are those of :func:`tint`.

    Attributes:
        shape: height, width and 3.
        dtype: uint8 or uint16.
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
    ) -> None:
        height, width = grey.shape
        self.shape: tuple[int, int, int] = (height, width, 3)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8 if depth == 8 else np.uint16)
        self.seconds = 0.0
        self._grey = grey
        self._kernel = kernel
        self._threads = threads
        # f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200: scaled here, where the picture is small.
        shift = np.stack([ab[0] * np.float32(strength / 500), ab[1] * np.float32(-strength / 200)])
        self._height = ab.shape[1]
        self._wide = widen(shift, grey.shape[1], kernel)

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
        """Paint rows and put them where they are wanted, strip by strip; several threads do so with a large part."""

        def paint(first: int, last: int) -> None:
            for at, planes in self._strips(first, last):
                put(at, planes)

        begun = time.perf_counter()
        share = max(1, _THREAD_PIXELS // self.shape[1], math.ceil((bottom - top) / self._threads))
        starts = range(top, bottom, share)
        if len(starts) < 2:
            paint(top, bottom)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                for done in [pool.submit(paint, start, min(start + share, bottom)) for start in starts]:
                    done.result()
        self.seconds += time.perf_counter() - begun

    def _strips(self, top: int, bottom: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield strips: where each begins, and its ``(3, n, W)`` values, good until the next is asked for."""
        width = self.shape[1]
        rows = max(1, min(bottom - top, _STRIP_PIXELS // width))
        strip = _Strip(rows * width, levels(self._grey.dtype))
        encode = strip.encode_8 if self.dtype == np.uint8 else strip.encode_16
        for start, shifts in self._shifts(top, bottom, rows):
            stop = start + shifts.shape[1]
            linear = strip.linear_rgb(self._grey[start:stop].reshape(-1), shifts.reshape(2, -1))
            yield start, encode(linear).reshape(3, stop - start, width)

    def _shifts(self, top: int, bottom: int, rows: int) -> Iterator[tuple[int, Floats]]:
        """Yield where each strip begins, and its ``(2, n, W)`` shifts of f."""
        height, block = self.shape[0], rows * _STRIPS_A_BLOCK
        for start in range(top, bottom, block):
            first, weights = kernel_weights(self._kernel, self._height, height, start, min(start + block, bottom))
            for row in range(0, len(weights), rows):
                part = weights[row : row + rows]
                used = np.flatnonzero(part.any(axis=0))
                begin, end = used[0], used[-1] + 1
                yield start + row, part[:, begin:end] @ self._wide[:, first + begin : first + end]


Rows = NDArray[Any] | Painting
"""A picture ``(H, W, channels)`` that is asked for its rows, with ``[top:bottom]``."""


def _invert_f(f: Floats, upper: Floats, cube: Floats, knee: Floats) -> None:
    """The inverse of CIE's f, in place, without branches: the cube above the knee plus the line below it.

    Args:
        f: the values.
        upper: overwritten.
        cube: overwritten.
        knee: the knee, as often as there are values: NumPy compares two arrays four times as fast as one with a number.
    """
    np.maximum(f, knee, out=upper)
    f -= upper
    f *= np.float32(1 / c.LAB_SLOPE)
    np.multiply(upper, upper, out=cube)
    cube *= upper
    f += cube


class _Strip:
    """Buffers for one strip, used again for the next.

    Linear values are kept as 0.5 + 65535 times their light: what is cut off behind the point is the table's index.
    """

    def __init__(self, pixels: int, entries: int) -> None:
        self._f = _f_table(entries)
        self._y = _luminance_table(entries)
        self._index = np.empty(pixels, np.intp)
        self._xzy = np.empty((3, pixels), np.float32)
        self._rgb = np.empty((3, pixels), np.float32)
        self._scratch = np.empty((2, pixels), np.float32)
        self._knee = np.full(pixels, c.LAB_INVERSE_THRESHOLD, np.float32)
        self._zero = np.zeros(pixels, np.float32)
        self._bytes = np.empty((3, pixels), np.uint8)

    def linear_rgb(self, grey: Plane, shifts: Floats) -> Floats:
        """Return ``(3, n)`` linear sRGB, each 0.5 to 65535.5, for ``(n,)`` grey values and ``(2, n)`` shifts of f."""
        n = grey.size
        index, y, rgb = self._index[:n], self._xzy[2, :n], self._rgb[:, :n]
        xz, scratch = self._xzy[:2, :n], self._scratch[:, :n]
        index[...] = grey
        np.take(self._f, index, out=scratch[0], mode="clip")
        np.add(scratch[0], shifts, out=xz)
        # As in scikit-image, a negative z, which no colour has, counts as zero.
        np.maximum(xz[1], self._zero[:n], out=xz[1])
        _invert_f(xz, scratch, rgb[:2], self._knee[:n])
        # Only what differs from the grey goes through the matrix, so that no chroma is exactly no chroma.
        np.take(self._y, index, out=y, mode="clip")
        xz -= y
        y *= _WHITE
        y += _HALF
        np.matmul(_RGB_FROM_XZY, self._xzy[:, :n], out=rgb)
        _into_gamut(rgb, y, scratch[0])
        return rgb

    def encode_8(self, linear: Floats) -> NDArray[np.uint8]:
        """Return ``(3, n)`` linear values as 8-bit sRGB."""
        code, out = self._index[: linear.shape[1]], self._bytes[:, : linear.shape[1]]
        for channel, coded in zip(linear, out, strict=True):
            np.copyto(code, channel, casting="unsafe")
            np.take(_encode_table(), code, out=coded, mode="clip")
        return out

    @staticmethod
    def encode_16(linear: Floats) -> NDArray[np.uint16]:
        """Return ``(3, n)`` linear values as 16-bit sRGB, computed, since a table would be too coarse."""
        coded = lab.linear_to_srgb((linear - _HALF) / _WHITE) * _WHITE
        result: NDArray[np.uint16] = np.rint(coded).astype(np.uint16)
        return result


def _into_gamut(rgb: Floats, luminance: Floats, scratch: Floats) -> None:
    """Move colours outside the gamut straight towards the grey of their luminance, in place.

    Args:
        rgb: ``(3, n)`` linear, 0.5 to 65535.5 where they are inside.
        luminance: ``(n,)`` of each, in the same units.
        scratch: ``(n,)``, overwritten.
    """
    # Pair by pair: NumPy's reduction over a short first axis is six times slower (measured).
    red, green, blue = rgb
    np.maximum(np.maximum(red, green, out=scratch), blue, out=scratch)
    outside = scratch > _WHITE + _HALF
    np.minimum(np.minimum(red, green, out=scratch), blue, out=scratch)
    outside |= scratch < _HALF
    which: Any = np.flatnonzero(outside)
    if not which.size:
        return
    if which.size > outside.size // 4:
        which = slice(None)  # gathering them would take longer than computing them all
    # Channel by channel: NumPy gathers columns of a matrix three times as slowly (measured).
    y = luminance[which]
    chroma = [channel[which] - y for channel in rgb]
    highest = np.maximum(np.maximum(chroma[0], chroma[1]), chroma[2])
    lowest = np.minimum(np.minimum(chroma[0], chroma[1]), chroma[2])
    # Chroma has both signs, since its luminance is zero; the bounds only keep rounding from dividing by zero.
    keep = (_WHITE + _HALF - y) / np.maximum(highest, _TINY)
    np.minimum(keep, (y - _HALF) / np.maximum(-lowest, _TINY), out=keep)
    np.clip(keep, 0, 1, out=keep)
    for channel, part in zip(rgb, chroma, strict=True):
        channel[which] = y + part * keep
