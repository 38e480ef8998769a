"""A painting as most JPEGs hold it: luma at full size, chroma at half (4:2:0).

An encoder that is given RGB throws three quarters of the chroma away. Here it is not computed in the first
place: the colour arithmetic runs at half size, which gives Cb, Cr and how luma depends on grey there, and that
dependence is followed at full size, which takes a fifth of the time (measured: docs/colour.md).

References:
    ITU-T T.871 (JFIF), §7: conversion to and from RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

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

# In 16 bits, grey and luma counted from the middle: a slope of 1.5 and half the range of grey fit, and the difference
# of two bases does. No colour inside the gamut, but some at its edge, are steeper.
_MIDDLE = 128
_UNIT = 1 << 7
_STEEPEST = 1.5
_LARGEST = (1 << 14) - 1
_FINER = 6
"""Further bits of a slope, until it is interpolated: it is multiplied with all of grey."""
_STRIP_PIXELS = 1 << 14


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture in JFIF's YCbCr, 4:2:0.

    Attributes:
        luma: ``(H, W)``, in memory of twice the chroma's size: encoders read on to there where a side is odd.
        blue, red: chroma, half as high and half as wide, rounded up.
    """

    luma: Bytes
    blue: Bytes
    red: Bytes


def paint_planes(painting: Painting) -> Planes:
    """Paint a whole picture as a JPEG with halved chroma holds it.

    Where grey varies within a pixel of chroma, luma follows it so that the lightness stays right over the chroma
    that a decoder puts there.

    Args:
        painting: over grey of 8 or 16 bits; of the latter the upper 8 count, rounded, as luma has no more.
    """
    grey = _eight_bits(painting.grey)
    half = painting.halved(grey)
    small = _eight_bits(half.grey)
    height, width = small.shape
    chroma = np.empty((2, height, width), np.uint8)
    lines = np.empty((2, height + 2, width + 2), np.int16)  # with a border all around

    def put(at: int, rgb: Floats) -> None:
        rows = slice(at, at + rgb.shape[1])
        shape, pixels = rgb.shape[1:], rgb.reshape(3, -1)
        ycc = _YCC_FROM_RGB @ pixels
        found = _lines(small[rows].reshape(-1), ycc[0], pixels)
        np.copyto(lines[:, 1:-1, 1:-1][:, rows], found.reshape(2, *shape), casting="unsafe")
        ycc[1:] += np.float32(128.499)  # and not a half: pure blue and red have 255.5, which is 255 in a byte
        np.copyto(chroma[:, rows], ycc[1:].reshape(2, *shape), casting="unsafe")

    half.paint(0, height, Strip.encode_real, put)
    lines[:, :, 0], lines[:, :, -1] = lines[:, :, 1], lines[:, :, -2]
    lines[:, 0], lines[:, -1] = lines[:, 1], lines[:, -2]
    even = np.empty((2 * height, 2 * width), np.uint8)
    luma = even[: grey.shape[0], : grey.shape[1]]
    step = max(1, _STRIP_PIXELS // width)

    def follow(top: int, bottom: int) -> None:
        for start in range(top, bottom, step):
            stop = min(start + step, bottom)
            part = slice(2 * start, 2 * stop)
            _follow(grey[part], lines[:, start : stop + 2], luma[part])

    half.share(0, height, follow)
    even[luma.shape[0] :, : luma.shape[1]] = luma[-1]
    even[:, luma.shape[1] :] = even[:, luma.shape[1] - 1, None]
    painting.seconds += half.seconds
    return Planes(luma, *chroma)


def _eight_bits(grey: Plane) -> Bytes:
    """Return grey in 8 bits, rounded."""
    if grey.dtype == np.uint8:
        return cast(Bytes, grey)
    step, half = np.uint16(257), np.uint16(128)
    return ((np.minimum(grey, np.uint16(0xFFFF) - half) + half) // step).astype(np.uint8)


def _lines(grey: Bytes, luma: Floats, rgb: Floats) -> Floats:
    """Return what luma is for grey nearby, over the same chroma: a line.

    Linear light rises with luma as it does with each channel, weighted as luminance weighs them; and it must rise
    as it does with grey.

    Args:
        grey: ``(n,)``.
        luma: ``(n,)``, of the colour that this grey gets.
        rgb: ``(3, n)``, the colour.

    Returns:
        ``(2, n)``: slope, and luma where grey is :data:`_MIDDLE`, less :data:`_MIDDLE`; whole numbers.
    """
    linear, square = _STEEPNESS
    steepness = rgb * square
    steepness += linear
    steepness *= rgb
    result = np.empty((2, grey.size), np.float32)
    slope, base = result
    np.take(_steepness_of_grey(), grey, out=slope)
    slope /= _LUMINANCE @ steepness + _LEAST
    np.minimum(slope, np.float32(_STEEPEST), out=slope)
    np.subtract(np.float32(_MIDDLE), grey, out=base)
    base *= slope
    base += luma
    base -= _MIDDLE
    base *= _UNIT
    np.clip(base, -_LARGEST, _LARGEST, out=base)
    slope *= _UNIT << _FINER
    return np.rint(result, out=result)


@cache
def _steepness_of_grey() -> Floats:
    linear, square = _STEEPNESS
    grey = np.arange(256, dtype=np.float32)
    return grey * (linear + square * grey) + _LEAST


def _follow(grey: Bytes, lines: NDArray[np.int16], luma: Bytes) -> None:
    """Write luma, by lines from grey to luma at half size.

    Between the lines it is interpolated as decoders do with chroma, three parts of the nearest and one of the next
    (libjpeg's "fancy upsampling").

    Args:
        grey: ``(h, w)``.
        lines: ``(2, (h + 1) // 2 + 2, (w + 1) // 2 + 2)``, with a border.
        luma: ``(h, w)``, overwritten.
    """
    middle = lines[:, 1:-1]
    for row, next_row in enumerate((lines[:, :-2], lines[:, 2:])):
        between = next_row - middle
        between >>= 2
        between += middle
        centre = between[..., 1:-1]
        for column, next_column in enumerate((between[..., :-2], between[..., 2:])):
            part = grey[row::2, column::2]
            height, width = part.shape
            found = next_column - centre
            found >>= 2
            found += centre
            slope, base = found[:, :height, :width]
            slope += 1 << (_FINER - 1)
            slope >>= _FINER
            slope *= np.subtract(part, np.int16(_MIDDLE), dtype=np.int16)
            base += slope
            base += _UNIT // 2 + 1
            base >>= 7
            np.clip(base, -_MIDDLE, _MIDDLE - 1, out=base)
            np.add(base, np.int16(_MIDDLE), out=luma[row::2, column::2], casting="unsafe")
