"""The command ``hue``: its commands and the one edge where errors become sentences."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="hue",
    help="Colorize black-and-white photographs, and train the networks that do it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; turn :class:`HueError` into a sentence and its exit code."""
    app()
