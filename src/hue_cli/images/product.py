"""Products of a small matrix and a large one, on the thread that asks for them.

Several photographs, or parts of one, are worked on side by side. OpenBLAS, which NumPy brings, would share each product
among threads of its own besides, which get in the way of ours: a folder took 1.7 times as long (measured, two cores).
Where it was told not to, as ``hue colorize`` tells it, products are taken as a whole: colours take five sixths of the
time.
"""

from __future__ import annotations

import os
import sys

import numpy as np
from numpy.typing import NDArray

_ALONE = sys.maxsize if os.environ.get("OPENBLAS_NUM_THREADS") == "1" else 1 << 18
"""Multiplications up to which OpenBLAS starts no threads; it reads the variable when NumPy is loaded."""


def product(
    left: NDArray[np.float32], right: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return ``left @ right``, computed as many columns at a time as one thread takes.

    Args:
        left: ``(m, k)``, with few elements.
        right: ``(…, k, n)``.
        out: ``(…, m, n)``, overwritten with the product; with it, ``left`` may have axes before its two, too.
    """
    rows, common = left.shape[-2:]
    if out is None:
        out = np.empty((*right.shape[:-2], rows, right.shape[-1]), np.float32)
    step = max(1, _ALONE // (rows * common))
    for start in range(0, right.shape[-1], step):
        columns = np.s_[..., start : start + step]
        np.matmul(left, right[columns], out=out[columns])
    return out
