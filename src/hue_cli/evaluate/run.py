"""One scoring from beginning to end: models and photographs in, an :class:`Evaluation` out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from hue_cli.data.photos import map_photos
from hue_cli.errors import DatasetError
from hue_cli.evaluate.load import Model
from hue_cli.evaluate.painters import GreyPainter, Painter
from hue_cli.evaluate.protocol import HUE_256, Protocol, Treatment
from hue_cli.evaluate.score import CPU, TRUTH, Photo, Scores, score
from hue_cli.evaluate.sources import PhotoSource
from hue_cli.evaluate.table import COLOUR, Evaluation, Kind, Row, paper_row
from hue_cli.images.write import replacing
from hue_cli.metrics.catalogue import METRICS
from hue_cli.metrics.metric import Metric

GREY = "grey"

Say = Callable[[str, str], None]


def _nothing(*_: object) -> None:
    """Tell nobody."""


def evaluate(
    models: Mapping[str, Model],
    source: PhotoSource,
    metrics: Sequence[Metric],
    *,
    raw: bool = False,
    limit: int | None = None,
    batch_size: int = 8,
    device: torch.device = CPU,
    per_photo: Path | None = None,
    protocol: Protocol = HUE_256,
    on_photo: Callable[[str], None] = _nothing,
    on_bad: Say = _nothing,
) -> Evaluation:
    """Score models on photographs.

    Args:
        models: by the name that the table gives them.
        source: the photographs.
        metrics: what to measure; colourfulness (cf-abs) is always added, since no other figure shows brown for brown.
        raw: score networks that paint RGB also as their papers do.
        limit: stop after so many photographs.
        batch_size: photographs painted at once.
        device: where metrics are computed.
        per_photo: CSV file to write, a line for every photograph and row.
        protocol: the rules.
        on_photo: called with the name of every photograph that was read.
        on_bad: called with name and reason for every file that was not.

    Raises:
        DatasetError: there is no photograph that can be read.
        ImageError: the CSV file cannot be written.
    """
    metrics = tuple({metric.name: metric for metric in (*metrics, METRICS[COLOUR])}.values())
    skipped: list[tuple[str, str]] = []

    def skip(name: str, reason: str) -> None:
        skipped.append((name, reason))
        on_bad(name, reason)

    names: list[str] = []

    def count(photos: Iterable[Photo]) -> Iterator[Photo]:
        for name, pixels in photos:
            names.append(name)
            on_photo(name)
            yield name, pixels

    painters = _painters(models, raw=raw)
    with ExitStack() as stack:
        record = _CsvRecord(stack, per_photo, metrics) if per_photo else None
        photos = map_photos(source.paths, protocol.prepare, limit=limit, on_bad=skip)
        scores = score(
            count(photos),
            painters,
            metrics,
            batch_size=batch_size,
            device=device,
            on_photos=record.add if record else _nothing,
        )
        if not names:
            raise DatasetError(_explain_empty(source, skipped))
    return Evaluation(
        protocol=protocol,
        dataset=source.name,
        photos=len(names),
        skipped=tuple(skipped),
        metrics=metrics,
        rows=tuple(_rows(scores, models, metrics, raw=raw)),
        models=models,
    )


def _raw_label(name: str) -> str:
    return f"{name}, raw"


def _painters(models: Mapping[str, Model], *, raw: bool) -> dict[str, Painter]:
    """Return everything that paints, by the label of its row."""
    painters: dict[str, Painter] = {GREY: GreyPainter()}
    for name, model in models.items():
        painters[name] = model.used_painter()
        if raw and (painter := model.raw_painter()):
            painters[_raw_label(name)] = painter
    return painters


def _rows(
    scores: Mapping[str, Scores], models: Mapping[str, Model], metrics: Sequence[Metric], *, raw: bool
) -> Iterator[Row]:
    """Yield the rows in the order of the table."""
    yield _measured(TRUTH, Kind.TRUTH, scores)
    yield _measured(GREY, Kind.BASELINE, scores)
    for name, model in models.items():
        yield _measured(name, Kind.MODEL, scores, model=name, treatment=Treatment.AS_USED)
        label = _raw_label(name)
        if label in scores:
            yield _measured(label, Kind.MODEL, scores, model=name, treatment=Treatment.RAW)
        elif raw and model.recorded:
            label = f"{name}, raw, as recorded {f'on {model.recorded_on}' if model.recorded_on else 'when filed'}"
            yield Row(label=label, kind=Kind.RECORDED, scores=model.recorded, treatment=Treatment.RAW, model=name)
        if printed := paper_row(f"{name}, in the paper (raw)", model, name, metrics):
            yield printed


def _measured(
    label: str, kind: Kind, scores: Mapping[str, Scores], *, model: str = "", treatment: Treatment | None = None
) -> Row:
    own = scores[label]
    return Row(label=label, kind=kind, scores=own.means, photos=own.photos, treatment=treatment, model=model)


def _explain_empty(source: PhotoSource, skipped: Sequence[tuple[str, str]]) -> str:
    where = ", ".join(map(str, source.paths))
    if skipped:
        name, reason = skipped[0]
        return f"{where}: none of its {len(skipped)} picture files can be read; the first is {name} ({reason})."
    return f"{where}: expected photographs (JPEG, PNG, WebP, …) in there, found none."


class _CsvRecord:
    """A CSV file with a line for every photograph and row; there whole or not at all."""

    def __init__(self, stack: ExitStack, path: Path, metrics: Sequence[Metric]) -> None:
        stream = io.TextIOWrapper(stack.enter_context(replacing(path)), encoding="utf-8", newline="")
        # Detached, not closed: `replacing` closes its stream when it renames the file.
        stack.callback(stream.detach)
        self._columns = [metric.name for metric in metrics]
        self._writer = csv.writer(stream)
        self._writer.writerow(["photo", "row", *self._columns])

    def add(self, row: str, photos: Sequence[str], values: Mapping[str, Sequence[float]]) -> None:
        """Append what one row scored on a batch; metrics that do not apply stay empty."""
        for index, photo in enumerate(photos):
            cells = [values[name][index] if name in values else "" for name in self._columns]
            self._writer.writerow([photo, row, *("" if cell != cell else cell for cell in cells)])  # noqa: PLR0124  NaN
