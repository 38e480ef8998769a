"""What is to be done with a photograph, and what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from hue_cli.images.photo import EXTENSIONS

_BLOCK = 1 << 20


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
    COLOUR = "colour"
    """It is in colour already."""
    COPIED = "copied"
    """It is in colour already, and was copied as it is."""
    FORMAT = "format"
    """It is a picture of a format that hue does not read."""
    BUSY = "busy"
    """Another run of hue is making its result."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What identifies the content of a file.

    Attributes:
        size: in bytes.
        sha256: hexadecimal.
    """

    size: int
    sha256: str

    @classmethod
    def of(cls, stream: BinaryIO) -> FileFacts:
        """Read a stream from its beginning to its end, a piece at a time."""
        stream.seek(0)
        digest = hashlib.sha256()
        while block := stream.read(_BLOCK):
            digest.update(block)
        return cls(stream.tell(), digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file's row in the report.

    Attributes:
        source, output: the photograph and its colour version, a path or a URL; no output where none could be named.
        status: what became of it.
        skip: why, where it was skipped.
        message: the same in words, for what was skipped or failed.
        warnings: what may surprise about the result.
        stale: whether the output that was found is older than its photograph.
        height, width: in pixels, where it was read.
        seconds: of work on it, over all threads; its share of a batch included.
        source_file, output_file: what was read and what was written, where the run takes digests.
    """

    source: Path | str
    status: Status
    output: Path | str | None = None
    skip: Skip | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    stale: bool = False
    height: int | None = None
    width: int | None = None
    seconds: float | None = None
    source_file: FileFacts | None = None
    output_file: FileFacts | None = None

    @classmethod
    def of_existing(cls, source: Path, output: Path) -> Row:
        """Return the row of a photograph whose result is there already."""
        older = _modified(output) < _modified(source)
        message = f"{output} is there already{', but older than its photograph' if older else ''}"
        return cls(source=source, output=output, status=Status.SKIPPED, skip=Skip.EXISTS, message=message, stale=older)

    @classmethod
    def of_unread(cls, source: Path | str) -> Row:
        """Return the row of a picture that is left out because, by its name, hue does not read its format."""
        message = "is a picture of a format that hue does not read; save it as TIFF, PNG or JPEG"
        return cls(source=source, status=Status.SKIPPED, skip=Skip.FORMAT, message=message)

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
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A photograph to colorize.

    Attributes:
        source, output: where from and where to.
        compare: where the picture of grey beside colour goes, if it is wanted.
        keeps_output: the output is there and stays as it is; only the comparison is missing.
        overwrites: what is there is made again.
    """

    source: Path
    output: Path
    compare: Path | None = None
    keeps_output: bool = False
    overwrites: bool = False

    @property
    def output_format(self) -> str:
        """Pillow's name of the output's format."""
        return EXTENSIONS[self.output.suffix.lower()]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
