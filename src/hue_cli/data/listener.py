"""Who is told how fetching goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Listener(Protocol):
    """Who is told how fetching goes."""

    def note(self, text: str) -> None:
        """Say something that matters."""

    def warn(self, text: str) -> None:
        """Say that something is not as it should be."""

    def progress(self, what: str, done: int, total: int | None) -> None:
        """So many bytes of a total have been dealt with; None where nobody knows it."""


class Lines:
    """A listener that says everything in lines: of progress, one for each tenth.

    Args:
        say: takes a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._tenths = 0
        self._what = ""

    def note(self, text: str) -> None:
        """See :class:`Listener`."""
        self._say(text)

    def warn(self, text: str) -> None:
        """See :class:`Listener`."""
        self._say(text)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """See :class:`Listener`."""
        if what != self._what:
            self._what, self._tenths = what, 0
        tenths = 10 * done // total if total else 0
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{what}: {10 * tenths} % of {(total or 0) / 2**20:,.0f} MiB")
