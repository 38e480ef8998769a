"""The command ``hue``: its commands and the one edge where errors become sentences."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hue_cli import __version__
from hue_cli.cli.colorize import colorize
from hue_cli.cli.data import data
from hue_cli.cli.doctor import doctor
from hue_cli.cli.evaluate import evaluate
from hue_cli.cli.export import export
from hue_cli.cli.models import models
from hue_cli.cli.report import Mode, Reporter
from hue_cli.cli.study import study
from hue_cli.cli.train import train
from hue_cli.errors import HueError, MissingExtraError
from hue_cli.stopping import Terminated

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended: 128 + SIGINT."""
TERMINATED = 143
"""Of one that SIGTERM ended."""

# Import name of each package that only the extra brings; no command needs to know the list.
_TRAIN_EXTRA = frozenset(
    {
        *("torch", "torchvision", "timm", "torchmetrics", "torch_fidelity", "skimage", "safetensors"),
        *("onnx", "onnxscript", "tensorboard", "matplotlib", "kagglehub", "pooch", "requests"),
    }
)


@contextmanager
def error_edge(command: str) -> Iterator[None]:
    """Turn what a command raises into a sentence on standard error and an exit code.

    ``HUE_TRACEBACK=1`` lets the traceback through instead, for reports of bugs.

    Args:
        command: name of the command, for the message about a missing extra.

    Raises:
        SystemExit: always in place of a :class:`HueError`, an error of the operating system, an interrupt or a
            missing extra.
    """
    try:
        yield
    except (HueError, ModuleNotFoundError, OSError, KeyboardInterrupt) as error:
        if os.environ.get("HUE_TRACEBACK") == "1":
            raise
        raise SystemExit(_explain(error, command)) from error


def _explain(error: BaseException, command: str) -> int:
    """Print one sentence about the error; return the exit code. What is not ours to explain is raised again."""
    report = Reporter(Mode.NORMAL)
    if isinstance(error, KeyboardInterrupt):
        _say_error(report, "Interrupted. Nothing was left half-written.")
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package not in _TRAIN_EXTRA:
            raise error
        error = MissingExtraError(command, "train", package)
    if isinstance(error, BrokenPipeError):
        raise error  # whoever reads has seen enough; Typer ends without a word
    _say_error(report, str(error) if isinstance(error, HueError) else _sentence(error))
    return error.exit_code if isinstance(error, HueError) else 1


def _say_error(report: Reporter, text: str) -> None:
    """Say it if anybody listens: standard error may be what cannot be written, where Rich exits."""
    with suppress(OSError, SystemExit):
        report.error(text)
    _give_up_output_that_is_stuck()


def _sentence(error: BaseException) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return f"The operating system refused ({error})."
    return f"{error.filename or 'Standard input or output'}: the operating system refused ({error.strerror})."


def _give_up_output_that_is_stuck() -> None:
    """Send what the standard streams still hold nowhere; Python would try again at its end, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class HueGroup(TyperGroup):
    """The group of commands, run inside the error edge, so that a test runner passes through it too."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names."""
        with error_edge(_command_of(self, [*getattr(ctx, "_protected_args", ()), *ctx.args])):
            return super().invoke(ctx)


def _command_of(group: Any, arguments: list[str]) -> str:
    """Return the words of a line that name a command, as in ``models push``; ``hue`` where none does."""
    words = []
    for word in arguments:
        if word not in getattr(group, "commands", {}):
            break
        group = group.commands[word]
        words.append(word)
    return " ".join(words) or "hue"


app = typer.Typer(
    name="hue",
    cls=HueGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hue {__version__}")
        raise typer.Exit


@app.callback()
def hue(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Colorize black-and-white photographs, and train the networks that do it.

    The first thing to try:

        hue colorize old_photos/
    """


app.command("colorize")(colorize)
app.command("train")(train)
app.command("eval")(evaluate)
app.command("export")(export)
app.add_typer(models, name="models")
app.add_typer(study, name="study")
app.command("doctor")(doctor)
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line; the exit code is 0 for done, 1 for some files failed, 2 for usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console or pipe of another encoding than UTF-8, as on Windows, shows ? for what it does not know.
            stream.reconfigure(errors="replace")
    with error_edge("hue"):
        app(prog_name="hue")  # also where it was started as python -m hue_cli
