"""Room for runs of the network: bounded, given in the order of asking, and given back."""

from __future__ import annotations

import threading
import time

import pytest

from hue_cli.infer.room import Room


def at_once(room: Room, sizes: list[int | None]) -> tuple[int, int]:
    """Return how many pixels, and how many runs, were in the room together at most; None counts as none."""
    inside: list[int | None] = []
    most = [(0, 0)]
    lock = threading.Lock()

    def go(size: int | None) -> None:
        with room.take(size):
            with lock:
                inside.append(size)
                most.append((sum(one or 0 for one in inside), len(inside)))
            time.sleep(0.01)
            with lock:
                inside.remove(size)

    threads = [threading.Thread(target=go, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    return max(pixels for pixels, _ in most), max(count for _, count in most)


def test_no_more_go_side_by_side_than_there_is_room_for() -> None:
    pixels, count = at_once(Room(100), [40] * 12)
    assert (pixels, count) == (80, 2)


def test_what_is_larger_than_the_room_goes_alone() -> None:
    assert at_once(Room(100), [250, 250, 250]) == (250, 1)
    assert at_once(Room(100), [None, None, 30, None])[1] == 1


def test_half_of_what_was_too_much_is_left_and_never_none() -> None:
    room = Room(10_000)
    room.halve(100)
    assert at_once(room, [25] * 8) == (50, 2)
    room.halve(100)  # said by another run of the same moment
    assert at_once(room, [25] * 8) == (50, 2)
    room.halve(1)
    assert at_once(room, [25] * 3) == (25, 1)


def test_each_stay_tells_what_was_taken_together() -> None:
    room = Room(100)
    with room.take(10) as first:
        with room.take(30) as second:
            pass
        with room.take(20) as third:
            pass
    assert [(stay.own, stay.peak) for stay in (first, second, third)] == [(10, 40), (30, 40), (20, 30)]


def test_who_asks_for_all_is_not_overtaken() -> None:
    room, order = Room(100), list[str]()
    leave = threading.Event()

    def take(name: str, size: int | None) -> None:
        with room.take(size):
            order.append(name)
            leave.wait(10)

    threads = [threading.Thread(target=take, args=one) for one in (("first", 10), ("all", None), ("late", 10))]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    assert order == ["first"]
    leave.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "all", "late"]


def test_room_is_given_back_after_an_error() -> None:
    room = Room(100)
    with pytest.raises(ValueError, match="no"), room.take(None):
        raise ValueError("no")
    assert at_once(room, [None]) == (0, 1)
