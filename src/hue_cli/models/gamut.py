"""The a*b* plane in cells: which cells colours of sRGB fall into, and how to go there and back.

References:
    Zhang, Isola and Efros (2016), "Colorful Image Colorization", section 2.2, who quantised the gamut in cells
    of 10 units. They spread a pixel over its five nearest cells with a Gaussian; here it is shared between the
    four around it so that their mean is the pixel's colour exactly.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from hue_cli.color import lab_torch

_LATTICE = 64


@lru_cache(maxsize=8)
def _cells_of_srgb(cell: float) -> Tensor:
    """Centres ``(K, 2)`` of the corners of every cell that a colour of sRGB falls into, in CIE units."""
    steps = torch.linspace(0, 1, _LATTICE, dtype=torch.float64)
    rgb = torch.cartesian_prod(steps, steps, steps).T[None, :, :, None]
    floor = (lab_torch.rgb_to_lab(rgb)[0, 1:3, :, 0].T / cell).floor().long()
    corners = torch.cat([floor + torch.tensor(offset) for offset in ((0, 0), (0, 1), (1, 0), (1, 1))])
    cells: Tensor = corners.unique(dim=0)
    return cells * cell


class Gamut(nn.Module):
    """Cells of the a*b* plane.

    Attributes:
        centres: ``(K, 2)`` a* and b* of each cell, CIE units.
    """

    centres: Tensor
    _table: Tensor

    def __init__(self, cell: float) -> None:
        super().__init__()
        self.cell = cell
        # How many cells there are is known by counting, also where a network is built without its weights.
        with torch.device("cpu"):
            centres = _cells_of_srgb(cell)
            self.origin = centres.min(dim=0).values.tolist()
            index = ((centres - centres.min(dim=0).values) / cell).round().long()
            table = torch.full(tuple((index.max(dim=0).values + 2).tolist()), -1, dtype=torch.long)
            table[index[:, 0], index[:, 1]] = torch.arange(len(centres))
        self.register_buffer("centres", centres.float(), persistent=False)
        self.register_buffer("_table", table, persistent=False)

    def __len__(self) -> int:
        return len(self.centres)

    def encode(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Share each pixel's colour between the four cells around it.

        Args:
            ab: ``(N, 2, H, W)`` in CIE units.

        Returns:
            Indices ``(N, 4, H, W)`` int64 and weights ``(N, 4, H, W)`` that sum to 1; the weighted mean
            of the cells' centres is ``ab``.
        """
        a, b = ((ab[:, i] - self.origin[i]) / self.cell for i in (0, 1))
        rows, columns = self._table.shape
        low_a = a.floor().clamp(0, rows - 2).long()
        low_b = b.floor().clamp(0, columns - 2).long()
        share_a, share_b = (a - low_a).clamp(0, 1), (b - low_b).clamp(0, 1)
        index, weight = [], []
        for da, wa in ((0, 1 - share_a), (1, share_a)):
            for db, wb in ((0, 1 - share_b), (1, share_b)):
                index.append(self._table[low_a + da, low_b + db])
                weight.append(wa * wb)
        cells, weights = torch.stack(index, dim=1), torch.stack(weight, dim=1)
        # Means of several pixels can fall between cells that no single colour reaches.
        weights = weights * (cells >= 0)
        return cells.clamp_min(0), weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6)

    def mean(self, logits: Tensor) -> Tensor:
        """Return the mean colour ``(N, 2, H, W)`` under ``softmax(logits)``, logits ``(N, K, H, W)``."""
        return nn.functional.conv2d(logits.softmax(dim=1), self.centres.T[:, :, None, None])
