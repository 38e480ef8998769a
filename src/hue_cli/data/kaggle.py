"""The edge to Kaggle: kagglehub fetches, resumes, checks what the server announces, and unpacks."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from hue_cli.data.catalogue import Kaggle
from hue_cli.errors import FetchError


def kept_versions(origin: Kaggle) -> Iterator[Path]:
    """Yield the folders of the versions that kagglehub has fetched to the end, the newest first."""
    home = Path(os.environ.get("KAGGLEHUB_CACHE", Path.home() / ".cache" / "kagglehub"))
    folder = home.joinpath("datasets", *origin.handle.split("/"))
    versions = [path for path in folder.glob("versions/*") if (folder / f"{path.name}.complete").exists()]
    yield from sorted(versions, key=lambda path: (len(path.name), path.name), reverse=True)


def fetch_version(name: str, origin: Kaggle, remedy: str) -> Path:
    """Return the folder of the newest version of the data set ``name``, fetching it if need be.

    Raises:
        FetchError: Kaggle cannot be reached, or refuses; the message ends with ``remedy``.
    """
    from kagglehub.datasets import dataset_download

    try:
        with redirect_stdout(sys.stderr):  # standard output is for results, and kagglehub may have something to say
            return Path(dataset_download(origin.handle))
    except Exception as error:  # kagglehub lets its HTTP library's and its own errors through, of no common base
        reason = "Kaggle cannot be reached" if _is_unreachable(error) else f"Kaggle refuses it ({_first_line(error)})"
        raise FetchError(f"The data set {name!r} could not be fetched: {reason}. {remedy}") from error


def _is_unreachable(error: BaseException | None) -> bool:
    """Tell whether a failure began with the network itself, whatever libraries wrapped it in."""
    while error is not None:
        if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
