"""MobileNetV2 as an encoder.

References:
    Sandler et al. (2018), "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
"""

from __future__ import annotations

from typing import Self

import torch
import torchvision
from torch import Tensor, nn

# The last of torchvision's blocks at 1/4, 1/8, 1/16 and 1/32 of the size, and the 1×1 convolution on top.
_TAPS = (3, 6, 13, 17)
_TOP = 18


class MobileNetV2Encoder(nn.Module):
    """RGB ``(N, 3, H, W)`` in [−1, 1] in; features at 1/4, 1/8, 1/16, 1/32 and a global vector out.

    Batch norm keeps its ImageNet statistics: fine-tuning on grey crops of 128 pixels would blur them,
    and the first ``frozen`` blocks keep their weights, which spares the costliest part of the gradient.

    Attributes:
        channels: of the feature maps, finest first.
        context: length of the global vector.
    """

    channels = (24, 32, 96, 320)
    context = 1280

    def __init__(self, frozen: int) -> None:
        super().__init__()
        self.features = torchvision.models.mobilenet_v2(num_classes=1).features
        self.frozen = frozen
        for parameter in self.features[:frozen].parameters():
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; batch norm stays in evaluation."""
        super().train(mode)
        for module in self.features.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the maps, finest first, and the mean of the top features ``(N, 1280, 1, 1)``."""
        maps = []
        for index, block in enumerate(self.features):
            if index < self.frozen:
                with torch.no_grad():
                    x = block(x)
            else:
                x = block(x)
            if index in _TAPS:
                maps.append(x)
        return maps, x.mean(dim=(2, 3), keepdim=True)

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a torchvision ``mobilenet_v2`` classifier; its last layer is left out."""
        prefix = "features."
        self.features.load_state_dict(
            {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        )
