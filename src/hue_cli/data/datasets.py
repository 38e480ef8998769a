"""What stands after ``--dataset``: data sets by name, folders with a manifest, and any other photos."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hue_cli.data import catalogue
from hue_cli.data import fetch as fetching
from hue_cli.data.listener import Lines
from hue_cli.data.manifest import Manifest, read_manifest
from hue_cli.data.splits import Side
from hue_cli.errors import DatasetError

NAMES = catalogue.NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Where the photos of a data set lie.

    Attributes:
        name: as given on the command line.
        train: sources for training.
        val: sources for validation; empty: part of ``train`` is held out.
        test: sources for testing; may be empty.
        manifest: digest of the manifest that divides them; None where there is none.
    """

    name: str
    train: tuple[Path, ...]
    val: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    manifest: str | None = None


def at_hand(name: str) -> Dataset | None:
    """Return the named data set if it lies here, whole, without asking the network.

    Raises:
        DatasetError: no data set has this name, or its manifest is damaged.
    """
    manifest = fetching.find(name)
    return _divided(manifest) if manifest is not None and manifest.is_whole() else None


def _nobody(_text: str) -> None:
    """Tell nobody."""


def resolve(sources: Sequence[str], val: Sequence[str] = (), say: Callable[[str], None] = _nobody) -> Dataset:
    """Turn what stands after ``--dataset`` into a data set.

    Args:
        sources: names of data sets, which are joined side by side, or paths of folders, tars and photos. A folder that
            ``hue data prepare`` made is divided as its manifest says.
        val: paths to validate on.
        say: told in lines what is fetched, if something is.

    Raises:
        DatasetError: a path does not exist, or a named data set cannot be fetched.
    """
    paths, val_paths = tuple(map(Path, sources)), tuple(map(Path, val))
    missing = next((path for path in (*paths, *val_paths) if not _exists(path)), None)
    if paths and all(str(path) in NAMES and not _exists(path) for path in paths) and missing not in val_paths:
        return _with_val(_joined([_divided(fetching.fetch(str(path), Lines(say))) for path in paths]), val_paths)
    if missing is not None:
        if str(missing) in NAMES:  # what is wrong is what stands beside it, where that is missing too
            missing = next((path for path in paths if not _exists(path) and str(path) not in NAMES), missing)
        mixed = "; names of data sets stand among themselves, without paths" if str(missing) in NAMES else ""
        raise DatasetError(
            f"{missing}: expected a folder of photos, a tar or a photo, found nothing there{mixed}. "
            f"Data sets by name: {', '.join(NAMES)}."
        )
    return _with_val(_joined([_at(path) for path in paths]), val_paths)


def _at(path: Path) -> Dataset:
    """Return what lies at a path: divided by its manifest, or all of it for training."""
    manifest = read_manifest(path)
    if manifest is None:
        return Dataset(name=path.name, train=(path,))
    manifest.check()
    return _divided(manifest)


def _divided(manifest: Manifest) -> Dataset:
    return Dataset(
        name=manifest.name,
        train=manifest.paths(Side.TRAIN),
        val=manifest.paths(Side.VAL),
        test=manifest.paths(Side.TEST),
        manifest=manifest.digest,
    )


def _joined(datasets: Sequence[Dataset]) -> Dataset:
    """Return several data sets as one: paper 004 trains on three."""
    if len(datasets) == 1:
        return datasets[0]
    digests = [each.manifest for each in datasets if each.manifest]
    return Dataset(
        name=", ".join(each.name for each in datasets),
        train=tuple(path for each in datasets for path in each.train),
        val=tuple(path for each in datasets for path in each.val),
        test=tuple(path for each in datasets for path in each.test),
        manifest=hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests else None,
    )


def _with_val(dataset: Dataset, val: tuple[Path, ...]) -> Dataset:
    return replace(dataset, val=val or dataset.val)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for any file
        return False
