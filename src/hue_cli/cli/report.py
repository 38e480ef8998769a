"""The only place that prints.

Standard output carries results (tables, JSON lines); everything said along the way — progress,
notes, warnings, errors — goes to standard error, so that a pipe receives results alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, TaskID


class Mode(StrEnum):
    """How much is said, and to whom."""

    QUIET = "quiet"
    """Warnings and errors only, and what is fetched."""
    NORMAL = "normal"
    VERBOSE = "verbose"
    """Normal, and the details."""
    JSON = "json"
    """Results as JSON, one object a line, on standard output; warnings and errors on standard error."""

    @classmethod
    def choose(cls, *, quiet: bool = False, verbose: bool = False, json_report: bool = False) -> Mode:
        """Return the mode that the shared options ``--quiet``, ``--verbose`` and ``--json`` ask for."""
        if json_report:
            return cls.JSON
        return cls.QUIET if quiet else cls.VERBOSE if verbose else cls.NORMAL


def printable(text: object) -> str:
    """Return text that any terminal can take: file names hold escape sequences and undecodable bytes too."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


class ProgressBar:
    """A running bar; made by :meth:`Reporter.progress`."""

    def __init__(self, progress: Progress | None, task: TaskID | None) -> None:
        self._progress = progress
        self._task = task
        self._said = ""

    def advance(self, n: float = 1, **fields: object) -> None:
        """Move on by ``n`` and show ``fields`` as ``name value`` behind the bar, for instance ``loss=0.0312``."""
        if self._progress is not None and self._task is not None:
            if fields:
                self._said = printable("  ".join(f"{name} {_cell(value)}" for name, value in fields.items()))
            self._progress.update(self._task, advance=n, said=self._said)


class Reporter:
    """Says what a command does.

    Args:
        mode: how much.
        results_to_stderr: for commands whose standard output carries a picture.
    """

    def __init__(self, mode: Mode = Mode.NORMAL, *, results_to_stderr: bool = False) -> None:
        self.mode = mode
        self._results_to_stderr = results_to_stderr
        self._live: Console | None = None

    def _console(self, *, stderr: bool = True) -> Console:
        if stderr and self._live is not None:
            return self._live  # prints above the bar instead of through it
        # Made on each use: consoles bind the stream, which test runners and pipes exchange.
        from rich.console import Console

        console = Console(stderr=stderr or self._results_to_stderr, highlight=False, markup=False, emoji=False)
        if not console.is_terminal:
            console.width = 1000 if console.width < 1000 else console.width
        return console

    @property
    def says_details(self) -> bool:
        """Whether :meth:`detail` prints."""
        return self.mode is Mode.VERBOSE

    @property
    def shows_progress(self) -> bool:
        """Whether :meth:`progress` draws a bar."""
        return self.mode in (Mode.NORMAL, Mode.VERBOSE) and self._console().is_terminal

    def note(self, text: str) -> None:
        """Say something useful; quiet and JSON modes leave it out."""
        if self.mode in (Mode.NORMAL, Mode.VERBOSE):
            self.announce(text)

    def announce(self, text: str) -> None:
        """Say, in every mode, what nobody should have to find out for himself: what is fetched, and from where."""
        self._console().print(printable(text), soft_wrap=True)

    def detail(self, text: str) -> None:
        """Say something that only ``--verbose`` wants to know."""
        if self.says_details:
            self._console().print(printable(text), style="dim", soft_wrap=True)

    def warn(self, text: str) -> None:
        """Say what may surprise; in every mode."""
        self._labelled("Warning", "yellow", text)

    def error(self, text: str) -> None:
        """Say what went wrong; in every mode."""
        self._labelled("Error", "bold red", text)

    def _labelled(self, label: str, style: str, text: str) -> None:
        from rich.text import Text

        self._console().print(Text.assemble((f"{label}: ", style), printable(text)), soft_wrap=True)

    def result(self, text: str) -> None:
        """Print a line that is a result, to standard output; quiet and JSON modes leave it out."""
        if self.mode in (Mode.NORMAL, Mode.VERBOSE):
            self._console(stderr=False).print(printable(text), soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table of results to standard output; quiet and JSON modes leave it out.

        Numbers are set flush right; floats get four significant digits. Where the terminal is too narrow for the
        columns, each row becomes a block of lines.
        """
        if self.mode not in (Mode.NORMAL, Mode.VERBOSE):
            return
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        rows = [tuple(row) for row in rows]
        console = self._console(stderr=False)
        if _least_width(columns, rows) > console.width:
            for line in _as_blocks(title, columns, rows):
                console.print(printable(line), soft_wrap=True)
            return
        table = Table(title=printable(title) or None, title_justify="left", box=SIMPLE_HEAD)
        for index, column in enumerate(columns):
            numeric = all(isinstance(row[index], int | float) or row[index] is None for row in rows)
            table.add_column(printable(column), justify="right" if numeric and rows else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        console.print(table)

    @contextmanager
    def progress(self, total: float | None, description: str, *, percent: bool = False) -> Iterator[ProgressBar]:
        """Show a bar with rate and time left on standard error, where that is a terminal.

        Args:
            total: how many steps there are; None where nobody knows yet.
            description: what is going on.
            percent: show the share that is done, where steps and their rate would mean nothing.
        """
        if not self.shows_progress:
            yield ProgressBar(None, None)
            return
        from rich import progress as rp

        columns = (
            rp.TextColumn("{task.description}"),
            rp.BarColumn(),
            *((rp.TaskProgressColumn(),) if percent else (rp.MofNCompleteColumn(), _rate_column())),
            rp.TimeRemainingColumn(),
            rp.TextColumn("{task.fields[said]}", style="dim"),
        )
        with rp.Progress(*columns, console=self._console(), transient=True) as progress:
            self._live = progress.console
            try:
                yield ProgressBar(progress, progress.add_task(printable(description), total=total, said=""))
            finally:
                self._live = None

    def emit_json(self, obj: object) -> None:
        """Print one JSON object on one line of standard output; other modes than JSON print it too."""
        stream = sys.stderr if self._results_to_stderr else sys.stdout
        if stream is None:  # closed by whoever called
            return
        # ASCII, because names of files need not be encodable in the stream's encoding.
        stream.write(json.dumps(obj, default=str) + "\n")
        stream.flush()


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else printable(value)


_READABLE = 14
"""A column of words that is narrower breaks most of them."""


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Return the width under which a table's numbers would be broken, or its words at nearly every letter."""
    width = 0
    for index, column in enumerate(columns):
        cells = [_cell(row[index]) for row in rows]
        longest = max(map(len, (column, *cells)))
        is_text = any(isinstance(row[index], str) for row in rows)
        width += 3 + (max(len(column), min(longest, _READABLE)) if is_text else longest)
    return width


def _as_blocks(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    if title:
        yield title
    for row in rows:
        yield ""
        yield from (f"{column}: {_cell(value)}" for column, value in zip(columns, row, strict=True))


def _rate_column() -> ProgressColumn:
    """Return a column with the steps per second; made here because rich is imported late."""
    from rich import progress as rp
    from rich.text import Text

    class RateColumn(rp.ProgressColumn):
        def render(self, task: rp.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f}/s" if speed else "", style="dim")

    return RateColumn()
