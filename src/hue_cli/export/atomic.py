"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hue_cli.errors import UsageError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    Raises:
        UsageError: the folder or the file cannot be written.
    """
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files for their owner alone; a model is for whoever may read the folder.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}). Choose another place with -o.") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
