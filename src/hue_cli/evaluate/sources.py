"""Which photographs are scored on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hue_cli.data import datasets
from hue_cli.data.photos import locate
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

    def count(self, limit: int | None = None) -> int:
        """Return how many picture files there are, at most ``limit``, without reading any."""
        return sum(1 for _ in islice(locate(self.paths), limit))


def choose_source(wanted: Sequence[str], say: Callable[[str], None] = lambda _text: None) -> PhotoSource:
    """Return what stands after ``--dataset``; without it, what is at hand.

    A data set with a manifest (one known by name, or a prepared folder) gives its test photos; those of papers that
    have none give their validation photos, on which these papers score. With nothing named, a named data set that has
    been fetched before gives them, else four photographs of scikit-image do: enough to see that all works, too few to
    judge.

    Args:
        wanted: as typed.
        say: told in lines what is fetched, if something is.

    Raises:
        DatasetError: a path does not exist, a named data set cannot be had, or all its photos are for training.
    """
    if wanted:
        dataset = datasets.resolve(wanted, say=say)
        if dataset.manifest is None:
            return PhotoSource(name=dataset.name, paths=dataset.train)
        if dataset.test:
            return PhotoSource(name=f"{dataset.name} (test)", paths=dataset.test)
        if dataset.val:
            return PhotoSource(name=f"{dataset.name} (validation)", paths=dataset.val)
        raise DatasetError(
            f"The data set {dataset.name!r} has neither test nor validation photos, and its training photos would "
            "flatter. Divide it anew, or name a folder below it."
        )
    for name in datasets.NAMES:
        found = datasets.at_hand(name)
        if found and found.test:
            return PhotoSource(name=f"{name} (test)", paths=found.test)
    return _samples()


def _samples() -> PhotoSource:
    from skimage import data

    paths = tuple(path for name in SAMPLES if (path := Path(data.__file__).parent / name).is_file())
    if not paths:
        raise DatasetError(
            "No photographs are at hand. Name some: --dataset FOLDER, a tar, or a data set (`hue data list`)."
        )
    return PhotoSource(name="the sample photographs (scikit-image)", paths=paths)
