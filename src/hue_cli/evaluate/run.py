"""One scoring from beginning to end: models, outputs and photographs in, an :class:`Evaluation` out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from hue_cli.data.photos import locate, map_photos
from hue_cli.errors import DatasetError, UsageError
from hue_cli.evaluate.load import Model
from hue_cli.evaluate.outputs import OutputFolder, OutputPainter
from hue_cli.evaluate.painters import GreyPainter, Painter
from hue_cli.evaluate.protocol import HUE_256, Protocol
from hue_cli.evaluate.record import CsvRecord
from hue_cli.evaluate.rows import GREY, differences_of, raw_label, rows_of
from hue_cli.evaluate.score import CPU, Onlooker, Photo, score, singles
from hue_cli.evaluate.sources import PhotoSource
from hue_cli.evaluate.table import COLOUR, Evaluation
from hue_cli.metrics.catalogue import METRICS
from hue_cli.metrics.metric import Metric

Say = Callable[[str, str], None]


def _nothing(*_: object) -> None:
    """Tell nobody."""


def evaluate(
    models: Mapping[str, Model],
    source: PhotoSource,
    metrics: Sequence[Metric],
    *,
    outputs: Sequence[OutputFolder] = (),
    compare_to: str | None = None,
    raw: bool = False,
    limit: int | None = None,
    batch_size: int = 8,
    device: torch.device = CPU,
    per_photo: Path | None = None,
    onlookers: Sequence[Onlooker] = (),
    protocol: Protocol = HUE_256,
    on_photo: Callable[[str], None] = _nothing,
    on_bad: Say = _nothing,
) -> Evaluation:
    """Score models, and pictures that were made before, on photographs.

    Args:
        models: by the name that the table gives them.
        source: the photographs.
        metrics: what to measure; colourfulness (cf-abs) is always added, since no other figure shows brown for brown.
        outputs: folders of finished pictures.
        compare_to: label of the row that is subtracted from the others; None for the first model or folder.
        raw: score networks that paint RGB also as their papers do.
        limit: stop after so many photographs.
        batch_size: photographs painted at once.
        device: where metrics are computed.
        per_photo: CSV file to write, a line for every photograph and row, in the data set's order.
        onlookers: told of every batch, with the pictures.
        protocol: the rules.
        on_photo: called with the name of every photograph that was read.
        on_bad: called with name and reason for every file that was not.

    Raises:
        DatasetError: there is no photograph that can be read, or a folder has none of them.
        UsageError: no row is called as ``compare_to`` says, or names of pictures are ambiguous.
        WeightsError: a metric looks through a network whose weights are not at hand.
        ImageError: the CSV file cannot be written.
    """
    chosen = {metric.name: metric for metric in (*metrics, METRICS[COLOUR])}
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

    found = _output_painters(outputs, source, protocol)
    painters = {GREY: GreyPainter(), **_model_painters(models, raw=raw), **found}
    base = _base(painters, compare_to)
    loaded = tuple(metric.load(device) for metric in chosen.values())
    with ExitStack() as stack:
        record = CsvRecord(stack, per_photo, loaded) if per_photo else None
        photos = map_photos(source.paths, protocol.prepare, limit=limit, on_bad=skip)
        scores = score(count(photos), painters, loaded, batch_size=batch_size, device=device, onlookers=onlookers)
        if not names:
            raise DatasetError(_explain_empty(source, skipped))
        if record:
            record.write(names, scores)
    return Evaluation(
        protocol=protocol,
        dataset=source.name,
        names=tuple(names),
        skipped=tuple(skipped),
        metrics=loaded,
        rows=tuple(rows_of(scores, models, outputs, loaded, raw=raw)),
        single={label: singles(own) for label, own in scores.items()},
        models=models,
        outputs={folder.name: (folder, found[folder.name].findings) for folder in outputs},
        differences=tuple(differences_of(scores, base, loaded)),
    )


def _output_painters(
    outputs: Sequence[OutputFolder], source: PhotoSource, protocol: Protocol
) -> dict[str, OutputPainter]:
    truths = tuple(locate(source.paths)) if outputs else ()
    return {folder.name: OutputPainter(folder, truths, protocol) for folder in outputs}


def _model_painters(models: Mapping[str, Model], *, raw: bool) -> dict[str, Painter]:
    """Return the models' painters, by the label of their row."""
    painters: dict[str, Painter] = {}
    for name, model in models.items():
        painters[name] = model.used_painter()
        if raw and (painter := model.raw_painter()):
            painters[raw_label(name)] = painter
    return painters


def _base(painters: Mapping[str, Painter], compare_to: str | None) -> str:
    """Return the label of the row that differences are taken to."""
    if compare_to is None:
        return next((label for label in painters if label != GREY), GREY)
    if compare_to not in painters:
        raise UsageError(f"--compare-to {compare_to}: no row is called so. There are: {', '.join(painters)}.")
    return compare_to


def _explain_empty(source: PhotoSource, skipped: Sequence[tuple[str, str]]) -> str:
    where = ", ".join(map(str, source.paths))
    if skipped:
        name, reason = skipped[0]
        return f"{where}: none of its {len(skipped)} picture files can be read; the first is {name} ({reason})."
    return f"{where}: expected photographs (JPEG, PNG, WebP, …) in there, found none."
