"""Files that say that somebody is at work: locked while their run lives, free as soon as it has ended, however.

The operating system lets go of a lock when a process dies, even at ``kill -9``. So a temporary file that is not
locked was left behind, and no age has to be guessed. Where locks cannot be had (Windows, some network file
systems), an hour without a change has to do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STALE_SECONDS = 3600


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file, without waiting, until it is closed.

    Returns:
        Whether it could be locked; None where the file system or the platform knows no locks.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # network file systems without a lock daemon
        return None
    return True


@contextmanager
def kept_locked(descriptor: int) -> Iterator[None]:
    """Keep the lock of an open file through the block, even when the file is closed within."""
    if sys.platform == "win32":  # where a file that is open anywhere cannot be renamed
        yield
        return
    twin = os.dup(descriptor)  # a lock belongs to what both of them refer to
    try:
        yield
    finally:
        os.close(twin)


@contextmanager
def alone(descriptor: int) -> Iterator[None]:
    """Wait for an open file's lock and hold it through the block, so that runs take turns; where there are locks."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def still_has_its_name(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one that its path leads to, and was not removed or replaced meanwhile."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def remove_if_abandoned(path: Path) -> None:
    """Remove a temporary file that no living run holds; one that is gone or cannot be opened is left alone."""
    with suppress(OSError), path.open("rb") as stream:
        locked = try_lock(stream.fileno())
        is_old = time.time() - os.fstat(stream.fileno()).st_mtime > _STALE_SECONDS
        if locked or (locked is None and is_old):
            path.unlink()
