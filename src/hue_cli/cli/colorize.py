"""``hue colorize``."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hue_cli.cli.options import BatchSizeOpt, DeviceOpt, JsonOpt, ModelOpt, QuietOpt, VerboseOpt, WorkersOpt
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from hue_cli.infer.plan import Plan, Row
    from hue_cli.infer.steps import Settings, Steps

_STANDARD = "-"
_BATCH_SIZES = {"cpu": 4, "cuda": 16}


class Format(StrEnum):
    """Formats that ``--format`` takes; ``auto`` keeps the photograph's."""

    AUTO = "auto"
    JPG = "jpg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"


_EXTENSIONS = {Format.AUTO: None, Format.JPG: ".jpg", Format.PNG: ".png", Format.TIFF: ".tif", Format.WEBP: ".webp"}


def colorize(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT…", help="Photographs, folders, patterns such as 'scans/**/*.tif', or - ."),
    ],
    *,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="File, folder, or - . Default: beside the input."),
    ] = None,
    model: ModelOpt = None,
    device: DeviceOpt = "auto",
    size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Short side that the network sees. Default: the model's.")
    ] = None,
    strength: Annotated[float, typer.Option(min=0, max=4, help="Strength of the colour; 1 is the network's.")] = 1.0,
    output_format: Annotated[
        Format, typer.Option("--format", help="Format of the results; auto keeps that of the photograph.")
    ] = Format.AUTO,
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Of JPEG and WebP.")] = 92,
    suffix: Annotated[
        str | None, typer.Option(help="Added to the names of results. Default: _color, beside the input.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Also write grey and colour side by side.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make again what is there already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")] = False,
    batch_size: BatchSizeOpt = None,
    workers: WorkersOpt = None,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
) -> None:
    """Give black-and-white photographs colour.

    The result keeps the photograph's size, lightness, orientation and format. A folder `old_photos` is mirrored,
    with everything below it, in `old_photos_color` beside it; `grandma.jpg` becomes `grandma_color.jpg`. What is
    there already is skipped, so a run that was interrupted goes on where it stopped.

    For example:

        hue colorize old_photos/

        hue colorize grandma.jpg -o grandma_in_colour.png

        hue colorize 'scans/**/*.tif' -o coloured/ --format jpg --quality 95

        hue colorize old_photos/ --model residual-curriculum --strength 1.3 --compare

        cat grey.jpg | hue colorize - > colour.jpg

    The exit code is 0 if every file was done or skipped, 1 if any failed, 2 if the command line was wrong.
    """
    # The strips of the colour arithmetic are small: a BLAS that starts threads for each would only get in the way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hue_cli.infer.steps import Settings

    settings = Settings(size=size, strength=strength, quality=quality)
    mode = Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report)
    extension = _EXTENSIONS[output_format]
    if _STANDARD in (*inputs, output):
        if len(inputs) > 1 or compare or dry_run:
            raise UsageError("- stands for one picture on standard input or output, without --compare and --dry-run.")
        report = Reporter(mode, results_to_stderr=True)
        _pipe(_open(report, model, device, settings), inputs[0], output, extension, overwrite=overwrite, report=report)
        return

    from hue_cli.infer.plan import Naming, Plan

    report = Reporter(mode)
    naming = Naming(
        output=None if output is None else Path(output).expanduser(),
        suffix=suffix,
        extension=extension,
        overwrite=overwrite,
        compare=compare,
    )
    plan = Plan.make(inputs, naming)
    tally = Tally(report, plan, dry_run=dry_run)
    if dry_run:
        tally.watch(plan.planned(), fail_fast=fail_fast)
    else:
        steps = _open(report, model, device, settings)
        tally.watch(_coloured(steps, plan, batch_size, workers), fail_fast=fail_fast)
    tally.summarize()
    if tally.failed:
        raise typer.Exit(1)


def _open(report: Reporter, model: str | None, device: str, settings: Settings) -> Steps:
    from hue_cli.infer.session import open_session
    from hue_cli.infer.steps import Steps
    from hue_cli.weights.resolve import resolve_model

    found = resolve_model(model)
    session = open_session(found.read(), found.name, device)
    if session.choice:
        report.note(session.choice)
    report.detail(f"Model {session.name} from {found.path}, recipe {session.contract.recipe}.")
    return Steps(session, settings)


def _coloured(steps: Steps, plan: Plan, batch_size: int | None, workers: int | None) -> Generator[Row]:
    from hue_cli.infer.folder import FolderColorizer, usable_cores

    run = FolderColorizer(
        steps,
        batch_size=batch_size or _BATCH_SIZES[steps.session.device.partition(":")[0]],
        workers=workers or usable_cores(),
    )
    return run.run(plan.steps())


def _pipe(
    steps: Steps, source: str, output: str | None, extension: str | None, *, overwrite: bool, report: Reporter
) -> None:
    """Colorize one picture from or to a pipe."""
    from hue_cli.images.photo import EXTENSIONS, WRITABLE
    from hue_cli.images.write import replacing
    from hue_cli.infer.steps import colorize_bytes

    target = None if output in (None, _STANDARD) else Path(str(output)).expanduser()
    if target is not None and extension is None:
        extension = target.suffix.lower()
    image_format = None if extension is None else EXTENSIONS.get(extension)
    if extension is not None and image_format not in WRITABLE:
        raise UsageError(f"{output}: hue does not write this format. It writes: {', '.join(WRITABLE.values())}.")
    if target is not None and target.exists() and not overwrite:
        report.note(f"{target} is there already; --overwrite makes it again.")
        return
    picture, warnings = colorize_bytes(
        steps, sys.stdin.buffer.read() if source == _STANDARD else Path(source), image_format
    )
    for warning in warnings:
        report.warn(warning)
    if target is None:
        sys.stdout.buffer.write(picture)
        sys.stdout.buffer.flush()
        return
    with replacing(target) as stream:
        stream.write(picture)


class Tally:
    """Counts rows, shows them as the mode asks, and sums up."""

    def __init__(self, report: Reporter, plan: Plan, *, dry_run: bool) -> None:
        self._report = report
        self._plan = plan
        self._verb = "Would colorize" if dry_run else "Colorized"
        self._counts: Counter[str] = Counter()
        self._older = 0
        self._begun = time.monotonic()

    @property
    def failed(self) -> int:
        """How many files failed."""
        return self._counts["failed"]

    def watch(self, rows: Generator[Row], *, fail_fast: bool) -> None:
        """Take in rows until they end, or until the first failure; close their source either way."""
        total = self._plan.count() if self._report.shows_progress else None
        with closing(rows), self._report.progress(total, "Colorizing") as bar:
            for row in rows:
                self._add(row)
                bar.advance(1, **({"failed": self.failed} if self.failed else {}))
                if fail_fast and self.failed:
                    break

    def _add(self, row: Row) -> None:
        report = self._report
        self._counts[row.status.value] += 1
        if report.mode is Mode.JSON:
            report.emit_json(row.to_dict())
            return
        for warning in row.warnings:
            report.warn(warning)
        match row.status.value:
            case "failed":
                report.error(row.message)
            case "planned":
                report.result(f"{row.source} → {row.output}")
            case "skipped":
                self._older += row.stale
                report.detail(f"{row.source}: skipped, {row.output or 'it'} {row.message}.")
            case _:
                report.detail(f"{row.source} → {row.output}")

    def summarize(self) -> None:
        """Say how it went."""
        counts, seconds = self._counts, time.monotonic() - self._begun
        done = counts["done"] + counts["planned"]
        if self._report.mode is Mode.JSON:
            summary = {name: counts[name] for name in ("done", "planned", "skipped", "failed")}
            self._report.emit_json(
                {"summary": {**summary, "ignored": self._plan.ignored, "seconds": round(seconds, 3)}}
            )
            return
        rate = f" in {seconds:.1f} s ({done / seconds:.1f}/s)" if counts["done"] and seconds > 0 else ""
        parts = [f"{self._verb} {done} {'photograph' if done == 1 else 'photographs'}{rate}."]
        if counts["skipped"]:
            parts.append(f"Skipped {counts['skipped']} that were done before (--overwrite makes them again).")
        if self.failed:
            parts.append(f"{self.failed} failed.")
        self._report.result(" ".join(parts))
        if self._older:
            self._report.warn(f"{self._older} of the skipped are older than their photographs.")
        self._report.detail(f"Ignored {self._plan.ignored} files that are no pictures by their names.")
        if not sum(counts.values()):
            self._report.warn("No pictures were found.")
