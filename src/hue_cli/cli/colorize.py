"""``hue colorize``."""

from __future__ import annotations

import io
import os
import sys
import time
import warnings
from contextlib import ExitStack, closing
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from hue_cli.cli import remote
from hue_cli.cli.obtain import fetch, say_place
from hue_cli.cli.options import BatchSizeOpt, DeviceOpt, JsonOpt, ModelOpt, QuietOpt, VerboseOpt, WorkersOpt
from hue_cli.cli.report import Mode, Reporter
from hue_cli.cli.tally import Tally, Workers
from hue_cli.errors import ImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hue_cli.infer.job import Row
    from hue_cli.infer.ledger import Ledger
    from hue_cli.infer.naming import Naming
    from hue_cli.infer.plan import Plan
    from hue_cli.infer.steps import Settings, Steps
    from hue_cli.remote.parquet import ParquetLedger
    from hue_cli.remote.plan import RemotePlan
    from hue_cli.weights.resolve import ModelFile

_STANDARD = "-"
_PIECE = 1 << 20
"""Bytes read from standard input at once."""


class Format(StrEnum):
    """Formats that ``--format`` takes; ``auto`` keeps the photograph's."""

    AUTO = "auto"
    JPG = "jpg"
    PNG = "png"
    TIFF = "tiff"
    WEBP = "webp"
    AVIF = "avif"
    JP2 = "jp2"
    HEIC = "heic"


class Upsample(StrEnum):
    """What ``--upsample`` takes; the same words as :class:`hue_cli.images.resize.Kernel`."""

    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


class IfColor(StrEnum):
    """What ``--if-color`` takes; the same words as :class:`hue_cli.infer.steps.IfColour`."""

    RECOLOR = "recolor"
    SKIP = "skip"
    KEEP = "keep"


class Engine(StrEnum):
    """What ``--engine`` takes."""

    LOCAL = "local"
    RAY = "ray"


_EXTENSIONS = {name: f".{name.value}" for name in Format} | {Format.AUTO: None, Format.TIFF: ".tif"}


def colorize(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Photographs, folders, patterns such as 'scans/**/*.tif', URLs such as s3://…, or - .",
        ),
    ],
    *,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH", help="File, folder, URL, or - . Default: beside the input."),
    ] = None,
    model: ModelOpt = None,
    device: DeviceOpt = "auto",
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Run the network on tensorrt, coreml, directml, openvino or another of onnxruntime's providers.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Short side that the network sees. Default: the model's.")
    ] = None,
    strength: Annotated[float, typer.Option(min=0, max=4, help="Strength of the colour; 1 is the network's.")] = 1.0,
    upsample: Annotated[
        Upsample, typer.Option(help="How the network's colours are brought to the photograph's size.")
    ] = Upsample.LANCZOS,
    max_pixels: Annotated[
        int, typer.Option(min=1, metavar="N", help="Refuse photographs of more pixels, which may be bombs.")
    ] = 500_000_000,
    output_format: Annotated[
        Format, typer.Option("--format", help="Format of the results; auto keeps that of the photograph.")
    ] = Format.AUTO,
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            "-q",
            min=1,
            max=100,
            help="Of JPEG, WebP, AVIF and HEIC. Default: 92, or that of the photograph where it is finer.",
        ),
    ] = None,
    keep_tone: Annotated[
        bool, typer.Option("--keep-tone", help="Let the tint of sepia and other toned photographs shine through.")
    ] = False,
    if_color: Annotated[
        IfColor, typer.Option(help="Photographs that are in colour: give them new colours, skip them, or copy them.")
    ] = IfColor.SKIP,
    provenance: Annotated[
        bool, typer.Option("--provenance/--no-provenance", help="Say in the metadata what made the colours.")
    ] = True,
    preserve_times: Annotated[
        bool, typer.Option("--preserve-times", help="Give results the times of their photographs.")
    ] = False,
    suffix: Annotated[
        str | None, typer.Option(help="Added to the names of results. Default: _color, beside the input.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Also write grey and colour side by side.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make again what is there already.")] = False,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Append a line of JSON on each file's fate to FILE, or write FILE.parquet."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")] = False,
    batch_size: BatchSizeOpt = None,
    workers: WorkersOpt = None,
    engine: Annotated[Engine, typer.Option(help="Work on this machine, or on a Ray cluster.")] = Engine.LOCAL,
    num_gpus: Annotated[
        float | None, typer.Option(min=0, metavar="N", help="With Ray: GPUs of each network. Default: none.")
    ] = None,
    concurrency: Annotated[
        str | None,
        typer.Option(metavar="N|MIN:MAX", help="With Ray: how many networks. Default: one, up to one a core or GPU."),
    ] = None,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
) -> None:
    """Give black-and-white photographs colour.

    The result keeps the photograph's size, lightness, orientation and format. A folder `old_photos` is mirrored,
    with everything below it, in `old_photos_color` beside it; `grandma.jpg` becomes `grandma_color.jpg`. What is
    there already is skipped, so a run that was interrupted goes on where it stopped.

    **Examples**

        hue colorize old_photos/

        hue colorize grandma.jpg -o grandma_in_colour.png

        hue colorize 'scans/**/*.tif' -o coloured/ --format jpg --quality 95

        hue colorize old_photos/ --model residual-curriculum --strength 1.3 --compare

        cat grey.jpg | hue colorize - > colour.jpg

    The exit code is 0 if every file was done or skipped, 1 if any failed, 2 if the command line was wrong.
    """
    # Photographs share the cores: threads that a BLAS starts besides would only get in the way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Decoders warn of oddities in metadata; a person can do nothing about them.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    from hue_cli.images.mark import Provenance
    from hue_cli.images.resize import Kernel
    from hue_cli.infer.naming import Naming, says_folder
    from hue_cli.infer.plan import Plan
    from hue_cli.infer.steps import IfColour, Settings
    from hue_cli.remote.plan import RemotePlan
    from hue_cli.weights.resolve import Absent, find_model

    naming = Naming(
        output=None if output in (None, _STANDARD) else Path(str(output)).expanduser(),
        output_is_folder=output is not None and says_folder(output),
        suffix=suffix,
        extension=_EXTENSIONS[output_format],
        overwrite=overwrite,
        compare=compare,
    )
    is_piped = _STANDARD in (*inputs, output)
    if is_piped and (len(inputs) > 1 or compare or dry_run):
        raise UsageError("- stands for one picture on standard input or output, without --compare and --dry-run.")
    where = remote.Engine(is_cluster=engine is Engine.RAY, num_gpus=num_gpus, concurrency=concurrency)
    where.check()
    plan: Plan | RemotePlan
    if where.takes(*inputs, output):
        plan = remote.plan_remote(inputs, output, naming, keeps_times=preserve_times)
    else:
        plan = _plan_pipe(inputs[0], naming) if is_piped else Plan.make(inputs, naming)
    mode = Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report)
    report = Reporter(mode, results_to_stderr=is_piped and naming.output is None)
    found = find_model(model)
    if isinstance(found, Absent) and dry_run:
        report.note(f"Would fetch the model {found.name} from {say_place(found)}.")
    elif isinstance(found, Absent):
        found = fetch(report, found)
    settings = Settings(
        size=size,
        strength=strength,
        kernel=Kernel(upsample),
        max_pixels=max_pixels,
        quality=quality,
        if_colour=IfColour(if_color),
        keeps_tone=keep_tone,
        keeps_times=preserve_times,
        provenance=Provenance.of(found.name, found.read()) if provenance and not isinstance(found, Absent) else None,
    )
    with ExitStack() as stack:
        ledger = None
        if report_file is not None and not isinstance(found, Absent) and not dry_run:
            ledger = stack.enter_context(closing(_open_ledger(report_file, found, settings)))
        digest = settings.provenance.digest if settings.provenance is not None else None
        tally = Tally(
            report,
            plan,
            dry_run=dry_run,
            fail_fast=fail_fast,
            ledger=ledger,
            model=digest,
            workers=Workers.ITSELF if is_piped or dry_run else Workers.CLUSTER if where.is_cluster else Workers.THREADS,
        )
        if isinstance(plan, RemotePlan):
            plan.settings, plan.note = remote.facts_of(settings, naming, found), report.note
        if isinstance(found, Absent) or dry_run:
            rows = plan.planned()
        else:
            run = remote.Run(found, settings, device=device, provider=provider, batch_size=batch_size, workers=workers)
            rows = _rows(report, plan, where, run, tally, is_piped=is_piped)
        tally.watch(rows)
    try:
        tally.summarize()
    finally:  # also where nobody reads
        tally.raise_if_interrupted()
    if tally.failed:
        raise typer.Exit(1)


def _open_ledger(path: Path, model_file: ModelFile, settings: Settings) -> Ledger | ParquetLedger:
    import hashlib

    from hue_cli.infer.ledger import Ledger
    from hue_cli.remote.parquet import ParquetLedger

    digest = hashlib.sha256(model_file.read()).hexdigest()
    kind = ParquetLedger if path.suffix.lower() == ".parquet" else Ledger
    return kind(path, model=model_file.name, model_sha256=digest, size=settings.size, strength=settings.strength)


def _open(report: Reporter, run: remote.Run, threads: int, check: Callable[[], None]) -> Steps:
    from hue_cli.infer.memory import keep_freed_memory
    from hue_cli.infer.session import open_session
    from hue_cli.infer.steps import Steps

    keep_freed_memory()
    model = run.model
    session = open_session(model.read(), model.name, run.device, threads, run.provider)
    if session.choice:
        report.note(session.choice)
    report.detail(f"Model {session.name} from {model.path}, recipe {session.contract.recipe}.")
    return Steps(session, run.settings, check=check)


def _rows(
    report: Reporter, plan: Plan | RemotePlan, where: remote.Engine, run: remote.Run, tally: Tally, *, is_piped: bool
) -> Generator[Row]:
    from hue_cli.infer.cores import usable_cores
    from hue_cli.infer.folder import FolderColorizer
    from hue_cli.infer.plan import Plan

    if not isinstance(plan, Plan) and where.is_cluster:
        return remote.colour_on_cluster(where, plan, run, tally)
    # Runs side by side share the cores better than one run does; batches are run one after another.
    is_one = isinstance(plan, Plan) and not plan.folders and len(plan.files) < 2
    at_once = 1 if is_one or run.batch_size not in (None, 1) else run.workers or usable_cores()
    steps = _open(report, run, max(1, usable_cores() // at_once), tally.stop.check)
    if not isinstance(plan, Plan):
        return remote.colour_remote(steps, plan, run, tally)
    if is_piped:
        return _piped(steps, plan)
    colorizer = FolderColorizer(
        steps,
        batch_size=run.batch_size or steps.session.batch_size,
        workers=run.workers or usable_cores(),
        takes_digests=tally.keeps_report,
    )
    return colorizer.run(plan.steps(), lambda: tally.stop.is_asked)


def _plan_pipe(source: str, naming: Naming) -> Plan:
    """Return a plan of the one picture that a pipe carries; of no file where that is standard input.

    Raises:
        UsageError: it is not one, or the output cannot be written.
    """
    from hue_cli.infer.plan import Plan

    if source == _STANDARD:
        if naming.output_is_folder:
            raise UsageError(f"{naming.output}: a picture from standard input has no name; name its result's file.")
        naming.check_picture()
        return Plan(naming=naming)
    plan = Plan.make([source], naming)
    if plan.folders or len(plan.files) != 1:
        raise UsageError(f"{source}: a pipe carries one picture; name one file, or an output folder.")
    return plan


def _piped(steps: Steps, plan: Plan) -> Generator[Row]:
    """Colorize one picture from standard input, or to standard output, or both."""
    from hue_cli.images.photo import EXTENSIONS
    from hue_cli.images.write import replacing
    from hue_cli.infer.job import FileFacts, Row, Skip, Status
    from hue_cli.infer.steps import colorize_bytes

    naming, target = plan.naming, plan.naming.output
    source = plan.files[0].path if plan.files else Path(_STANDARD)
    row = Row(source=source, output=target or Path(_STANDARD), status=Status.DONE)
    if target is not None and os.path.lexists(target) and not naming.overwrite:
        yield replace(row, status=Status.SKIPPED, skip=Skip.EXISTS, message=f"{target} is there already")
        return
    extension = naming.extension if target is None else target.suffix.lower()
    start = time.monotonic()
    try:
        content = source if plan.files else _standard_input()
        picture, warnings = colorize_bytes(steps, content, None if extension is None else EXTENSIONS[extension])
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
            source_file = FileFacts.of(stream)
        if target is None:
            _write_standard_output(picture)
        else:
            with replacing(target, times_of=steps.times_of(source) if plan.files else None) as stream:
                stream.write(picture)
    except ImageError as error:
        yield replace(row, status=Status.FAILED, message=str(error))
    else:
        yield replace(
            row,
            warnings=warnings,
            seconds=round(time.monotonic() - start, 3),
            source_file=source_file,
            output_file=FileFacts.of(io.BytesIO(picture)),
        )


def _standard_input() -> bytes:
    if sys.stdin is None:  # Python's word for a descriptor that was closed
        raise ImageError("standard input: is closed, so there is no picture to read.")
    # Piece by piece: Python heeds no signal between two reads of one call, and would wait for bytes that never come.
    stream = cast("io.BufferedReader", sys.stdin.buffer)
    return b"".join(iter(partial(stream.read1, _PIECE), b""))


def _write_standard_output(picture: bytes) -> None:
    if sys.stdout is None:
        raise ImageError("standard output: is closed, so the picture cannot be written.")
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()
