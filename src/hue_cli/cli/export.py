"""``hue export``: a trained run, or a model, as an ONNX file for hue and for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hue_cli.cli.obtain import obtain
from hue_cli.cli.options import RESEARCH_ONLY, JsonOpt, QuietOpt, complete_models
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError

if TYPE_CHECKING:
    from hue_cli.export.run import Exported, Options
    from hue_cli.export.source import Source
    from hue_cli.models.trained import TrainedRun

_FILING = "Filing, for released weights"
_OPSETS = (18, 23)
_DEFAULT_OPSET = 20


class Storage(StrEnum):
    """How weights are stored; :class:`hue_cli.export.run.Precision` in the room that does it."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    AUTO = "auto"


def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|NAME|hf:ORG/REPO|PATH.onnx",
            help="Run folder of `hue train`, or a model by name or file.",
            autocompletion=complete_models,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="ONNX file to write. Default: model.onnx beside the weights, or NAME.onnx."
        ),
    ] = None,
    precision: Annotated[
        Storage,
        typer.Option(
            help="fp16 is half the file; int8 about a third, and faster; auto is fp16 if it agrees as fp32 must."
        ),
    ] = Storage.FP32,
    opset: Annotated[
        int | None,
        typer.Option(help="ONNX opset of the graph of a run. Default: 20.", min=_OPSETS[0], max=_OPSETS[1]),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Short side that the network sees. Default: the model's.")
    ] = None,
    end_to_end: Annotated[
        bool,
        typer.Option("--end-to-end", help="8-bit picture in, 8-bit picture out: for phones, browsers, C++."),
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(metavar="PHOTOS", help="Photographs for int8 and for the check. Default: five samples."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write the file even if its pictures differ by more than they should.")
    ] = False,
    licence: Annotated[str | None, typer.Option(help="Terms of the weights, noted in the file.")] = None,
    file_in: Annotated[
        Path | None,
        typer.Option(metavar="WEIGHTS", help="File it in this folder, with card and index.", rich_help_panel=_FILING),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="What `hue eval --json` printed for this run.", rich_help_panel=_FILING),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model. Default: its recipe's.", rich_help_panel=_FILING)
    ] = None,
    bundle: Annotated[bool, typer.Option("--bundle", help="Ship it in the package.", rich_help_panel=_FILING)] = False,
    default: Annotated[
        bool, typer.Option("--default", help="Use it where no model is named.", rich_help_panel=_FILING)
    ] = False,
    quiet: QuietOpt = False,
    json_report: JsonOpt = False,
) -> None:
    """Export a network to ONNX, and check on photographs that onnxruntime paints what its source paints.

    **Examples**

        hue export runs/residual@0 -o model.onnx

        hue export hue-s --precision int8 -o small.onnx

        hue export hue-s --end-to-end -o picture.onnx

        hue colorize old_photos/ --model small.onnx
    """
    reporter = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    if file_in is None and (scores or name or bundle or default):
        raise UsageError("--scores, --name, --bundle and --default belong to --file-in WEIGHTS, which is missing.")
    if file_in is not None and output is not None:
        raise UsageError("--file-in chooses the file's place itself: leave out -o, or --file-in.")
    if file_in is not None and (end_to_end or precision is Storage.INT8 or size or calibrate or force):
        raise UsageError(
            "--file-in files what was scored: leave out --end-to-end, int8, --size, --calibrate and --force."
        )
    if output is not None and output.is_dir():
        raise UsageError(
            f"-o {output}: expected a file, found a folder. Name it, for instance {output / 'model.onnx'}."
        )

    if file_in is not None:
        exported = _file(reporter, Path(source), file_in, scores, name, precision, opset, licence, bundle, default)
    else:
        from hue_cli.export.photos import read_photos
        from hue_cli.export.run import Options, Precision, export_source

        options = Options(
            precision=Precision(precision),
            end_to_end=end_to_end,
            size=size,
            photos=read_photos(calibrate) if calibrate is not None else (),
            force=force,
        )
        found, place = _open(reporter, source, opset, licence)
        exported = export_source(found, output or place.with_name(_name(place, options)), options)
    _report(reporter, exported)


def _open(reporter: Reporter, wanted: str, opset: int | None, licence: str | None) -> tuple[Source, Path]:
    """Return what is exported, and the file that it would replace in its folder.

    Raises:
        UsageError: an opset is asked for that cannot be chosen any more.
        WeightsError: the model cannot be fetched, or is refused.
    """
    from hue_cli.export.source import source_of_onnx, source_of_run
    from hue_cli.weights.hub_name import PREFIX

    path = Path(wanted).expanduser()
    is_bare_word = path.name == wanted and not path.exists()
    if not (wanted.startswith(PREFIX) or wanted.lower().endswith(".onnx") or is_bare_word):
        trained = _read_run(reporter, path)
        run = source_of_run(trained, opset=opset or _DEFAULT_OPSET, licence=licence or "")
        return run, trained.weights.with_name("model.onnx")

    model = obtain(reporter, wanted)
    source = source_of_onnx(model.read(), model.name, licence or "")
    (present,) = (each.version for each in source.model.opset_import if not each.domain)
    if opset not in (None, present):
        raise UsageError(
            f"--opset {opset}: {wanted} was exported with opset {present}, which stays. Export its run folder instead."
        )
    return source, Path(f"{model.name.rpartition('/')[2].partition('@')[0]}.onnx")


def _read_run(reporter: Reporter, path: Path) -> TrainedRun:
    from hue_cli.models.trained import read_run

    trained = read_run(path)
    if not trained.facts.get("finished"):
        reporter.warn(
            f"{path}: the training is not finished; this exports what there is. Go on with: hue train … --resume"
        )
    return trained


def _name(place: Path, options: Options) -> str:
    """Return the file's name, which says what differs from the plain one."""
    precision = options.precision.value
    parts = [place.stem, *(["end_to_end"] if options.end_to_end else [])]
    if precision == Storage.INT8.value or (options.end_to_end and precision == Storage.FP16.value):
        parts.append(precision)
    return "_".join(parts) + ".onnx"


def _file(
    reporter: Reporter,
    run: Path,
    weights: Path,
    scores: Path | None,
    name: str | None,
    precision: Storage,
    opset: int | None,
    licence: str | None,
    bundle: bool,
    default: bool,
) -> Exported:
    from hue_cli.export.filing import Filing, file_run
    from hue_cli.export.run import Precision
    from hue_cli.export.scores import read_scores

    trained = _read_run(reporter, run)
    filing = Filing(
        weights=weights,
        name=name or trained.recipe.name,
        licence=licence or RESEARCH_ONLY,
        bundled=bundle,
        default=default,
    )
    found = read_scores(scores, trained) if scores else None
    return file_run(trained, filing, scores=found, precision=Precision(precision), opset=opset or _DEFAULT_OPSET)


def _report(reporter: Reporter, exported: Exported) -> None:
    from hue_cli.export.run import AGREEMENT, Precision

    judge, photos, bound = exported.judge, exported.on_photos, exported.photo_bound
    if not exported.agrees and exported.precision is Precision.FP16:
        reporter.warn(
            f"{exported.path}: differs from {judge} by {exported.difference:.2g} units of a* or b*, which is more than "
            f"the {AGREEMENT:g} that other exports keep. That is the price of --precision fp16; auto does not pay it."
        )
    if exported.is_forced:
        reporter.warn(f"{exported.path}: differs from {judge} by more than is allowed; written because of --force.")
    if reporter.mode is Mode.JSON:
        reporter.emit_json(exported.to_dict())
        return
    reporter.result(f"{exported.path}: {exported.size / 1e6:.1f} MB, weights stored as {exported.precision}")
    if exported.precision is not Precision.INT8:
        allowed = f"(allowed: {exported.bound:g})"
        reporter.result(f"largest difference from {judge}: {exported.difference:.2g} units of a* or b* {allowed}")
    reporter.result(
        f"pictures of {photos.photos} photographs: ΔE {photos.mean:.2f} on average (allowed: {bound.mean:g}), "
        f"{photos.largest:.1f} at most (allowed: {bound.largest:g})"
    )
    reporter.result(f"sha256: {exported.sha256}")
