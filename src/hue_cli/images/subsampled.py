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
_STEEPEST = np.float32(1.5)
"""Slopes of luma over grey: no colour inside the gamut, but some at its edge, are steeper."""
_UNIT = 64
"""Luma and slope are counted in its parts: both fit 16 bits, and so does what they make."""
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
    # Pillow's decoder, unlike its ways to merge and to paste, lets other threads work meanwhile.
    return Image.frombytes("YCbCr", (lines.shape[2], lines.shape[0]), lines.data, "raw", "YCbCr;L")


def _paint_lines(half: Painting, grey: Bytes, top: int, bottom: int) -> Bytes:
    """Return rows of the picture, ``(n, 3, W)``, each as one line of luma and two of chroma.

    Args:
        half: the painting at half size.
        grey: of the whole picture, at full size.
        top: first row, even.
        bottom: the row behind the last; even, or the last of all.
    """
    small = _eight_bits(half.grey)
    lines = np.empty((bottom - top, 3, grey.shape[1]), np.uint8)

    def work(first: int, last: int) -> None:
        strip = half.strip(last - first)
        for start, shifts in half.shifts(first, last):
            rows = slice(start, start + shifts.shape[1])
            part, line = grey[2 * rows.start : 2 * rows.stop], lines[2 * rows.start - top : 2 * rows.stop - top]
            chroma, luma = _at_half_size(strip, small[rows], shifts)
            rough = _follow(part, small[rows], luma, line[:, 0])
            if rough.any():
                _paint_rough(strip, np.nonzero(rough), part, shifts, line[:, 0], chroma)
            _double(chroma, line[:, 1:].swapaxes(0, 1))

    half.share(top // 2, (bottom + 1) // 2, work)
    return lines


def _double(chroma: Bytes, out: Bytes) -> None:
    """Write ``(2, h, w)`` chroma at twice its size, or one row or column less."""
    for row in (0, 1):
        for column in (0, 1):
            part = out[:, row::2, column::2]
            part[...] = chroma[:, : part.shape[1], : part.shape[2]]


def _eight_bits(grey: Plane) -> Bytes:
    """Return grey in 8 bits, rounded."""
    if grey.dtype == np.uint8:
        return cast(Bytes, grey)
    step, half = np.uint16(257), np.uint16(128)
    return ((np.minimum(grey, np.uint16(0xFFFF) - half) + half) // step).astype(np.uint8)


def _to_ycc(strip: Strip, grey: Bytes, shifts: Floats) -> tuple[Floats, Floats]:
    """Return ``(3, n)`` Y, Cb and Cr, Cb and Cr around 0, and RGB, 0 to 255, of ``(n,)`` grey values."""
    rgb = strip.encode_real(strip.linear_rgb(grey, shifts))
    return _YCC_FROM_RGB @ rgb, rgb


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
    ycc, rgb = _to_ycc(strip, grey.reshape(-1), shifts.reshape(2, -1))
    chroma = _chroma_bytes(ycc[1:]).reshape(2, *grey.shape)
    linear, square = _STEEPNESS
    line = ycc[:2]  # the chroma is no longer needed
    steepness = rgb * square
    steepness += linear
    steepness *= rgb
    slope = np.take(_steepness_of_grey(), grey.reshape(-1), out=line[1])
    slope /= _LUMINANCE @ steepness + _LEAST
    np.minimum(slope, _STEEPEST, out=slope)
    line *= _UNIT
    return chroma, np.rint(line, out=line).astype(np.int16).reshape(2, *grey.shape)


@cache
def _steepness_of_grey() -> Floats:
    linear, square = _STEEPNESS
    grey = np.arange(256, dtype=np.float32)
    return grey * (linear + square * grey) + _LEAST


def _follow(grey: Bytes, small: Bytes, line: NDArray[np.int16], luma: Bytes) -> NDArray[np.bool_]:
    """Write the luma of a strip, and return where grey changes too much for it.

    Args:
        grey: ``(h, w)``.
        small: ``((h + 1) // 2, (w + 1) // 2)``, its means.
        line: ``(2, …)`` luma and its slope over grey there.
        luma: ``(h, w)``, overwritten.
    """
    base, slope = line
    base += _UNIT // 2
    least = small.astype(np.int16)
    farthest = np.zeros_like(least)
    for row in (0, 1):
        for column in (0, 1):
            part = grey[row::2, column::2]
            height, width = part.shape
            here = slice(height), slice(width)
            value = np.subtract(part, least[here], dtype=np.int16)
            np.maximum(farthest[here], np.abs(value), out=farthest[here])
            value *= slope[here]
            value += base[here]
            value >>= 6
            np.clip(value, 0, 255, out=value)
            luma[row::2, column::2] = value
    return farthest >= _ROUGH


def _paint_rough(
    strip: Strip,
    where: tuple[NDArray[np.intp], ...],
    grey: Bytes,
    shifts: Floats,
    luma: Bytes,
    chroma: Bytes,
) -> None:
    """Paint some pixels of chroma, and the four of luma that belong to each, at full size.

    Args:
        strip: with room for some of them.
        where: rows and columns of the pixels of chroma.
        grey: ``(h, w)``.
        shifts: of f, for each pixel of chroma.
        luma: ``(h, w)``, overwritten there.
        chroma: ``(2, …)``, overwritten there.
    """
    height, width = grey.shape
    most = strip.pixels // 4
    for start in range(0, len(where[0]), most):
        y, x = (axis[start : start + most, None] for axis in where)
        # Where a side is odd, its last row or column stands for the missing one, as in encoders.
        rows, columns = np.minimum(2 * y + (0, 0, 1, 1), height - 1), np.minimum(2 * x + (0, 1, 0, 1), width - 1)
        ycc, _ = _to_ycc(strip, grey[rows, columns].reshape(-1), shifts[:, y[:, 0], x[:, 0]].repeat(4, axis=1))
        luma[rows, columns] = np.rint(ycc[0]).reshape(rows.shape)
        chroma[:, y[:, 0], x[:, 0]] = _chroma_bytes(ycc[1:].reshape(2, -1, 4).mean(axis=2))
