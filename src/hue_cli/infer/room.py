"""Room in memory for runs of the network that go on side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Lock


@dataclass(slots=True, eq=False)
class Stay:
    """A run's time in the room.

    Attributes:
        own: pixels that it has taken.
        peak: that it and those beside it had taken together, at most.
    """

    own: int
    peak: int = 0


class Room:
    """Lets runs of the network go on side by side as far as there is room for their pixels, in the order they came.

    What a run takes of memory goes with the pixels that the network sees: half a kilobyte each for hue-s, one for
    residual-curriculum (measured).

    Args:
        pixels: of all runs together; one that is larger goes alone.
    """

    def __init__(self, pixels: int) -> None:
        self._most = pixels
        self._inside: list[Stay] = []
        self._queue = Lock()
        self._changed = Condition()

    @contextmanager
    def take(self, pixels: int | None) -> Iterator[Stay]:
        """Wait for room, and give it back at the end of the block.

        Args:
            pixels: of the run; None takes all the room there is.
        """
        with self._queue, self._changed:  # who waits for much is not overtaken by those who want little
            self._changed.wait_for(lambda: self._fits(pixels))
            stay = Stay(self._share(pixels))
            self._inside.append(stay)
            taken = self._taken
            for each in self._inside:
                each.peak = max(each.peak, taken)
        try:
            yield stay
        finally:
            with self._changed:
                self._inside.remove(stay)
                self._changed.notify_all()

    def halve(self, pixels: int) -> None:
        """Let later runs take half of so many together, which have turned out to be too many."""
        with self._changed:
            self._most = max(1, min(self._most, pixels // 2))

    @property
    def _taken(self) -> int:
        return sum(stay.own for stay in self._inside)

    def _share(self, pixels: int | None) -> int:
        return self._most if pixels is None else min(pixels, self._most)

    def _fits(self, pixels: int | None) -> bool:
        return not self._inside or self._taken + self._share(pixels) <= self._most
