"""The convolutions of VGG-16 and VGG-19 as an encoder.

References:
    Simonyan and Zisserman (2015), "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torchvision
from torch import Tensor, nn

from hue_cli.models.encoders.imagenet import CENTRED, ImageNetEncoder, State
from hue_cli.recipes.specs import Encoder

_PREFIX = "features."


def _features(network: Encoder) -> nn.Sequential:
    """Return torchvision's convolutions, with the fresh weights that it gives them, but for the last pooling."""
    # The three linear layers after them hold nine tenths of the weights: none of these is ever made.
    with torch.device("meta"):
        theirs = torchvision.models.get_model(network.value, weights=None, init_weights=False).features
    features: nn.Sequential = theirs[:-1].to_empty(device="cpu")
    for layer in features:
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return features


class VggEncoder(ImageNetEncoder):
    """RGB ``(N, 3, H, W)`` in [−1, 1] in; features at 1/1, 1/2, 1/4, 1/8 and 1/16 out, each before its pooling.

    Attributes:
        channels: of the feature maps, finest first.
    """

    sees = CENTRED
    channels = (64, 128, 256, 512, 512)

    def __init__(self, network: Encoder, trained: int | None = None) -> None:
        """Build it.

        Args:
            network: ``vgg16`` or ``vgg19``.
            trained: of its layers, so many of the first go on learning; None for all.
        """
        super().__init__()
        self.network = network
        self.features = _features(network)
        self._trained = len(self.features) if trained is None else trained

    def frozen_parts(self) -> Sequence[nn.Module]:
        """Return the layers after those that go on learning."""
        return list(self.features)[self._trained :]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps, finest first."""
        maps = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
            x = layer(x)
        return [*maps, x]

    def load_imagenet(self, state: State) -> None:
        """Take the convolutions of a torchvision ``vgg16`` or ``vgg19`` classifier; its linear layers are left out."""
        self.features.load_state_dict(
            {name.removeprefix(_PREFIX): value for name, value in state.items() if name.startswith(_PREFIX)}
        )
