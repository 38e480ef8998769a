"""Which settings the results in a folder were made with, so that one listing tells what is still to be done.

A listing gives names and times. So the folder holds one small object, the stamp, with the settings' digest: what is
younger than it was made with them. A run with other settings writes the stamp anew, and all results are then older,
to be made again. What is older than the first stamp is nobody knows whose, and is left alone. All times are of the
storage's clock.
"""

from __future__ import annotations

import hashlib
import json
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from hue_cli.errors import ImageError
from hue_cli.remote.listing import Entry, look_at
from hue_cli.remote.location import Location

NAME = ".hue-settings.json"
_SECOND = 1.1
"""Seconds; storage that counts whole ones must have come to the next before results are written."""


class Found(IntEnum):
    """What the listing of the results says of one of them."""

    ABSENT = 0
    DONE = 1
    """It was made with the settings of the run."""
    OTHER = 2
    """hue made it, with other settings."""
    FOREIGN = 3
    """It was there before hue."""


def digest_of(facts: dict[str, Any]) -> str:
    """Return the SHA-256 of settings, as plain data for JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A folder's stamp.

    Attributes:
        digest: of the settings.
        since: when it was written; younger results have these settings.
        first: when the folder's first one was written.
        facts: the settings, for people.
    """

    digest: str
    since: float
    first: float
    facts: dict[str, Any]

    @classmethod
    def read(cls, folder: Location) -> Stamp | None:
        """Return a folder's stamp; None where it has none.

        Raises:
            HueError: the storage refuses.
            ImageError: the object is damaged.
        """
        place = folder.below(NAME)
        entry = look_at(place)
        if entry is None:
            return None
        try:
            content = json.loads(place.read())
            first = float(content["first"] or entry.modified)
            return cls(digest=content["digest"], since=entry.modified, first=first, facts=content["settings"])
        except (ValueError, KeyError, TypeError) as error:
            raise ImageError(
                f"{place}: expected the settings of a run of hue, found something else. Remove it."
            ) from error

    @classmethod
    def write(cls, folder: Location, facts: dict[str, Any], before: Stamp | None) -> Stamp:
        """Stamp a folder with the settings of a run that begins.

        Args:
            folder: of the results.
            facts: the settings, as plain data for JSON.
            before: the stamp that is there.

        Raises:
            HueError: the storage refuses.
        """
        place, digest = folder.below(NAME), digest_of(facts)
        content = {"digest": digest, "first": before and before.first, "settings": facts}
        place.write(json.dumps(content, indent=1).encode(), replaces=True)
        entry = look_at(place)
        since = entry.modified if entry else time.time()
        if since.is_integer():
            time.sleep(_SECOND)
        return cls(digest=digest, since=since, first=before.first if before else since, facts=facts)

    def judge(self, entry: Entry) -> Found:
        """Tell whose a result is."""
        if entry.modified > self.since:
            return Found.DONE
        return Found.OTHER if entry.modified > self.first else Found.FOREIGN


class Results:
    """The results that are in a folder, eight bytes each.

    Args:
        listed: all of them.
        stamp: of the folder; without one they are all foreign.
    """

    def __init__(self, listed: Iterable[Entry], stamp: Stamp | None) -> None:
        marks = array("Q")
        for entry in listed:
            found = Found.FOREIGN if stamp is None else stamp.judge(entry)
            marks.append(_fingerprint(entry.path) | found)
        if marks:
            np.frombuffer(marks, np.uint64).sort()
        self._marks = marks

    def __len__(self) -> int:
        return len(self._marks)

    def find(self, path: str) -> Found:
        """Tell what is there under a path."""
        mark = _fingerprint(path)
        index = bisect_left(self._marks, mark)
        if index < len(self._marks) and self._marks[index] & ~3 == mark:
            return Found(self._marks[index] & 3)
        return Found.ABSENT


def _fingerprint(path: str) -> int:
    """Return 62 bits that stand for a path, and two for what was found."""
    digest = hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) & ~3
