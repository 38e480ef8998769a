"""The one contract: lightness in, a*b* out, in CIE units."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hue_cli.color import lab_torch
from hue_cli.color.space import Signal, Space


class Colorizer(nn.Module):
    """A network with its colour space around it.

    Scaling, the grey that an RGB network sees, Lab conversion of what it paints and the gamut's
    bounds all live in here, and so inside the exported graph.

    Attributes:
        network: it alone has weights.
        space: what it sees and paints.
        gain: factor on a* and b* as used; the network's own picture goes without. Chosen on validation photos
            (:mod:`hue_cli.train.boldness`).
    """

    def __init__(self, network: nn.Module, space: Space, gain: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.space = space
        self.gain = gain

    def see(self, lightness: Tensor) -> Tensor:
        """Turn L* ``(N, 1, H, W)`` into what the network sees, ``(N, C, H, W)`` in its own scale."""
        grey = self.space.sees.signal is Signal.GREY
        return lab_torch.encode(lab_torch.lightness_to_grey(lightness) if grey else lightness, self.space.sees)

    def forward(self, lightness: Tensor) -> Tensor:
        """Colorize.

        Args:
            lightness: ``(N, 1, H, W)`` float32, L* in [0, 100]; H and W obey the recipe's size rule.

        Returns:
            ``(N, 2, H, W)`` float32, a* and b* in CIE units, within the bounds of the sRGB gamut.
        """
        return self._used(self.network(self.see(lightness)))

    def _used(self, painted: Tensor) -> Tensor:
        ab = lab_torch.decode(painted, self.space.paints)
        return ab if self.gain == 1 else lab_torch.within_bounds(ab * self.gain)

    @torch.no_grad()
    def paint(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """Colorize, and show the network's own picture too.

        Args:
            lightness: as for :meth:`forward`.

        Returns:
            The a*b* of :meth:`forward`, and the sRGB ``(N, 3, H, W)`` in [0, 1] as the network itself painted it,
            its own lightness included: what papers whose network paints RGB score. A network that paints ab
            has no lightness of its own and gets the photograph's.
        """
        painted = self.network(self.see(lightness))
        ab = self._used(painted)
        if self.space.paints.signal is Signal.RGB:
            return ab, (painted * self.space.paints.scale + self.space.paints.centre).clamp(0, 1)
        return ab, lab_torch.lab_to_rgb(torch.cat([lightness, ab], dim=1))
