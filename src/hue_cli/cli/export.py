"""``hue export``: a trained run as an ONNX file that ``hue colorize`` takes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hue_cli.cli.options import RESEARCH_ONLY, JsonOpt, QuietOpt
from hue_cli.cli.report import Mode, Reporter
from hue_cli.errors import UsageError

_FILING = "Filing, for released weights"


class Storage(StrEnum):
    """How weights are stored; :class:`hue_cli.export.run.Precision` in the room that does it."""

    FP32 = "fp32"
    FP16 = "fp16"
    AUTO = "auto"


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `hue train`, or the weights.safetensors in one.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="ONNX file to write. Default: model.onnx beside the weights.")
    ] = None,
    precision: Annotated[
        Storage,
        typer.Option(
            help="Storage of the weights: fp16 is half the file, auto takes it if it agrees as closely as fp32 must."
        ),
    ] = Storage.FP32,
    opset: Annotated[int, typer.Option(help="ONNX opset of the graph.", min=18, max=23)] = 20,
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
    """Export a trained network to ONNX, and check that onnxruntime paints what PyTorch paints.

    **Examples**

        hue export runs/residual@0 -o model.onnx

        hue colorize old_photos/ --model model.onnx
    """
    reporter = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    if file_in is None and (scores or name or bundle or default):
        raise UsageError("--scores, --name, --bundle and --default belong to --file-in WEIGHTS, which is missing.")
    if file_in is not None and output is not None:
        raise UsageError("--file-in chooses the file's place itself: leave out -o, or --file-in.")
    if output is not None and output.is_dir():
        raise UsageError(
            f"-o {output}: expected a file, found a folder. Name it, for instance {output / 'model.onnx'}."
        )

    from hue_cli.export.filing import Filing, file_run
    from hue_cli.export.run import AGREEMENT, Precision, export_run
    from hue_cli.export.scores import read_scores
    from hue_cli.models.trained import read_run

    trained = read_run(run)
    if not trained.facts.get("finished"):
        reporter.warn(
            f"{run}: the training is not finished; this exports what there is. Go on with: hue train … --resume"
        )
    if file_in is None:
        exported = export_run(
            trained,
            output or trained.weights.with_name("model.onnx"),
            precision=Precision(precision),
            opset=opset,
            licence=licence or "",
        )
    else:
        filing = Filing(
            weights=file_in,
            name=name or trained.recipe.name,
            licence=licence or RESEARCH_ONLY,
            bundled=bundle,
            default=default,
        )
        found = read_scores(scores, trained.recipe) if scores else None
        exported = file_run(trained, filing, scores=found, precision=Precision(precision), opset=opset)
    if not exported.agrees:
        reporter.warn(
            f"{exported.path}: differs from PyTorch by {exported.difference:.2g} units of a* or b*, which is more than "
            f"the {AGREEMENT:g} that other exports keep. That is the price of --precision fp16; auto does not pay it."
        )
    if json_report:
        reporter.emit_json(exported.to_dict())
        return
    reporter.result(f"{exported.path}: {exported.size / 1e6:.1f} MB, weights stored as {exported.precision}")
    reporter.result(
        f"largest difference from PyTorch: {exported.difference:.2g} units of a* or b* (allowed: {exported.bound:g})"
    )
    reporter.result(f"sha256: {exported.sha256}")
