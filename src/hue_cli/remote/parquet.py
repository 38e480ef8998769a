"""The report as a table of Parquet, for runs of more photographs than one reads by the line."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hue_cli.errors import HueError, MissingExtraError, UsageError
from hue_cli.infer.job import Row
from hue_cli.infer.ledger import line_of

_ROWS = 20_000
"""Rows of a group, which is what is in memory at a time."""
_COLUMNS = {
    **dict.fromkeys(("source", "output", "status", "message"), "string"),
    "time": "timestamp[ms, UTC]",
    "warnings": "list<string>",
    **dict.fromkeys(("height", "width", "source_bytes", "output_bytes"), "int64"),
    "seconds": "double",
    **dict.fromkeys(("source_sha256", "output_sha256", "model", "model_sha256", "hue"), "string"),
    "size": "int64",
    "strength": "double",
}


class ParquetLedger:
    """A report that is written aside and takes its name when it is closed.

    Args:
        path: nothing may be there; a table cannot be continued.
        facts: what all rows of the run have in common, such as the model.

    Raises:
        UsageError: the file is there already, or cannot be written.
        MissingExtraError: the package that writes Parquet is not installed.
    """

    def __init__(self, path: Path, **facts: Any) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingExtraError("colorize", "ray", "pyarrow") from error
        if os.path.lexists(path):
            raise UsageError(f"{path}: is there already, and Parquet cannot be continued. Name another --report.")
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._facts = facts
        self._rows: list[dict[str, Any]] = []
        types = {
            "string": pa.string(),
            "int64": pa.int64(),
            "double": pa.float64(),
            "list<string>": pa.list_(pa.string()),
            "timestamp[ms, UTC]": pa.timestamp("ms", "UTC"),
        }
        self._schema = pa.schema([(name, types[kind]) for name, kind in _COLUMNS.items()])
        try:
            self._writer = pq.ParquetWriter(self._part, self._schema, compression="zstd")
        except OSError as error:
            raise UsageError(f"{path}: the report cannot be written ({error.strerror or error}).") from error

    def add(self, row: Row) -> None:
        """Take in a photograph's row.

        Raises:
            HueError: it cannot be written, for instance because the disk is full.
        """
        self._rows.append(line_of(row, self._facts) | {"time": datetime.now(UTC)})
        if len(self._rows) >= _ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left, and give the file its name.

        Raises:
            HueError: it cannot be written.
        """
        self._flush()
        self._writer.close()
        self._part.replace(self._path)

    def _flush(self) -> None:
        import pyarrow as pa

        # Names of files need not be encodable.
        clean = [{name: _encodable(value) for name, value in row.items()} for row in self._rows]
        try:
            self._writer.write_table(pa.Table.from_pylist(clean, self._schema))
        except OSError as error:
            raise HueError(f"{self._path}: the report cannot be continued ({error.strerror or error}).") from error
        self._rows = []


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return [_encodable(each) for each in value] if isinstance(value, list) else value
