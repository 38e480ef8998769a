"""A whole classifier of ImageNet as one vector of a picture: what it takes the picture for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.models.encoders.imagenet import CENTRED, ImageNetEncoder, State
from hue_cli.models.encoders.library import build
from hue_cli.recipes.specs import Encoder


class Embedding(ImageNetEncoder):
    """One channel ``(N, 1, H, W)`` in [−1, 1] in, its 1000 logits ``(N, 1000)`` out.

    The picture is brought to a square, whatever its shape, and repeated to three channels. With ImageNet's weights
    all of the classifier is frozen, and no gradient is kept for it.
    """

    sees = CENTRED
    channels = 1000

    def __init__(self, network: Encoder, size: int) -> None:
        super().__init__()
        self.network = network
        self.size = size
        self.classifier = build(network, classes=self.channels)

    def frozen_parts(self) -> Sequence[nn.Module]:
        """Return the classifier: all there is."""
        return [self.classifier]

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        # Not antialiased: that resize has no ONNX operator.
        square = F.interpolate(x, size=(self.size, self.size), mode="bilinear", align_corners=False)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            logits: Tensor = self.classifier(square.expand(-1, 3, -1, -1))
        return logits

    def load_imagenet(self, state: State) -> None:
        """Take the whole classifier, its 1000 classes included."""
        self.classifier.load_state_dict(state)
