"""Constants of sRGB (D65) and CIE L*a*b*, with their sources.

The values are those of scikit-image (``skimage.color.colorconv``), so that the two agree
to rounding and every 8-bit colour survives the round trip. Inverse matrices are computed.
"""

from __future__ import annotations

from typing import Final

# Linear sRGB to CIE XYZ, IEC 61966-2-1 primaries, D65 white; rounded as scikit-image does.
XYZ_FROM_RGB: Final = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)

# CIE standard illuminant D65, 2° observer, Y = 1.
WHITE: Final = (0.95047, 1.0, 1.08883)

# sRGB transfer function, IEC 61966-2-1.
SRGB_DECODE_THRESHOLD: Final = 0.04045
SRGB_ENCODE_THRESHOLD: Final = 0.0031308

# CIE 15:2004, eq. 8.5 to 8.8: cube root above the threshold, a straight line below.
LAB_THRESHOLD: Final = 0.008856
LAB_SLOPE: Final = 7.787
LAB_OFFSET: Final = 16.0 / 116.0
LAB_INVERSE_THRESHOLD: Final = 0.2068966

# Bounds of a* and b* over all 16,777,216 8-bit sRGB colours (measured).
A_RANGE: Final = (-86.19, 98.24)
B_RANGE: Final = (-107.86, 94.48)
