"""What lies in a folder, a tar or a file: how many photos, how large, whether they can be read, and their digest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from statistics import median_low

from hue_cli.data.photos import iter_encoded, measure
from hue_cli.errors import DatasetError, ImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found.

    Attributes:
        photos: those that can be read.
        size: bytes of all of them.
        short_side: smallest, median and largest, in pixels.
        long_side: the same.
        suffixes: how many photos have each.
        digest: SHA-256 over name and SHA-256 of every photo.
        bad: names of files that cannot be read, and why.
    """

    photos: int
    size: int
    short_side: tuple[int, int, int]
    long_side: tuple[int, int, int]
    suffixes: Mapping[str, int]
    digest: str
    bad: tuple[tuple[str, str], ...]


def survey(sources: Sequence[Path], on_photo: Callable[[str], None] = lambda _name: None) -> Survey:
    """Read every photo once; of its pixels only the header.

    Args:
        sources: folders, tars or single photos.
        on_photo: told the name of each file that was looked at.

    Raises:
        DatasetError: a source does not exist, a tar is damaged, or there is no photo at all.
    """
    bad: list[tuple[str, str]] = []
    sides: list[tuple[int, int]] = []
    lines: list[str] = []
    suffixes: Counter[str] = Counter()
    size = 0
    for name, data in iter_encoded(sources, on_bad=lambda *each: bad.append(each)):
        on_photo(name)
        try:
            width, height = measure(data)
        except ImageError as error:
            bad.append((name, str(error)))
            continue
        sides.append((min(width, height), max(width, height)))
        lines.append(f"{hashlib.sha256(data).hexdigest()} {name}\n")
        suffixes[PurePosixPath(name).suffix.lower()] += 1
        size += len(data)
    if not sides:
        found = f"{len(bad)} that cannot be read" if bad else "none"
        raise DatasetError(f"{', '.join(map(str, sources[:3]))}: expected photos, found {found}.")
    digest = hashlib.sha256("".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()
    return Survey(
        photos=len(sides),
        size=size,
        short_side=_spread([short for short, _ in sides]),
        long_side=_spread([long for _, long in sides]),
        suffixes=dict(suffixes.most_common()),
        digest=digest,
        bad=tuple(bad),
    )


def _spread(values: Sequence[int]) -> tuple[int, int, int]:
    return min(values), median_low(values), max(values)
