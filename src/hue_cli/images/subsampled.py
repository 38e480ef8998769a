"""A painting as most JPEGs hold it: luma at full size, chroma at half (4:2:0).

An encoder that is given RGB throws three quarters of the chroma away. Here it is not computed in the first
place: the colour arithmetic runs at half size, which gives Cb, Cr and how luma depends on grey there, and luma
follows grey at full size. Where grey changes too much within two by two pixels for that, at edges and in dithers
and halftones, all four are computed and their chroma is averaged, as an encoder does (measured: docs/colour.md).

References:
    ITU-T T.871 (JFIF), §7: conversion from RGB.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.color.constants import XYZ_FROM_RGB
from hue_cli.images.photo import Plane
from hue_cli.images.product import product
from hue_cli.images.strip import Floats, Strip
from hue_cli.images.tint import Painting

Bytes = NDArray[np.uint8]

_YCC_FROM_RGB = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_LUMINANCE = np.array(XYZ_FROM_RGB[1], np.float32)
# How steeply linear light rises with sRGB, but for a factor: u^1.4 as 0.55 u + 0.45 u², in steps of 255ths. Only
# ratios are used, and two errors of one sign leave them almost alone.
_STEEPNESS = np.float32(0.55), np.float32(0.45 / 255)
_LEAST = np.float32(0.01)
"""Keeps black from a division by zero."""
_PAIR = np.dtype("<u2")
_LOW, _HIGH = np.uint16(0xFF), np.uint16(8)
"""How the left and the right one of two bytes are taken from their number."""
_UNIT = 64
"""Luma and slope are counted in its parts: both fit 16 bits, and so does what they make."""
_STEEPEST = np.float32(1.5 * _UNIT)
"""Slopes of luma over grey: no colour inside the gamut, but some at its edge, are steeper."""
# Luma in parts, what is linear in the steepness, Cb and Cr, of RGB; and what else the steepness has, of its squares.
_AT_HALF_SIZE = np.vstack([_YCC_FROM_RGB[0] * _UNIT, _LUMINANCE * _STEEPNESS[0], _YCC_FROM_RGB[1:]], dtype=np.float32)
_SQUARES = _LUMINANCE * _STEEPNESS[1]
_BAND_PIXELS = 1 << 24
"""Painted at once: a larger picture is put together, to spare memory."""
_ROUGH = 24
"""Grey of a pixel less that of its four's mean, from which on all four are computed. Film grain has less."""


def paint_subsampled(painting: Painting) -> Image.Image:
    """Paint a whole picture for an encoder that halves its chroma.

    Args:
        painting: over grey of 8 or 16 bits; of the latter the upper 8 count, rounded, as luma has no more.

    Returns:
        In Pillow's mode YCbCr, two by two pixels of one chroma each.
    """
    grey = _eight_bits(painting.grey)
    half = painting.halved(grey)
    height, width = grey.shape
    rows = 2 * max(1, _BAND_PIXELS // (2 * width))
    starts = range(0, height, rows)
    bands = (_to_image(_paint_lines(half, grey, top, min(top + rows, height))) for top in starts)
    if len(starts) == 1:
        image = next(bands)
    else:
        image = Image.new("YCbCr", (width, height))
        for top, band in zip(starts, bands, strict=True):
            image.paste(band, (0, top))
    painting.seconds += half.seconds
    return image


def _to_image(lines: Bytes) -> Image.Image:
    # Not put together from planes: Pillow's ways to merge and to paste do not let other threads work meanwhile. Nor
    # with the function of the same name, which fills the image with black before.
    image = Image.new("YCbCr", (lines.shape[2], lines.shape[0]), None)
    image.frombytes(lines.data, "raw", "YCbCr;L")
    return image


def _paint_lines(half: Painting, grey: Bytes, top: int, bottom: int) -> Bytes:
    """Return rows of the picture, ``(n, 3, W)``, each as one line of luma and two of chroma.

    Args:
        half: the painting at half size.
        grey: of the whole picture, at full size.
        top: first row, even.
        bottom: the row behind the last; even, or the last of all.
    """
    small = _eight_bits(half.grey)
    width = grey.shape[1]
    lines = np.empty((bottom - top, 3, width), np.uint8)

    def work(first: int, last: int) -> None:
        strip = half.strip(last - first)
        rough = _Rough(strip, grey[top:bottom], lines)
        for start, shifts in half.shifts(first, last):
            stop = start + shifts.shape[1]
            chroma, slopes = _at_half_size(strip, small[start:stop], shifts)
            luma, is_rough = _follow(_even(grey[2 * start : 2 * stop]), small[start:stop], slopes)
            out = lines[2 * start - top : 2 * stop - top]
            out[:, 0] = luma[: len(out), :width]
            doubled = _twice(chroma)[..., :width].swapaxes(0, 1)
            for row in (0, 1):
                same = out[row::2, 1:]
                same[...] = doubled[: len(same)]
            rough.add(start - top // 2, is_rough, shifts)
        rough.paint()

    half.share(top // 2, (bottom + 1) // 2, work)
    return lines


def _even(grey: Bytes) -> Bytes:
    """Return rows with an even number of them and of columns: as in encoders, the last stands for the missing one."""
    height, width = grey.shape
    return np.pad(grey, ((0, height % 2), (0, width % 2)), "edge") if height % 2 or width % 2 else grey


def _twice(chroma: Bytes) -> Bytes:
    """Return each byte of the rows twice."""
    return (chroma * np.uint16(0x101)).view(np.uint8)


def _eight_bits(grey: Plane) -> Bytes:
    """Return grey in 8 bits, rounded."""
    if grey.dtype == np.uint8:
        return cast(Bytes, grey)
    step, half = np.uint16(257), np.uint16(128)
    return ((np.minimum(grey, np.uint16(0xFFFF) - half) + half) // step).astype(np.uint8)


def _chroma_bytes(chroma: Floats) -> Bytes:
    """Return Cb or Cr as they are stored."""
    # Not a half more: pure blue and pure red have 255.5, which is 255 in a byte.
    return (chroma + np.float32(128.499)).astype(np.uint8)


def _at_half_size(strip: Strip, grey: Bytes, shifts: Floats) -> tuple[Bytes, NDArray[np.int16]]:
    """Return the chroma of a strip at half size, and how luma depends on grey there, over that chroma.

    Linear light rises with luma as it does with each channel, weighted as luminance weighs them; and it must rise
    as it does with grey.

    Args:
        strip: with room for it.
        grey: ``(h, w)``.
        shifts: ``(2, h, w)``, of f.

    Returns:
        ``(2, h, w)`` Cb and Cr, and ``(2, h, w)`` luma and its slope over grey, in :data:`_UNIT` parts.
    """
    rgb = strip.encode_real(strip.linear_rgb(grey.reshape(-1), shifts.reshape(2, -1)))
    found = product(_AT_HALF_SIZE, rgb)
    line, chroma = found[:2], _chroma_bytes(found[2:]).reshape(2, *grey.shape)
    slope = line[1]
    slope += np.einsum("c,cn->n", _SQUARES, np.square(rgb, out=rgb))
    slope += _LEAST
    np.divide(np.take(_steepness_of_grey(), grey.reshape(-1)), slope, out=slope)
    np.minimum(slope, _STEEPEST, out=slope)
    return chroma, np.rint(line, out=line).astype(np.int16).reshape(2, *grey.shape)


@cache
def _steepness_of_grey() -> Floats:
    linear, square = _STEEPNESS
    grey = np.arange(256, dtype=np.float32)
    return np.float32(_UNIT) * (grey * (linear + square * grey) + _LEAST)


def _follow(grey: Bytes, small: Bytes, line: NDArray[np.int16]) -> tuple[Bytes, NDArray[np.bool_]]:
    """Return the luma of a strip, and where grey changes too much for it.

    Two neighbours are taken from, and put back into, one number of 16 bits: NumPy is slow at every second byte.

    Args:
        grey: ``(2 h, 2 w)``.
        small: ``(h, w)``, its means.
        line: ``(2, h, w)`` luma and its slope over grey there; overwritten.

    Returns:
        ``(2 h, 2 w)`` and ``(h, w)``.
    """
    base, slope = line
    # Sums that do not fit 16 bits come out wrong in rough places alone.
    base += _UNIT // 2 - small * slope
    pairs = grey.view(_PAIR)
    luma = np.empty_like(pairs)
    for row in (0, 1):
        left, right = pairs[row::2] & _LOW, pairs[row::2] >> _HIGH
        for grey_values in (left, right):
            _to_luma(grey_values, base, slope)
        right <<= _HIGH
        np.bitwise_or(left, right, out=luma[row::2])
    brightest = np.maximum(grey[::2], grey[1::2]).view(_PAIR)
    darkest = np.minimum(grey[::2], grey[1::2]).view(_PAIR)
    rough = np.maximum(brightest & _LOW, brightest >> _HIGH) - small >= _ROUGH
    rough |= small - np.minimum(darkest & _LOW, darkest >> _HIGH) >= _ROUGH
    return luma.view(np.uint8), rough


def _to_luma(grey: NDArray[np.uint16], base: NDArray[np.int16], slope: NDArray[np.int16]) -> None:
    """Replace grey values by their luma."""
    value = grey.view(np.int16)
    value *= slope
    value += base
    value //= _UNIT
    np.clip(value, 0, 255, out=value)


class _Rough:
    """Where grey changes too much for lines: gathered strip by strip, since each alone would have few, and painted.

    Args:
        strip: with room for some of them.
        grey: ``(H, W)``.
        lines: ``(H, 3, W)``, overwritten there.
    """

    def __init__(self, strip: Strip, grey: Bytes, lines: Bytes) -> None:
        self._strip = strip
        self._grey = grey
        self._lines = lines
        self._most = strip.pixels // 4
        self._found: list[tuple[NDArray[np.intp], NDArray[np.intp], Floats]] = []
        self._count = 0

    def add(self, first: int, is_rough: NDArray[np.bool_], shifts: Floats) -> None:
        """Add the rough pixels of chroma of a strip.

        Args:
            first: row of chroma where it begins.
            is_rough: ``(h, w)``.
            shifts: of f, ``(2, h, w)``.
        """
        if not is_rough.any():
            return
        where = np.flatnonzero(is_rough)
        for found in np.split(where, range(self._most, len(where), self._most)):
            y, x = np.divmod(found, is_rough.shape[1])
            if self._count + len(found) > self._most:
                self.paint()
            self._found.append((y + first, x, shifts[:, y, x]))
            self._count += len(found)

    def paint(self) -> None:
        """Paint what was gathered: chroma, and the four of luma that belong to it, at full size."""
        if not self._found:
            return
        y, x, shifts = (np.concatenate(parts, axis=-1) for parts in zip(*self._found, strict=True))
        self._found, self._count = [], 0
        height, width = self._grey.shape
        # Where a side is odd, its last row or column stands for the missing one, as in encoders.
        rows = np.minimum(2 * y[:, None] + (0, 0, 1, 1), height - 1)
        columns = np.minimum(2 * x[:, None] + (0, 1, 0, 1), width - 1)
        grey = self._grey[rows, columns].reshape(-1)
        rgb = self._strip.encode_real(self._strip.linear_rgb(grey, shifts.repeat(4, axis=1)))
        ycc = product(_YCC_FROM_RGB, rgb)
        self._lines[rows, 0, columns] = np.rint(ycc[0]).reshape(rows.shape)
        for line, chroma in enumerate(_chroma_bytes(ycc[1:].reshape(2, -1, 4).mean(axis=2)), 1):
            self._lines[rows, line, columns] = chroma[:, None]
