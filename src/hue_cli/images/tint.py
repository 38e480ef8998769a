"""Colour at full size: the photograph's own lightness joined to a small a*b* picture.

This is where most of the time of a large photograph goes, so it works in strips that stay in the
processor's cache, with tables for what has few values and no temporary array of the picture's size.

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
from hue_cli.images.luminance import levels, lightness_table, linear_table
from hue_cli.images.photo import Plane
from hue_cli.images.resize import cubic_weights, widen

Floats = NDArray[np.float32]

_STRIP_PIXELS = 1 << 16
_RGB_FROM_XZ = (np.linalg.inv(np.array(c.XYZ_FROM_RGB)) * np.array(c.WHITE)[None, :])[:, ::2].astype(np.float32)
_ENCODE_ENTRIES = 1 << 16


@cache
def _encode_table() -> NDArray[np.uint8]:
    """8-bit sRGB of linear values k / 65535: within 0.53 of an 8-bit step of the exact value."""
    linear = np.arange(_ENCODE_ENTRIES) / (_ENCODE_ENTRIES - 1)
    return np.rint(lab.linear_to_srgb(linear) * 255).astype(np.uint8)


@cache
def _f_table(entries: int) -> Floats:
    """CIE's f(Y) = (L* + 16) / 116 of each grey value."""
    return (lightness_table(entries) + np.float32(16)) / np.float32(116)


def tint(grey: Plane, ab: Floats, *, strength: float = 1.0, depth: int = 8) -> NDArray[Any]:
    """Give a photograph colour.

    Args:
        grey: ``(H, W)`` uint8 or uint16, sRGB-coded; its lightness is the result's.
        ab: ``(2, h, w)`` float32, a* and b* in CIE units, of any size; brought to H by W bicubically.
        strength: factor on a* and b*.
        depth: bits a channel of the result, 8 or 16.

    Returns:
        ``(H, W, 3)`` uint8 or uint16, sRGB. Colours outside its gamut are moved towards the grey of
        the same lightness.
    """
    height, width = grey.shape
    # f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200: scaled here, where the picture is small.
    shift = np.stack([ab[0] * np.float32(strength / 500), ab[1] * np.float32(-strength / 200)])
    wide = widen(shift, width)

    out = np.empty((height, width, 3), np.uint8 if depth == 8 else np.uint16)
    rows = max(1, min(height, _STRIP_PIXELS // width))
    strip = _Strip(rows * width, levels(grey.dtype))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, weights = cubic_weights(ab.shape[1], height, top, bottom)
        shifts = weights @ wide[:, first : first + weights.shape[1]]
        linear = strip.linear_rgb(grey[top:bottom].reshape(-1), shifts.reshape(2, -1))
        encode = strip.encode_8 if depth == 8 else strip.encode_16
        encode(linear, out[top:bottom].reshape(-1, 3))
    return out


def _cube_with_foot(f: Floats, scratch: Floats, foot: Floats) -> None:
    """The inverse of CIE's f, in place, without branches: the cube above the knee plus the line below it."""
    knee = np.float32(c.LAB_INVERSE_THRESHOLD)
    np.minimum(f, knee, out=foot)
    foot -= knee
    foot *= np.float32(1 / c.LAB_SLOPE)
    np.maximum(f, knee, out=f)
    np.multiply(f, f, out=scratch)
    f *= scratch
    f += foot


@cache
def _neutral_table(entries: int) -> Floats:
    """What the inverse of f gives for a grey's f(Y): Y, but for rounding."""
    f = _f_table(entries).copy()
    _cube_with_foot(f, np.empty_like(f), np.empty_like(f))
    return f


class _Strip:
    """Buffers for one strip, used again for the next."""

    def __init__(self, pixels: int, entries: int) -> None:
        self._f = _f_table(entries)
        self._y = linear_table(entries)
        self._neutral = _neutral_table(entries)
        self._index = np.empty(pixels, np.intp)
        self._xz = np.empty((2, pixels), np.float32)
        self._luminance = np.empty(pixels, np.float32)
        self._rgb = np.empty((3, pixels), np.float32)
        self._scratch = np.empty(pixels, np.float32)
        self._bytes = np.empty(pixels, np.uint8)

    def linear_rgb(self, grey: Plane, shifts: Floats) -> Floats:
        """Return ``(3, n)`` linear sRGB in [0, 1] for ``(n,)`` grey values and ``(2, n)`` shifts of f."""
        n = grey.size
        index, scratch = self._index[:n], self._scratch[:n]
        xz, luminance, rgb = self._xz[:, :n], self._luminance[:n], self._rgb[:, :n]
        index[...] = grey
        np.take(self._f, index, out=scratch, mode="clip")
        np.add(scratch, shifts[0], out=xz[0])
        np.add(scratch, shifts[1], out=xz[1])
        # As in scikit-image, a negative z, which no colour has, counts as zero.
        np.maximum(xz[1], 0, out=xz[1])
        _cube_with_foot(xz[0], scratch, rgb[0])
        _cube_with_foot(xz[1], scratch, rgb[0])
        # Only what differs from the grey goes through the matrix, so that no chroma is exactly no chroma.
        xz -= np.take(self._neutral, index, out=scratch, mode="clip")
        np.take(self._y, index, out=luminance, mode="clip")
        np.matmul(_RGB_FROM_XZ, xz, out=rgb)
        rgb += luminance
        _into_gamut(rgb, luminance, scratch)
        return rgb

    def encode_8(self, linear: Floats, out: NDArray[np.uint8]) -> None:
        """Write ``(3, n)`` linear values as ``(n, 3)`` 8-bit sRGB."""
        n = linear.shape[1]
        index, coded = self._index[:n], self._bytes[:n]
        linear *= np.float32(_ENCODE_ENTRIES - 1)
        linear += np.float32(0.5)
        for channel in range(3):
            np.copyto(index, linear[channel], casting="unsafe")
            np.take(_encode_table(), index, out=coded, mode="clip")
            out[:, channel] = coded

    def encode_16(self, linear: Floats, out: NDArray[np.uint16]) -> None:
        """Write ``(3, n)`` linear values as ``(n, 3)`` 16-bit sRGB, computed, since a table would be too coarse."""
        coded = lab.linear_to_srgb(np.clip(linear, 0, 1)) * np.float32(65535)
        out[...] = np.rint(coded).T


def _into_gamut(rgb: Floats, luminance: Floats, scratch: Floats) -> None:
    """Move colours outside [0, 1] straight towards the grey of their luminance, in place.

    Args:
        rgb: ``(3, n)`` linear.
        luminance: ``(n,)``, Y of each.
        scratch: ``(n,)``, overwritten.
    """
    # Pair by pair: NumPy's reduction over a short first axis is six times slower (measured).
    red, green, blue = rgb
    np.maximum(np.maximum(red, green, out=scratch), blue, out=scratch)
    outside = scratch > 1
    np.minimum(np.minimum(red, green, out=scratch), blue, out=scratch)
    outside |= scratch < 0
    which = np.flatnonzero(outside)
    if not which.size:
        return
    y = luminance[which]
    chroma = rgb[:, which] - y
    highest = np.maximum(np.maximum(chroma[0], chroma[1]), chroma[2])
    lowest = np.minimum(np.minimum(chroma[0], chroma[1]), chroma[2])
    # Chroma has both signs, since its luminance is zero; the bounds only keep rounding from dividing by zero.
    tiny = np.float32(1e-12)
    keep = np.minimum((1 - y) / np.maximum(highest, tiny), y / np.maximum(-lowest, tiny))
    rgb[:, which] = y + chroma * np.clip(keep, 0, 1)
