"""Options that several commands share, so that they read and behave alike."""

from __future__ import annotations

from typing import Annotated

import typer

RESEARCH_ONLY = "for research and other non-commercial use, because of the terms of the training photographs"
"""Licence of the weights that the project trains, unless another is named."""


def complete_models(incomplete: str) -> list[str]:
    """Return the names of models that begin like what was typed, for the shell."""
    from hue_cli.errors import HueError
    from hue_cli.weights.cache import read_fetched
    from hue_cli.weights.resolve import find_index

    try:
        names = [*find_index().models, *read_fetched()]
    except HueError:  # a shell in the middle of a line is no place for messages
        return []
    return [name for name in names if name.startswith(incomplete)]


ModelOpt = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME|hf:ORG/REPO|PATH.onnx",
        help="Model by name, one of the Hugging Face hub, or an ONNX file that hue exported.",
        autocompletion=complete_models,
    ),
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
QuietOpt = Annotated[bool, typer.Option("--quiet", help="Say only what goes wrong, and what is fetched.")]
VerboseOpt = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]
JsonOpt = Annotated[
    bool, typer.Option("--json", help="Report as JSON, one object a line, on standard output (for programs).")
]
