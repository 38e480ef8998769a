"""Photographs of like padded size wait for each other and share a batch."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Batcher(Generic[T]):
    """Groups by padded size. The caller bounds how many wait."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._groups: dict[tuple[int, int], deque[T]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def add(self, shape: tuple[int, int], item: T) -> None:
        """Let an item of this padded height and width wait."""
        self._groups.setdefault(shape, deque()).append(item)

    def take(self, *, partial: bool) -> list[T]:
        """Return a batch of one shape, oldest first; empty where none is ready.

        Args:
            partial: take the largest group even if it does not fill a batch.
        """
        if not self._groups:
            return []
        shape = max(self._groups, key=lambda key: len(self._groups[key]))
        group = self._groups[shape]
        if len(group) < self._batch_size and not partial:
            return []
        batch = [group.popleft() for _ in range(min(self._batch_size, len(group)))]
        if not group:
            del self._groups[shape]
        return batch
