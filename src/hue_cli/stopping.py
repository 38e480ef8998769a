"""Ending early: how Ctrl-C and SIGTERM are taken in, and how those at work hear of it."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SAME_SECONDS = 0.5
"""GNU ``timeout`` signals its child and then the child's group, within milliseconds: that is one request."""


class DroppedError(Exception):
    """Nobody waits any more for what is in hand; whatever it began is cleaned up as the exception passes."""


class Terminated(KeyboardInterrupt):
    """SIGTERM asked for the end, as ``docker stop`` and batch systems do, and not Ctrl-C."""


class Stop:
    """How a run is to end early: set by whoever watches it, asked by those at work.

    Attributes:
        is_asked: nothing more is begun, and what is in hand is finished.
        drops: what is in hand is dropped too.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.drops = False

    def check(self) -> None:
        """Go on, or not; called between strips and pages, and before a result is put in place.

        Raises:
            DroppedError: what is in hand is to be dropped.
        """
        if self.drops:
            raise DroppedError


@contextmanager
def heeding(heed: Callable[[signal.Signals], bool]) -> Iterator[None]:
    """Call a function at each Ctrl-C and SIGTERM in place of what they do; nothing changes in threads but the main one.

    The same signal again within half a second counts as the same request.

    Args:
        heed: given the signal; tells whether it takes the next one as well, which else has its former effect.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # What a parent told the process to ignore (a script's background jobs) stays ignored; None was set outside Python.
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    heeded_at: dict[int, float] = {}
    left_alone: set[int] = set()

    def handle(number: int, _frame: object) -> None:
        now = time.monotonic()
        if now - heeded_at.get(number, -math.inf) < _SAME_SECONDS:
            return
        heeded_at[number] = now
        which = signal.Signals(number)
        if which in left_alone:
            signal.signal(which, before[which])
            signal.raise_signal(which)
        elif not heed(which):
            left_alone.add(which)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
