"""The report that a run leaves in a file: what became of each photograph, a JSON object a line.

Lines are appended as the run goes, each in one step, so that a run that is killed leaves whole lines. What a
crash of the machine or a full disk cut off in the middle is removed before the next line is written. Several
runs may write one report.
"""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hue_cli import __version__
from hue_cli.errors import HueError, UsageError
from hue_cli.images.lock import alone
from hue_cli.infer.job import FileFacts, Row

_FIRST = b'{"'
_TAIL = 1 << 16


class Ledger:
    """A report, open for further lines.

    Args:
        path: a report of hue that is there is continued.
        facts: what all lines of the run have in common, such as the model.

    Raises:
        UsageError: the file cannot be written, or holds something that is no report.
    """

    def __init__(self, path: Path, **facts: Any) -> None:
        self._path = path
        self._facts = facts
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise UsageError(f"{path}: the report cannot be written ({error.strerror}).") from error
        is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        if not is_file or os.read(self._descriptor, len(_FIRST)) not in (b"", _FIRST):
            os.close(self._descriptor)
            found = "holds something else than a report of hue" if is_file else "is no ordinary file"
            raise UsageError(f"{path}: {found}. Name another file for --report.")

    def add(self, row: Row) -> None:
        """Append a photograph's line.

        Raises:
            HueError: it cannot be written, for instance because the disk is full.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")} | line_of(row, self._facts)
        # ASCII, because names of files need not be encodable.
        data = (json.dumps(line) + "\n").encode()
        try:
            with alone(self._descriptor):
                end = self._whole()
                if os.write(self._descriptor, data) != len(data):
                    os.ftruncate(self._descriptor, end)
                    raise HueError(f"{self._path}: the report cannot be continued (the disk is full).")
        except OSError as error:
            raise HueError(f"{self._path}: the report cannot be continued ({error.strerror}).") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _whole(self) -> int:
        """Cut off a line that was never finished; return where the next one begins."""
        end = os.fstat(self._descriptor).st_size
        while end:
            start = max(0, end - _TAIL)
            os.lseek(self._descriptor, start, os.SEEK_SET)
            tail = os.read(self._descriptor, end - start)
            if tail.endswith(b"\n"):
                return end
            end = start + tail.rfind(b"\n") + 1
            os.ftruncate(self._descriptor, end)
        return 0


def line_of(row: Row, facts: dict[str, Any]) -> dict[str, Any]:
    """Return a photograph's line, as plain data for JSON; without the time.

    Args:
        row: what became of it.
        facts: what all lines have in common.
    """
    return {
        **row.to_dict(),
        **_described("source", row.source_file),
        **_described("output", row.output_file),
        **facts,
        "hue": __version__,
    }


def _described(name: str, facts: FileFacts | None) -> dict[str, Any]:
    return {f"{name}_bytes": facts and facts.size, f"{name}_sha256": facts and facts.sha256}
