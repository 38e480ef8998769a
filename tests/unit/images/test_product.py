"""Products, and that a painting is made by the threads that it is given."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from hue_cli.images.product import product

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("rows", "common", "columns"), [(3, 3, 200_001), (1, 1, 1), (700, 400, 3), (50, 9, 1000)])
def test_products_are_numpys(rows: int, common: int, columns: int) -> None:
    left = RNG.random((rows, common), np.float32)
    right = RNG.random((2, common, columns), np.float32)
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-5)
    out = np.empty((2, rows, columns), np.float32)
    assert product(np.stack([left, left]), right[0], out=out) is out
    np.testing.assert_allclose(out, np.stack([left @ right[0]] * 2), rtol=1e-5)


def test_no_other_thread_works_on_a_painting() -> None:
    # In a process of its own: OpenBLAS is told once how many threads it may start.
    script = """
import time
import numpy as np
from hue_cli.images.subsampled import paint_subsampled
from hue_cli.images.tint import Painting
rng = np.random.default_rng(0)
painting = Painting(rng.integers(0, 256, (800, 1200), np.uint8), rng.uniform(-60, 60, (2, 256, 384)).astype(np.float32))
painting.threads = 1
time.sleep(0.3)  # until what was started with NumPy sleeps
def work():
    paint_subsampled(painting)
    painting[:]
def spent():
    own = time.thread_time()
    return own, time.process_time() - own
before = spent()
work()
after = spent()
print(*np.subtract(after, before))
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "4"}
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    own, others = map(float, found.stdout.split())
    assert others < 0.05 * own
