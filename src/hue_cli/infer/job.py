"""What is to be done with a photograph, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hue_cli.images.photo import EXTENSIONS


class Status(StrEnum):
    """What became of a file."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    PLANNED = "planned"


class Skip(StrEnum):
    """Why a file was skipped."""

    EXISTS = "exists"
    """A file with the result's name is there."""
    OWN = "own"
    """It is itself a picture that hue made."""
    LINK = "link"
    """It is a link to a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file's row in the report.

    Attributes:
        source, output: the photograph and its colour version; no output where none could be named.
        status: what became of it.
        skip: why, where it was skipped.
        message: the same in words, for what was skipped or failed.
        warnings: what may surprise about the result.
        stale: whether the output that was found is older than its photograph.
        height, width: in pixels, where it was read.
    """

    source: Path
    status: Status
    output: Path | None = None
    skip: Skip | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    stale: bool = False
    height: int | None = None
    width: int | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the row as plain data for JSON."""
        return {
            "source": str(self.source),
            "output": None if self.output is None else str(self.output),
            "status": self.status.value,
            "message": self.message,
            "warnings": list(self.warnings),
            "height": self.height,
            "width": self.width,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A photograph to colorize.

    Attributes:
        source, output: where from and where to.
        compare: where the picture of grey beside colour goes, if it is wanted.
        keeps_output: the output is there and stays as it is; only the comparison is missing.
    """

    source: Path
    output: Path
    compare: Path | None = None
    keeps_output: bool = False

    @property
    def output_format(self) -> str:
        """Pillow's name of the output's format."""
        return EXTENSIONS[self.output.suffix.lower()]
