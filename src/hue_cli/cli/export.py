"""``hue export``: a trained run as an ONNX file that ``hue colorize`` takes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hue_cli.cli.options import JsonOpt, QuietOpt


class Storage(StrEnum):
    """How to store the weights."""

    FP32 = "fp32"
    FP16 = "fp16"
    AUTO = "auto"


RESEARCH_ONLY = "research and other non-commercial use: the terms of the training photographs"

_FILING = "Filing (for the project's own weights)"


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `hue train`, or the weights.safetensors in one.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="ONNX file to write. Default: model.onnx beside the weights.")
    ] = None,
    precision: Annotated[
        Storage,
        typer.Option(
            help="How weights are stored: fp32, fp16 (half the file), or auto (fp16 if it agrees, else fp32)."
        ),
    ] = Storage.FP32,
    opset: Annotated[int, typer.Option(help="ONNX opset of the graph.", min=18, max=23)] = 20,
    licence: Annotated[
        str, typer.Option(help="Terms of the weights, noted in the file. With --file-in the default is: research only.")
    ] = "",
    file_in: Annotated[
        Path | None,
        typer.Option(help="Put it into this weights folder, with model card and index.", rich_help_panel=_FILING),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="What `hue eval --json` printed for this network.", rich_help_panel=_FILING)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model. Default: the recipe's.", rich_help_panel=_FILING)
    ] = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Ship it inside the package.", rich_help_panel=_FILING)
    ] = False,
    default: Annotated[
        bool,
        typer.Option("--default", help="Make it the model that is used when none is named.", rich_help_panel=_FILING),
    ] = False,
    quiet: QuietOpt = False,
    json_report: JsonOpt = False,
) -> None:
    """Export a trained network to ONNX, and check that onnxruntime paints what PyTorch paints."""
