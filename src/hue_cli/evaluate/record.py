"""The figures of single photographs as a CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from hue_cli.evaluate.protocol import Batch, Pixels
from hue_cli.images.write import replacing
from hue_cli.metrics.metric import Metric


class CsvRecord:
    """A CSV file with a line for every photograph and row; there whole or not at all.

    Args:
        stack: closes the file.
        path: of the file.
        metrics: its columns; those of the whole set have none of a photograph.

    Raises:
        ImageError: the file cannot be written.
    """

    def __init__(self, stack: ExitStack, path: Path, metrics: Sequence[Metric]) -> None:
        stream = io.TextIOWrapper(stack.enter_context(replacing(path)), encoding="utf-8", newline="")
        # Detached, not closed: `replacing` closes its stream when it renames the file.
        stack.callback(stream.detach)
        self._columns = [metric.name for metric in metrics]
        self._writer = csv.writer(stream)
        self._writer.writerow(["photo", "row", *self._columns])

    def see(
        self, row: str, batch: Batch, painted: Sequence[Pixels | None], values: Mapping[str, Sequence[float]]
    ) -> None:
        """Append what one row scored on a batch; what was not painted has no line, what is not defined no figure."""
        for index, photo in enumerate(batch.names):
            if painted[index] is not None:
                cells = [values[name][index] if name in values else math.nan for name in self._columns]
                self._writer.writerow([photo, row, *("" if math.isnan(cell) else cell for cell in cells)])
