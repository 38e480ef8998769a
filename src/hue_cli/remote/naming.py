"""Names of results beside each other: as on one machine, but told from the listing alone.

Where a photograph's format holds no colour, or ``--format`` asks for another, its result has another extension, and
may meet that of a neighbour: ``a.gif`` and ``a.png`` in ``a.png``. Names with one stem follow each other in a sorted
listing, with others between them only where those begin alike; so a few names are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import splitext

from hue_cli.images.photo import EXTENSIONS, UNREAD, colour_extension
from hue_cli.remote.listing import Entry


@dataclass(frozen=True, slots=True)
class Named:
    """A photograph and where its result goes.

    Attributes:
        entry: the photograph.
        place: of its result below the folder of results; empty where hue does not read its format.
        rival: the photograph whose result has that name already; then this one gets none.
    """

    entry: Entry
    place: str
    rival: str = ""


class Namer:
    """Names the results of a folder's photographs.

    Args:
        root: path of the folder.
        suffix: added to names.
        extension: of the format that the user named, with its dot; None keeps the photograph's where it holds colour.

    Attributes:
        ignored: how many were no pictures by their names.
    """

    def __init__(self, root: str, suffix: str, extension: str | None) -> None:
        self.ignored = 0
        self._root = root
        self._suffix = suffix
        self._extension = extension
        self._changed: set[str] = set()

    def name(self, listed: Iterable[Entry]) -> Iterator[Named]:
        """Yield every picture of a listing with its result's name."""
        held: list[tuple[str, list[Entry]]] = []
        for entry in listed:
            # Not pathlib, which keeps the parts of every path that it has seen for a while.
            before, ending = splitext(entry.path)
            if ending.lower() in UNREAD:
                yield Named(entry, "")
                continue
            if ending.lower() not in EXTENSIONS:
                self.ignored += 1
                continue
            start = f"{before}."
            while held and not entry.path.startswith(held[-1][0]):
                yield from self._name_alike(held.pop()[1])
            if held and held[-1][0] == start:
                held[-1][1].append(entry)
            else:
                held.append((start, [entry]))
        while held:
            yield from self._name_alike(held.pop()[1])

    def name_one(self, entry: Entry) -> Named:
        """Return a file that was named by itself, and is tried whatever its extension."""
        return next(self._name_alike([entry]))

    def _name_alike(self, alike: list[Entry]) -> Iterator[Named]:
        """Name the results of photographs that differ in their extensions alone."""
        sources = {entry.path for entry in alike}
        taken: dict[str, str] = {}
        for entry in alike:
            before, ending = splitext(entry.path)
            extension = self._extension or colour_extension(PurePosixPath(f"a{ending}"))
            stem = before[len(self._root) + 1 :] + self._suffix
            place = stem + extension
            meets = f"{before}{extension}" in sources or place in taken or place in self._changed
            is_renamed = meets and extension.lower() != ending.lower()
            if is_renamed:
                place = f"{stem}_{ending[1:].lower()}{extension}"
            if place in taken or place in self._changed:
                yield Named(entry, place, taken.get(place, "a photograph before it"))
                continue
            taken[place] = entry.path
            if is_renamed:
                self._changed.add(place)
            yield Named(entry, place)
