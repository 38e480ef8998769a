"""The right to make a result, held against other runs of hue: two at once on one folder share the work.

It is a locked file beside the result to be, with a name of its own: short, because the result's may be as long
as the file system allows. It goes with the claim. If a run is killed it stays, but no longer locked, and the
next run that wants the result takes it over.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from hue_cli.errors import ImageError
from hue_cli.images.lock import remove_if_abandoned, still_has_its_name, try_lock

_PREFIX, _SUFFIX = ".hue-", ".lock"
_MOMENT = 0.001
"""Seconds; longer than :func:`remove_abandoned_claims` holds a lock file of nobody's."""


class Claim:
    """What :func:`claim` gives; released once, when the result is there or will not be.

    Attributes:
        made: folders that were made for the result, the innermost first.
    """

    def __init__(self, path: Path, stream: IO[bytes] | None, made: list[Path]) -> None:
        self.made = made
        self._path = path
        self._stream = stream

    def release(self) -> None:
        """Let others make the result."""
        if self._stream is not None:
            with suppress(OSError):
                self._path.unlink()  # while it is locked, so that it cannot be another's
            self._stream.close()
            self._stream = None


def claim(output: Path, compare: Path | None = None) -> Claim | None:
    """Claim a result, or return None where another run is at work on it.

    Where there are no locks every claim is granted, and two runs may do the same work; each result is still
    written aside and put in place whole.

    Args:
        output: the result; folders above it are made.
        compare: what is written beside it and goes with it.

    Raises:
        ImageError: its folder cannot be written, or its name is too long.
    """
    # The name in one case, for the file systems that know only one.
    name = hashlib.sha256(os.fsencode(output.name.casefold())).hexdigest()[:16]
    path = output.parent / f"{_PREFIX}{name}{_SUFFIX}"
    try:
        made = list(itertools.takewhile(lambda folder: not folder.exists(), (output.parent, *output.parent.parents)))
        there = made[-1].parent if made else output.parent
        _check_lengths(there, output.name, *([] if compare is None else [compare.name]))
        while True:
            _make(output.parent, made)
            if sys.platform == "win32":
                return Claim(path, None, made)
            try:
                stream = path.open("ab")
            except FileNotFoundError:  # another run has just removed the folder, which it had made in vain
                continue
            locked = try_lock(stream.fileno())
            if locked is None:
                path.unlink(missing_ok=True)
                stream.close()
                return Claim(path, None, made)
            if not locked:
                time.sleep(_MOMENT)
                locked = try_lock(stream.fileno())
            if not locked:
                stream.close()
                return None
            if still_has_its_name(stream.fileno(), path):
                return Claim(path, stream, made)
            stream.close()  # its holder has released it, and removed the file, since it was opened
    except OSError as error:
        raise ImageError(f"{output}: cannot be written ({error.strerror or error}).") from error


def _make(folder: Path, missing: list[Path]) -> None:
    with suppress(FileNotFoundError):  # another run removes folders that it made in vain
        for each in reversed(missing):  # not all at once, for which pathlib calls itself once a level
            each.mkdir(exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)


def _check_lengths(folder: Path, *names: str) -> None:
    for name in names:
        try:
            (folder / name).lstat()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ImageError(
                    f"{name}: the result's name is longer than the file system allows. Name an output folder with "
                    "--output, where results have the names of their photographs; --format, --suffix and --compare "
                    "may make them longer."
                ) from error


def remove_abandoned_claims(folder: Path) -> None:
    """Remove lock files that killed runs left in a folder and that no run has taken over."""
    with suppress(OSError):
        for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            remove_if_abandoned(path)
