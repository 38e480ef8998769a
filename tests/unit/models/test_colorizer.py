"""The one contract, whatever the scale in which a network sees and paints."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hue_cli.color.lab_torch import rgb_to_lab
from hue_cli.color.space import Axis, Signal, Space
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes import RECIPES


class _Painter(nn.Module):
    """Paints one colour, and keeps what it saw."""

    def __init__(self, colour: Tensor) -> None:
        super().__init__()
        self.colour = colour
        self.seen = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return self.colour[None, :, None, None].expand(len(x), -1, *x.shape[2:])


ORANGE = torch.tensor([0.9, 0.5, 0.1])


@pytest.mark.parametrize(("centre", "scale"), [(0.0, 1.0), (0.5, 0.5)], ids=["sigmoid", "tanh"])
def test_rgb_is_the_same_in_either_range(centre: float, scale: float) -> None:
    space = Space(
        sees=Axis(signal=Signal.GREY, channels=3, centre=centre, scale=scale),
        paints=Axis(signal=Signal.RGB, channels=3, centre=centre, scale=scale),
    )
    painter = _Painter((ORANGE - centre) / scale)
    ab, rgb = Colorizer(painter, space).paint(torch.tensor([0.0, 100.0])[:, None, None, None].expand(-1, 1, 4, 6))

    torch.testing.assert_close(rgb, ORANGE[None, :, None, None].expand(2, -1, 4, 6))
    torch.testing.assert_close(ab, rgb_to_lab(rgb)[:, 1:])
    # Black and white as the network sees them: the range of what it paints.
    ends = torch.tensor([-centre / scale, (1 - centre) / scale])[:, None, None, None].expand(-1, 3, 4, 6)
    torch.testing.assert_close(painter.seen, ends, atol=1e-5, rtol=0)


def test_ab_is_scaled_back_and_kept_in_the_gamut() -> None:
    space = RECIPES["ae-lab"].space
    lightness = torch.full((1, 1, 2, 2), 75.0)
    painter = _Painter(torch.tensor([0.25, -1.0]))

    ab, rgb = Colorizer(painter, space).paint(lightness)

    assert painter.seen.unique().tolist() == [0.5]
    # tanh reaches −128, the bluest sRGB −107.9.
    torch.testing.assert_close(ab[0, :, 0, 0], torch.tensor([32.0, -107.857]), atol=1e-2, rtol=0)
    assert rgb.shape == (1, 3, 2, 2)
