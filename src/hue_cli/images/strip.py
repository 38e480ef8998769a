"""The colour arithmetic on strips of a photograph: lightness and chroma in, linear light and sRGB out.

This is where most of the time of a large photograph goes, so it works strip by strip, with buffers that
are used again and tables for what has few values.

The lightness is kept exactly. L* depends on the luminance Y alone, and in linear light every colour of
luminance Y lies on a line from the grey (Y, Y, Y); a colour outside the gamut is moved along that line
until it is inside. Clipping each channel, as is usual, would darken and brighten instead.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.color import constants as c
from hue_cli.color import lab
from hue_cli.images.luminance import lightness_table
from hue_cli.images.photo import Plane
from hue_cli.images.product import product

Floats = NDArray[np.float32]

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
def _gamma_table() -> Floats:
    """Linear values k / 65535 as sRGB, times 255 and not rounded."""
    return (lab.linear_to_srgb(np.arange(_CODES) / (_CODES - 1)) * 255).astype(np.float32)


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


class Strip:
    """Buffers for one strip, used again for the next.

    Attributes:
        pixels: that there is room for.

    Linear values are kept as 0.5 + 65535 times their light: what is cut off behind the point is the table's index.
    """

    def __init__(self, pixels: int, entries: int) -> None:
        self.pixels = pixels
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
        product(_RGB_FROM_XZY, self._xzy[:, :n], out=rgb)
        _into_gamut(rgb, y, scratch)
        return rgb

    def encode_8(self, linear: Floats) -> NDArray[np.uint8]:
        """Return ``(3, n)`` linear values as 8-bit sRGB."""
        return self._look_up(_encode_table(), linear, self._bytes)

    def encode_16(self, linear: Floats) -> NDArray[np.uint16]:
        """Return ``(3, n)`` linear values as 16-bit sRGB, computed, since a table would be too coarse."""
        coded = lab.linear_to_srgb((linear - _HALF) / _WHITE) * _WHITE
        result: NDArray[np.uint16] = np.rint(coded).astype(np.uint16)
        return result

    def encode_real(self, linear: Floats) -> Floats:
        """Return ``(3, n)`` linear values as sRGB from 0 to 255, not rounded; in their place."""
        return self._look_up(_gamma_table(), linear, linear)

    def _look_up(self, table: NDArray[Any], linear: Floats, out: NDArray[Any]) -> NDArray[Any]:
        index, out = self._index[: linear.shape[1]], out[:, : linear.shape[1]]
        for channel, found in zip(linear, out, strict=True):
            np.copyto(index, channel, casting="unsafe")
            np.take(table, index, out=found, mode="clip")
        return out


def _into_gamut(rgb: Floats, luminance: Floats, scratch: Floats) -> None:
    """Move colours outside the gamut straight towards the grey of their luminance, in place.

    Args:
        rgb: ``(3, n)`` linear, 0.5 to 65535.5 where they are inside.
        luminance: ``(n,)`` of each, in the same units.
        scratch: ``(2, n)``, overwritten.
    """
    # Pair by pair: NumPy's reduction over a short first axis is six times slower (measured).
    red, green, blue = rgb
    highest, lowest = scratch
    np.maximum(np.maximum(red, green, out=highest), blue, out=highest)
    np.minimum(np.minimum(red, green, out=lowest), blue, out=lowest)
    outside = highest > _WHITE + _HALF
    outside |= lowest < _HALF
    which: Any = np.flatnonzero(outside)
    if not which.size:
        return
    if which.size > outside.size // 4:
        which = slice(None)  # gathering them would take longer than computing them all
    y = luminance[which]
    # The share of its chroma that each keeps. The bounds only keep greys, and rounding, from dividing by zero.
    keep = (_WHITE + _HALF - y) / np.maximum(highest[which] - y, _TINY)
    np.minimum(keep, (y - _HALF) / np.maximum(y - lowest[which], _TINY), out=keep)
    np.clip(keep, 0, 1, out=keep)
    # Channel by channel: NumPy gathers columns of a matrix three times as slowly (measured).
    for channel in rgb:
        chroma = channel[which] - y
        chroma *= keep
        channel[which] = chroma + y
