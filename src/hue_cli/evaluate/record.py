"""The figures of single photographs as a CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from hue_cli.evaluate.score import Scores, singles
from hue_cli.images.write import replacing
from hue_cli.metrics.metric import Metric


class CsvRecord:
    """A CSV file with a line for every photograph and row; there whole or not at all.

    Args:
        stack: closes the file.
        path: of the file, which is opened now: an hour of scoring shall not end where it cannot be written.
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

    def write(self, names: Sequence[str], scores: Mapping[str, Scores]) -> None:
        """Write all lines, photograph by photograph; what was not painted has no line, what is not defined no figure.

        Args:
            names: of the photographs, in the data set's order.
            scores: by the row's label.
        """
        rows = {row: singles(own) for row, own in scores.items()}
        for place, photo in enumerate(names):
            for row, figures in rows.items():
                cells = [float(figures[name][place]) if name in figures else math.nan for name in self._columns]
                if not all(map(math.isnan, cells)):
                    self._writer.writerow([photo, row, *("" if math.isnan(cell) else cell for cell in cells)])
