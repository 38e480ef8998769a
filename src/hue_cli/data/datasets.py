"""Data sets by name, and paths."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from hue_cli.errors import DatasetError

KAGGLE_HANDLE = "aayush9753/image-colorization-dataset"
NAMES = ("kaggle",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Where the photos of a data set lie.

    Attributes:
        name: as given on the command line.
        train: sources for training.
        val: sources for validation; empty: part of ``train`` is held out.
        test: sources for testing; may be empty.
    """

    name: str
    train: tuple[Path, ...]
    val: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()


def data_home() -> Path:
    """Return the folder in which named data sets are kept: ``HUE_DATA_DIR``, else the user's cache."""
    override = os.environ.get("HUE_DATA_DIR")
    return Path(override) if override else platformdirs.user_cache_path("hue") / "data"


def _kaggle_layout(root: Path) -> Dataset | None:
    """Find ``train_color`` and ``test_color``, which the archive keeps below ``data/``."""
    for folder in (root, root / "data"):
        train, test = folder / "train_color", folder / "test_color"
        if train.is_dir():
            return Dataset(name="kaggle", train=(train,), test=(test,) if test.is_dir() else ())
    return None


def at_hand(name: str) -> Dataset | None:
    """Return the named data set if it has been fetched already, without asking the network."""
    if name != "kaggle":
        return None
    owner, slug = KAGGLE_HANDLE.split("/")
    kagglehub_home = Path(os.environ.get("KAGGLEHUB_CACHE", Path.home() / ".cache" / "kagglehub"))
    versions = kagglehub_home / "datasets" / owner / slug / "versions"
    newest_first = sorted(versions.glob("*"), key=lambda path: (len(path.name), path.name), reverse=True)
    candidates = [data_home() / "kaggle", *newest_first]
    return next((found for root in candidates if (found := _kaggle_layout(root))), None)


def fetch(name: str) -> Dataset:
    """Return the named data set, fetching it from Kaggle if it is not at hand.

    Raises:
        DatasetError: it cannot be fetched; the message says how to put it in place by hand.
    """
    found = at_hand(name)
    if found:
        return found
    remedy = (
        f"Download https://www.kaggle.com/datasets/{KAGGLE_HANDLE} by hand and unpack it to {data_home() / 'kaggle'}, "
        "or train on photos of your own: --dataset FOLDER."
    )
    from kagglehub.datasets import dataset_download

    try:
        root = Path(dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # kagglehub lets its HTTP library's and its own errors through, of no common base
        reason = "Kaggle cannot be reached" if _is_unreachable(error) else f"Kaggle refuses it ({_first_line(error)})"
        raise DatasetError(f"The data set {name!r} could not be fetched: {reason}. {remedy}") from error
    found = _kaggle_layout(root)
    if not found:
        raise DatasetError(f"{root}: expected a folder train_color, found none. {remedy}")
    return found


def _is_unreachable(error: BaseException | None) -> bool:
    """Tell whether a failure began with the network itself, whatever libraries wrapped it in."""
    while error is not None:
        if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def resolve(sources: Sequence[str], val: Sequence[str] = ()) -> Dataset:
    """Turn what stands after ``--dataset`` into a data set.

    Args:
        sources: one name, or paths of folders, tars and photos.
        val: paths to validate on.

    Raises:
        DatasetError: a path does not exist, or a named data set cannot be fetched.
    """
    paths, val_paths = tuple(map(Path, sources)), tuple(map(Path, val))
    missing = next((path for path in (*paths, *val_paths) if not _exists(path)), None)
    if len(paths) == 1 and missing == paths[0] and str(missing) in NAMES:
        named = fetch(str(missing))
        return Dataset(name=named.name, train=named.train, val=val_paths or named.val, test=named.test)
    if missing is not None:
        alone = "; a data set's name stands alone" if str(missing) in NAMES else ""
        raise DatasetError(
            f"{missing}: expected a folder of photos, a tar or a photo, found nothing there{alone}. "
            f"Data sets by name: {', '.join(NAMES)}."
        )
    return Dataset(name=", ".join(path.name for path in paths), train=paths, val=val_paths)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for any file
        return False
