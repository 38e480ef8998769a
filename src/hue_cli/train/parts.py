"""How many photos of a batch are worked off at once.

A batch that memory does not hold is worked off in parts, and gradients are added up before the optimizer's step. For
losses that are means over photos that is the same step; batch norm, though, takes its statistics from each part.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from hue_cli.models.cost import Cost, cost_of
from hue_cli.recipes.schema import Recipe
from hue_cli.train.device import free_bytes

GMAC = 150.0
"""A part costs so much at most on a CPU, forwards: some seconds of a few cores, so that a time budget can be kept."""
NORMED = 16
"""So many photos give batch norm its statistics at least, unless memory does not hold them."""
COPIES = 3.0
"""A step takes so many times the memory of what layers put out: for gradients, copies and workspaces."""


class Parts:
    """The size of parts, by the side of the crops; smaller once memory has run out.

    Args:
        asked: photos in a part, from the command line; None to choose.
        recipe: what is trained.
        network: its network.
        device: where.
        processes: that share the memory of a CPU.
        known: sizes that the run has had before it was interrupted, as :meth:`sizes` gave them.
    """

    def __init__(
        self,
        asked: int | None,
        recipe: Recipe,
        network: nn.Module,
        device: torch.device,
        processes: int = 1,
        known: Mapping[str, int] | None = None,
    ) -> None:
        self._can_shrink = asked is None
        self._normed = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        known = {} if asked else known or {}
        self._sizes: dict[int, int] = {}
        for side in {stage.size for stage in recipe.stages}:
            largest = asked or known.get(str(side)) or recipe.batch_size
            if asked is None and str(side) not in known and device.type == "cpu":
                largest = min(largest, self._for_cpu(cost_of(recipe, side), free_bytes(device, processes)))
            self._sizes[side] = largest

    def size(self, side: int) -> int:
        """Return the number of photos in a part, at most, of crops of ``side`` pixels."""
        return self._sizes[side]

    def sizes(self) -> dict[str, int]:
        """Return the sizes by side, for the run's record."""
        return {str(side): size for side, size in sorted(self._sizes.items())}

    def halve(self, side: int) -> bool:
        """Take parts of half the size from now on, because memory did not hold one; tell whether that can be."""
        if not self._can_shrink or self._sizes[side] == 1:
            return False
        self._sizes[side] //= 2
        return True

    def _for_cpu(self, cost: Cost, free: int | None) -> int:
        photos = max(NORMED if self._normed else 2, int(GMAC / max(cost.gmac, 1e-9)))
        if free is not None:
            photos = min(photos, int(free / 2 / (COPIES * max(cost.activations, 1))))
        return max(2, photos)


def count_parts(photos: int, size: int) -> int:
    """Return into how many parts of about ``size`` a batch falls: none of one photo, which batch norm cannot take."""
    parts = -(-photos // size)
    return parts if size == 1 else max(1, min(parts, photos // 2))
