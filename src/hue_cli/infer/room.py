"""Room in memory for runs of the network that go on side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock


class Room:
    """Lets runs of the network go on side by side as far as there is room for their pixels, in the order they came.

    What a run takes of memory goes with the pixels that the network sees: half a kilobyte each for hue-s, one for
    residual-curriculum (measured).

    Args:
        pixels: of all runs together; one that is larger goes alone.
    """

    def __init__(self, pixels: int) -> None:
        self._most = pixels
        self._taken = 0
        self._peak = 0
        self._queue = Lock()
        self._changed = Condition()

    @contextmanager
    def take(self, pixels: int | None) -> Iterator[None]:
        """Wait for room, and give it back at the end of the block.

        Args:
            pixels: of the run; None takes all the room there is.
        """
        with self._queue, self._changed:  # who waits for much is not overtaken by those who want little
            share = self._most if pixels is None else min(pixels, self._most)
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + share <= self._most)
            self._taken += share
            if pixels is not None:
                self._peak = max(self._peak, self._taken)
        try:
            yield
        finally:
            with self._changed:
                self._taken -= share
                self._changed.notify_all()

    def halve(self) -> None:
        """Let later runs have half of what was taken together at most."""
        with self._changed:
            self._most = max(1, min(self._most, self._peak) // 2)
            self._peak = 0
