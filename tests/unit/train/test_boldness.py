"""A regression is made bolder as far as fidelity bears it, and never paler."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hue_cli.color import lab_torch
from hue_cli.color.space import Axis, Signal, Space
from hue_cli.data.photo_set import Draw, PhotoSet
from hue_cli.models.colorizer import Colorizer
from hue_cli.train.boldness import BEARABLE, GAINS, choose_gain


class _Knowing(nn.Module):
    """Paints a share of the true a*b*, blurred or not."""

    def __init__(self, colourful: PhotoSet, share: float) -> None:
        super().__init__()
        truth = colourful.crops(Draw.centred(torch.arange(len(colourful))), 64)
        self.ab = lab_torch.rgb_to_lab(truth)[:, 1:] * share

    def forward(self, lightness: Tensor) -> Tensor:
        return self.ab[: len(lightness)]


def knowing(colourful: PhotoSet, share: float) -> Colorizer:
    lightness = Axis(signal=Signal.LIGHTNESS, channels=1)
    return Colorizer(_Knowing(colourful, share), Space(sees=lightness, paints=Axis(signal=Signal.AB, channels=2)))


def test_what_is_too_pale_gets_its_colour_back(colourful: PhotoSet) -> None:
    found = choose_gain(knowing(colourful, 0.625), colourful, 64, len(colourful))
    assert found.gain == 1.6
    assert found.psnr > 3
    assert found.colour_share_before < found.colour_share
    assert found.colour_share == pytest.approx(1, abs=0.02)


def test_what_is_too_bold_is_left_as_it_is(colourful: PhotoSet) -> None:
    found = choose_gain(knowing(colourful, 1.3), colourful, 64, len(colourful))
    assert (found.gain, found.psnr) == (1.0, 0.0)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_it_costs_no_more_than_is_bearable(colourful: PhotoSet, share: float) -> None:
    colorizer = knowing(colourful, share)
    # Half of the photos get another's colours, as from a network that guesses.
    network = colorizer.network
    assert isinstance(network, _Knowing)
    network.ab = torch.cat([network.ab[:3], network.ab[3:].flip(0).flip(3)])
    found = choose_gain(colorizer, colourful, 64, len(colourful))
    assert found.gain in GAINS
    assert found.psnr >= -BEARABLE


def test_only_the_photos_asked_for_are_looked_at(colourful: PhotoSet) -> None:
    colorizer = knowing(colourful, 0.5)
    network = colorizer.network
    assert isinstance(network, _Knowing)
    network.ab[2:] = 0
    assert choose_gain(colorizer, colourful, 64, 2).colour_share_before > 0.4
