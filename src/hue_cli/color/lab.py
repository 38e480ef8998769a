"""sRGB to CIE L*a*b* and back, on NumPy arrays.

The arithmetic is scikit-image's (``skimage.color.rgb2lab`` and ``lab2rgb``, D65, 2° observer).
Arrays are channels-last, ``(..., 3)``; float32 stays float32, everything else becomes float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.color import constants as c

FloatArray = NDArray[np.floating[Any]]

_XYZ_FROM_RGB = np.array(c.XYZ_FROM_RGB)
_RGB_FROM_XYZ = np.linalg.inv(_XYZ_FROM_RGB)
_WHITE = np.array(c.WHITE)


def _prepare(array: NDArray[Any], name: str) -> FloatArray:
    if array.ndim < 1 or array.shape[-1] != 3:
        raise ValueError(f"{name}: expected shape (..., 3), found {array.shape}")
    if np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name}: expected a float array, found {array.dtype}; divide by its maximum first")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def srgb_to_linear(rgb: FloatArray) -> FloatArray:
    """Undo the sRGB transfer function. Values in [0, 1], any shape."""
    high = ((rgb + 0.055) / 1.055) ** 2.4
    result: FloatArray = np.where(rgb > c.SRGB_DECODE_THRESHOLD, high, rgb / 12.92).astype(rgb.dtype, copy=False)
    return result


def linear_to_srgb(linear: FloatArray) -> FloatArray:
    """Apply the sRGB transfer function. Values in [0, 1], any shape; negative values stay linear."""
    high = 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    result: FloatArray = np.where(linear > c.SRGB_ENCODE_THRESHOLD, high, linear * 12.92).astype(
        linear.dtype, copy=False
    )
    return result


def _lab_f(t: FloatArray) -> FloatArray:
    """The f of CIE 15:2004 eq. 8.6: a cube root with a straight foot."""
    foot = c.LAB_SLOPE * t + c.LAB_OFFSET
    result: FloatArray = np.where(t > c.LAB_THRESHOLD, np.cbrt(t), foot).astype(t.dtype, copy=False)
    return result


def _lab_f_inverse(f: FloatArray) -> FloatArray:
    foot = (f - c.LAB_OFFSET) / c.LAB_SLOPE
    result: FloatArray = np.where(f > c.LAB_INVERSE_THRESHOLD, f**3, foot).astype(f.dtype, copy=False)
    return result


def rgb_to_lab(rgb: NDArray[Any]) -> FloatArray:
    """Convert sRGB in [0, 1] to L*a*b*.

    Args:
        rgb: ``(..., 3)`` float, sRGB with gamma, in [0, 1].

    Returns:
        ``(..., 3)``: L* in [0, 100], a* about −86…98, b* about −108…94.

    Raises:
        ValueError: the last axis is not 3 long.
        TypeError: the array holds integers.

    References:
        IEC 61966-2-1; CIE 15:2004, eq. 8.3 to 8.6.
    """
    rgb = _prepare(rgb, "rgb")
    matrix = (_XYZ_FROM_RGB / _WHITE[:, None]).T.astype(rgb.dtype)
    f = _lab_f(srgb_to_linear(rgb) @ matrix)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_rgb(lab: NDArray[Any]) -> FloatArray:
    """Convert L*a*b* to sRGB, clipped to [0, 1].

    Args:
        lab: ``(..., 3)`` float: L* in [0, 100], a* and b* in CIE units.

    Returns:
        ``(..., 3)`` sRGB with gamma, in [0, 1]. Colours outside the gamut are clipped per channel.

    Raises:
        ValueError: the last axis is not 3 long.
        TypeError: the array holds integers.

    References:
        CIE 15:2004, appendix D; IEC 61966-2-1.
    """
    lab = _prepare(lab, "lab")
    y = (lab[..., 0] + 16) / 116
    x = lab[..., 1] / 500 + y
    # As in scikit-image, a negative z, which no colour has, counts as zero.
    z = np.maximum(y - lab[..., 2] / 200, 0)
    matrix = (_RGB_FROM_XYZ * _WHITE[None, :]).T.astype(lab.dtype)
    linear = _lab_f_inverse(np.stack([x, y, z], axis=-1)) @ matrix
    return np.clip(linear_to_srgb(linear), 0, 1)


def rgb_to_lightness(rgb: NDArray[Any]) -> FloatArray:
    """Return L* in [0, 100], shape ``(...)``, of sRGB ``(..., 3)`` in [0, 1]."""
    rgb = _prepare(rgb, "rgb")
    luminance = srgb_to_linear(rgb) @ _XYZ_FROM_RGB[1].astype(rgb.dtype)
    lightness: FloatArray = 116 * _lab_f(luminance) - 16
    return lightness


def lightness_to_grey(lightness: NDArray[Any]) -> FloatArray:
    """Return the sRGB grey value in [0, 1] of L* in [0, 100]; any shape, kept."""
    array = np.asarray(lightness)
    y = (array if array.dtype == np.float32 else array.astype(np.float64)) + 16
    return np.clip(linear_to_srgb(_lab_f_inverse(y / 116)), 0, 1)
