"""Small pictures of every photograph, kept on the disk while a scoring runs."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Final, Self

from PIL import Image, features

from hue_cli.evaluate.protocol import Batch, Pixels
from hue_cli.metrics.metric import Floats

BUDGET: Final = 32_000_000
"""Bytes of pictures in a page, before they are written as text, which adds a third."""
SIDES: Final = (128, 256)
"""Least and largest short side, in pixels, of a picture."""
QUALITY: Final = 82

# What such a picture takes, measured on 40 photographs: 0.18 bytes a pixel, 1.35 times as long as wide.
_BYTES_A_SQUARE = 0.18 * 1.35


def side_for(pictures: int) -> int:
    """Return the short side at which so many pictures fit into the budget, within :data:`SIDES`."""
    least, most = SIDES
    side = math.sqrt(BUDGET / max(1, pictures) / _BYTES_A_SQUARE)
    return int(min(most, max(least, side // 16 * 16)))


class Shelf:
    """Remembers what every row painted of every photograph.

    Args:
        pictures: about how many there will be; decides their size.
    """

    def __init__(self, pictures: int) -> None:
        self.side = side_for(pictures)
        self.form = "WEBP" if features.check("webp") else "JPEG"
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the shelf
        self._places: dict[tuple[int, str], tuple[int, int]] = {}
        self._sizes: Counter[int] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def see(self, row: str, batch: Batch, painted: Sequence[Pixels | None]) -> None:
        """Keep a batch."""
        for photo, pixels in zip(batch.places, painted, strict=True):
            if pixels is not None:
                content = self._encode(pixels)
                self._places[photo, row] = (self._file.tell(), len(content))
                self._file.write(content)
                self._sizes[photo] += len(content)

    def _encode(self, pixels: Pixels) -> bytes:
        image = Image.fromarray(pixels)
        scale = self.side / min(image.size)
        if scale < 1:
            fit = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = image.resize(fit, Image.Resampling.LANCZOS)
        stream = BytesIO()
        # Method 1 takes a third of the default's time for a tenth more bytes.
        image.save(stream, self.form, quality=QUALITY, **({"method": 1} if self.form == "WEBP" else {}))
        return stream.getvalue()

    def picture(self, photo: int, row: str) -> bytes:
        """Return the encoded picture of a photograph, by its place in the data set; empty if there is none."""
        offset, size = self._places.get((photo, row), (0, 0))
        end = self._file.seek(0, 2)
        self._file.seek(offset)
        content = self._file.read(size)
        self._file.seek(end)
        return content

    def size(self, photo: int) -> int:
        """Return how many bytes all pictures of a photograph take."""
        return self._sizes[photo]

    def worth_showing(self, photos: int, figures: Iterable[Floats], most: int = 12) -> list[int]:
        """Return the photographs whose pictures fit into the budget, in order.

        If not all do, those with the highest and the lowest figures come first, and then as many others, evenly spread.

        Args:
            photos: how many there are.
            figures: whose extremes matter, each ``(photos,)``.
            most: photographs at either end of each.
        """
        extremes: dict[int, None] = {}
        for found in figures:
            order = sorted((value, photo) for photo, value in enumerate(found.tolist()) if not math.isnan(value))
            extremes.update(dict.fromkeys(photo for _, photo in [*order[:most], *order[-most:]]))
        spread = sorted(range(photos), key=lambda photo: (photo * 0.618034) % 1)
        taken: list[int] = []
        left = BUDGET
        for photo in dict.fromkeys([*extremes, *spread]):
            left -= self.size(photo)
            if left < 0:
                break
            taken.append(photo)
        return sorted(taken)
