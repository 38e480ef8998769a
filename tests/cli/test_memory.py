"""A 200-megapixel TIFF needs a bounded amount of memory over its decoded pixels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIDE = 14_142
MAKE = """
import sys; import numpy as np; from PIL import Image
side, mode, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
row = (np.arange(side) % 251).astype(np.uint8)
grey = Image.fromarray(np.broadcast_to(row, (side, side)).copy())
toned = lambda: Image.merge("RGB", [grey, grey.point(lambda v: v * 0.9), grey.point(lambda v: v * 0.8)])
(grey if mode == "L" else toned()).save(path, compression="tiff_lzw")
"""
COLORIZE = r"""
import re, sys
from pathlib import Path
from hue_cli.cli.app import main
sys.argv = ["hue", "colorize", *sys.argv[1:], "--quiet"]
try:
    main()
finally:
    # Not getrusage, whose peak is that of whoever started the process, where that is larger.
    print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_the_peak_over_the_decoded_pixels_stays_below_500_mb(tmp_path: Path, mode: str, channels: int) -> None:
    path = tmp_path / "scan.tif"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", MAKE, str(SIDE), mode, path], check=True, timeout=600)
    found = subprocess.run(
        [sys.executable, "-c", COLORIZE, path, "-d", "cpu"],
        env=environment, capture_output=True, text=True, check=True, timeout=1500,
    )  # fmt: skip
    peak = int(found.stdout) * 1024
    assert (tmp_path / "scan_color.tif").is_file()
    assert peak - SIDE * SIDE * channels < 500_000_000
