"""Data sets by name, and paths."""

from __future__ import annotations

import os
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
    candidates = [data_home() / "kaggle", *sorted(versions.glob("*"), reverse=True)]
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
    try:
        import kagglehub

        root = Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # kagglehub lets its HTTP library's and its own errors through, of no common base
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DatasetError(f"The data set {name!r} could not be fetched from Kaggle ({reason}). {remedy}") from error
    found = _kaggle_layout(root)
    if not found:
        raise DatasetError(f"{root}: expected a folder train_color, found none. {remedy}")
    return found


def resolve(sources: Sequence[str], val: Sequence[str] = ()) -> Dataset:
    """Turn what stands after ``--dataset`` into a data set.

    Args:
        sources: one name, or paths of folders, tars and photos.
        val: paths to validate on.

    Raises:
        DatasetError: a path does not exist, or a named data set cannot be fetched.
    """
    paths = tuple(Path(source) for source in sources)
    for path in (*paths, *map(Path, val)):
        if not path.exists() and str(path) not in NAMES:
            raise DatasetError(
                f"{path}: expected a folder, a tar or one of the data sets {', '.join(NAMES)}; found none of them."
            )
    if len(paths) == 1 and not paths[0].exists():
        named = fetch(sources[0])
        return Dataset(name=named.name, train=named.train, val=tuple(map(Path, val)) or named.val, test=named.test)
    return Dataset(name=", ".join(path.name for path in paths), train=paths, val=tuple(map(Path, val)))
