"""Never leaving half a file: written aside, then put in place in one step."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hue_cli.errors import ImageError
from hue_cli.images.lock import kept_locked, remove_if_abandoned, still_has_its_name, try_lock

_PART_PREFIX, _PART_SUFFIX = ".hue-", ".part"


class _Part(io.BufferedRandom):
    """A file that keeps its number to itself.

    Pillow would write to the number, past the buffer, and take a write that a full disk cut short for a whole one:
    the file would be truncated, and nobody told.
    """

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


@contextmanager
def replacing(path: Path, *, times_of: Path | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the path's place when the block ends well, and vanishes when not.

    It lies in the same folder, so that the exchange is one step; its name is short, whatever the path's is.

    Args:
        path: of the file.
        times_of: a file whose times of access and change it gets.

    Raises:
        ImageError: the folder or the file cannot be written, or the other file has vanished.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part, stream = _open_part(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        # Renamed while it is locked, and after it was closed: network file systems report a full disk only then.
        with kept_locked(stream.raw.fileno()):
            with stream:
                yield stream
            if times_of is not None:
                found = _times(times_of)
                os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
            part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def _open_part(folder: Path) -> tuple[Path, _Part]:
    """Make a temporary file, locked until it is closed, so that other runs know that it is being written."""
    while True:
        # Drawn, not counted: numbers of processes repeat in containers, and several may share a folder.
        part = folder / f"{_PART_PREFIX}{secrets.token_hex(8)}{_PART_SUFFIX}"
        stream = _Part(io.FileIO(part, "x+"))
        number = stream.raw.fileno()
        if try_lock(number) is not False and still_has_its_name(number, part):
            return part, stream
        stream.close()  # another run took it for abandoned, in the moment before it was locked


def _times(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ImageError(f"{path}: its times cannot be read ({error.strerror or error}).") from error


def _unwritable(path: Path, error: OSError) -> ImageError:
    return ImageError(f"{path}: cannot be written ({error.strerror or error}).")


def remove_stale_parts(folder: Path) -> None:
    """Remove temporary files that killed runs left in a folder."""
    with suppress(OSError):
        for part in folder.glob(f"{_PART_PREFIX}*{_PART_SUFFIX}"):
            remove_if_abandoned(part)
