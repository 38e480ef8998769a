"""sRGB to CIE L*a*b* and back on torch tensors: differentiable, exportable, channels-first.

The twin of :mod:`hue_cli.color.lab`; same arithmetic, same names, shape ``(N, 3, H, W)``.
Gradients stay finite everywhere: roots are taken of values clamped to their own branch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hue_cli.color import constants as c
from hue_cli.color.space import Axis, Signal

_XYZ_FROM_RGB = torch.tensor(c.XYZ_FROM_RGB, dtype=torch.float64)
_RGB_FROM_XYZ = torch.linalg.inv(_XYZ_FROM_RGB)
_WHITE = torch.tensor(c.WHITE, dtype=torch.float64)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    """Apply a 3×3 matrix to the channels of ``(N, 3, H, W)``."""
    m = matrix.to(image.dtype).tolist()
    r, g, b = image[:, 0:1], image[:, 1:2], image[:, 2:3]
    return torch.cat([row[0] * r + row[1] * g + row[2] * b for row in m], dim=1)


def srgb_to_linear(rgb: Tensor) -> Tensor:
    """Undo the sRGB transfer function. Values in [0, 1], any shape."""
    high = ((rgb.clamp_min(c.SRGB_DECODE_THRESHOLD) + 0.055) / 1.055) ** 2.4
    return torch.where(rgb > c.SRGB_DECODE_THRESHOLD, high, rgb / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB transfer function. Any shape; negative values stay linear."""
    high = 1.055 * linear.clamp_min(c.SRGB_ENCODE_THRESHOLD) ** (1 / 2.4) - 0.055
    return torch.where(linear > c.SRGB_ENCODE_THRESHOLD, high, linear * 12.92)


def _lab_f(t: Tensor) -> Tensor:
    root = t.clamp_min(c.LAB_THRESHOLD) ** (1 / 3)
    return torch.where(t > c.LAB_THRESHOLD, root, c.LAB_SLOPE * t + c.LAB_OFFSET)


def _lab_f_inverse(f: Tensor) -> Tensor:
    return torch.where(f > c.LAB_INVERSE_THRESHOLD, f**3, (f - c.LAB_OFFSET) / c.LAB_SLOPE)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert ``(N, 3, H, W)`` sRGB in [0, 1] to L*a*b* in CIE units.

    References:
        IEC 61966-2-1; CIE 15:2004, eq. 8.3 to 8.6.
    """
    f = _lab_f(_mix(_XYZ_FROM_RGB / _WHITE[:, None], srgb_to_linear(rgb)))
    x, y, z = f[:, 0:1], f[:, 1:2], f[:, 2:3]
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert ``(N, 3, H, W)`` L*a*b* to sRGB in [0, 1]; out-of-gamut colours are clipped.

    References:
        CIE 15:2004, appendix D; IEC 61966-2-1.
    """
    y = (lab[:, 0:1] + 16) / 116
    x = lab[:, 1:2] / 500 + y
    z = (y - lab[:, 2:3] / 200).clamp_min(0)
    xyz = _lab_f_inverse(torch.cat([x, y, z], dim=1))
    return linear_to_srgb(_mix(_RGB_FROM_XYZ * _WHITE[None, :], xyz)).clamp(0, 1)


def rgb_to_lightness(rgb: Tensor) -> Tensor:
    """Return L* in [0, 100], ``(N, 1, H, W)``, of sRGB ``(N, 3, H, W)`` in [0, 1]."""
    linear = srgb_to_linear(rgb)
    r, g, b = c.XYZ_FROM_RGB[1]
    return 116 * _lab_f(r * linear[:, 0:1] + g * linear[:, 1:2] + b * linear[:, 2:3]) - 16


def lightness_to_grey(lightness: Tensor) -> Tensor:
    """Return the sRGB grey value in [0, 1] of L* in [0, 100]; any shape, kept."""
    return linear_to_srgb(_lab_f_inverse((lightness + 16) / 116)).clamp(0, 1)


def encode(signal: Tensor, axis: Axis) -> Tensor:
    """Scale a signal from its physical units to what a network sees; repeats one channel if asked."""
    scaled = (signal - axis.centre) / axis.scale
    if scaled.shape[1] == 1 and axis.channels > 1:
        scaled = scaled.expand(-1, axis.channels, -1, -1)
    return scaled


def decode(output: Tensor, axis: Axis) -> Tensor:
    """Turn a network's output into a*b*, ``(N, 2, H, W)``, in CIE units and within the sRGB gamut's bounds.

    RGB outputs are clipped to [0, 1] first: what lies outside cannot be shown.
    """
    physical = output * axis.scale + axis.centre
    return within_bounds(rgb_to_lab(physical.clamp(0, 1))[:, 1:3] if axis.signal is Signal.RGB else physical)


def within_bounds(ab: Tensor) -> Tensor:
    """Clip a*b*, ``(N, 2, H, W)``, to what 8-bit sRGB colours have."""
    return torch.cat([ab[:, 0:1].clamp(*c.A_RANGE), ab[:, 1:2].clamp(*c.B_RANGE)], dim=1)
