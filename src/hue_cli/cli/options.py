"""Options that several commands share, so that they read and behave alike."""

from __future__ import annotations

from typing import Annotated

import typer

ModelOpt = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME|PATH.onnx", help="Model by name, or an ONNX file that hue exported."),
]
DeviceOpt = Annotated[
    str,
    typer.Option("--device", "-d", metavar="auto|cpu|cuda[:N]", help="Where the network runs."),
]
BatchSizeOpt = Annotated[
    int | None,
    typer.Option("--batch-size", "-b", min=1, help="Photographs a batch. Default: what suits the device."),
]
WorkersOpt = Annotated[
    int | None,
    typer.Option("--workers", "-j", min=1, help="Threads that read and write. Default: one a core."),
]
QuietOpt = Annotated[bool, typer.Option("--quiet", help="Say only what goes wrong.")]
VerboseOpt = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
JsonOpt = Annotated[
    bool, typer.Option("--json", help="Report as JSON, one object a line, on standard output (for programs).")
]
