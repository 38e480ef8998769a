"""Make the sample photographs: grey versions of free pictures that ship with scikit-image.

    python scripts/make_samples.py

Sources and terms, all from ``skimage.data``: astronaut and rocket (NASA and SpaceX, public domain), camera (CC0),
chelsea (CC0), coffee (CC0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data  # noqa: TID253 - a script of the maintainers, not of the package

from hue_cli.images.luminance import rgb_to_grey

SAMPLES = Path(__file__).parents[1] / "samples"
NAMES = {"astronaut": ".jpg", "camera": ".png", "chelsea": ".jpg", "coffee": ".png", "rocket": ".jpg"}


def main() -> None:
    """Write every sample."""
    SAMPLES.mkdir(exist_ok=True)
    for name, extension in NAMES.items():
        pixels = getattr(data, name)()
        if pixels.ndim == 3:
            pixels = np.rint(rgb_to_grey(pixels) / 257).astype(np.uint8)
        path = SAMPLES / f"{name}{extension}"
        Image.fromarray(pixels).save(path, quality=92, optimize=True)
        print(f"{path.name}: {pixels.shape[1]}×{pixels.shape[0]}, {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
