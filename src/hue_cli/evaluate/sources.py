"""Which photographs are scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hue_cli.data import datasets
from hue_cli.errors import DatasetError

SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
"""Free colour photographs inside the scikit-image package: the originals of hue's own samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSource:
    """Where photographs come from.

    Attributes:
        name: for the report.
        paths: folders, tars and single photos.
    """

    name: str
    paths: tuple[Path, ...]


def choose_source(wanted: Sequence[str]) -> PhotoSource:
    """Return what stands after ``--dataset``; without it, what is at hand.

    A data set known by name gives its test photos. With nothing named, a named data set that has been fetched
    before gives them, else four photographs of scikit-image do: enough to see that all works, too few to judge.

    Raises:
        DatasetError: a path does not exist, a named data set cannot be had, or it has no test photos.
    """
    if wanted:
        dataset = datasets.resolve(wanted)
        if dataset.name not in datasets.NAMES:
            return PhotoSource(name=dataset.name, paths=dataset.train)
        if not dataset.test:
            raise DatasetError(
                f"The data set {dataset.name!r} lies in {dataset.train[0].parent} without its test photos, and its "
                "training photos would flatter. Fetch all of it, or name a folder: --dataset FOLDER."
            )
        return PhotoSource(name=f"{dataset.name} (test)", paths=dataset.test)
    for name in datasets.NAMES:
        found = datasets.at_hand(name)
        if found and found.test:
            return PhotoSource(name=f"{name} (test)", paths=found.test)
    return _samples()


def _samples() -> PhotoSource:
    from skimage import data

    paths = tuple(path for name in SAMPLES if (path := Path(data.__file__).parent / name).is_file())
    if not paths:
        raise DatasetError("No photographs are at hand. Name some: --dataset FOLDER, a tar, or kaggle.")
    return PhotoSource(name="the sample photographs (scikit-image)", paths=paths)
