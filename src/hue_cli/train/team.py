"""The processes that train one network together, as torchrun starts them; one alone is a team, too.

Each works on its share of every batch, and gradients are added up before a step, so that all hold the same network
at all times. The first process, which leads, alone validates, writes and speaks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from hue_cli.errors import DeviceError

PATIENCE = timedelta(hours=6)
"""The others wait for the leader to fetch a data set or to validate; torchrun ends them if it dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Which process this is, and of how many."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates, writes and speaks."""
        return self.rank == 0

    def largest(self, *values: float) -> list[float]:
        """Return the largest that any process has of each of ``values``."""
        if self.size == 1:
            return list(values)
        found = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return found.tolist()

    def any(self, flag: bool) -> bool:
        """Tell whether it is so in any process."""
        return self.largest(float(flag))[0] > 0

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace ``tensors``, of one type on one device, by their sums over all processes."""
        if self.size == 1:
            return
        flat = _flatten_dense_tensors(tensors)
        dist.all_reduce(flat)
        for tensor, total in zip(tensors, _unflatten_dense_tensors(flat, tensors), strict=True):
            tensor.copy_(total)

    def hear(self, word: str) -> str:
        """Return what the leader has for ``word``; the others wait for it."""
        if self.size == 1:
            return word
        words = [word]
        dist.broadcast_object_list(words, src=0)
        return words[0]


@contextmanager
def assembled() -> Iterator[Team]:
    """Meet the other processes that torchrun has started, if it has."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team()
        return
    # What is agreed on lies in the CPU's memory, so that no step waits for the GPU; gradients stay where they are.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield Team(rank=dist.get_rank(), size=size)
    finally:
        dist.destroy_process_group()


def own_device(wanted: str, team: Team) -> str:
    """Return ``--device`` for this process: of several on one machine, each takes a GPU of its own.

    Raises:
        DeviceError: one GPU is named for all of them.
    """
    if team.size == 1 or wanted in ("cpu", "mps") or (wanted == "auto" and not torch.cuda.is_available()):
        return wanted
    if wanted not in ("auto", "cuda"):
        raise DeviceError(f"--device {wanted}: {team.size} processes take a GPU each. Say --device cuda.")
    return f"cuda:{os.environ.get('LOCAL_RANK', team.rank)}"
