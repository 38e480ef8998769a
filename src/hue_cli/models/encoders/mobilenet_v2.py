"""MobileNetV2 as an encoder.

References:
    Sandler et al. (2018), "MobileNetV2: Inverted Residuals and Linear Bottlenecks".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torchvision
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hue_cli.models.encoders.imagenet import CENTRED, ImageNetEncoder, State
from hue_cli.recipes.specs import Encoder

# The last of torchvision's blocks at 1/4, 1/8, 1/16 and 1/32 of the size.
_TAPS = (3, 6, 13, 17)


def _fold_norms(module: nn.Module) -> nn.Module:
    """Write every batch norm into the convolution before it: the same function of the same statistics, faster."""
    for sequence in [m for m in module.modules() if isinstance(m, nn.Sequential)]:
        for index, (convolution, norm) in enumerate(pairwise(list(sequence))):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(convolution.eval(), norm.eval())
                sequence[index + 1] = nn.Identity()
    return module


class MobileNetV2Encoder(ImageNetEncoder):
    """RGB ``(N, 3, H, W)`` in [−1, 1] in; features at 1/4, 1/8, 1/16, 1/32 and a global vector out.

    Batch norm is folded into the convolutions with its ImageNet statistics: those of small grey crops would be
    worse, and the encoder is a third faster without it. The first ``frozen`` blocks keep ImageNet's weights, which
    spares the costliest part of the gradient.

    Attributes:
        channels: of the feature maps, finest first.
        context: length of the global vector.
    """

    network = Encoder.MOBILENET_V2
    sees = CENTRED
    channels = (24, 32, 96, 320)
    context = 1280

    def __init__(self, frozen: int) -> None:
        super().__init__()
        self.features = _fold_norms(torchvision.models.mobilenet_v2(num_classes=1).features)
        # The biases that folding has made ask for no gradient.
        self.features.requires_grad_()
        self._frozen = frozen

    def frozen_parts(self) -> Sequence[nn.Module]:
        """Return the first blocks, as many as the recipe says."""
        return list(self.features.children())[: self._frozen]

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the maps, finest first, and the mean of the top features ``(N, 1280, 1, 1)``."""
        maps = []
        kept = self._frozen if self.is_frozen else 0
        for index, block in enumerate(self.features.children()):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= kept):
                x = block(x)
            if index in _TAPS:
                maps.append(x)
        return maps, x.mean(dim=(2, 3), keepdim=True)

    def load_imagenet(self, state: State) -> None:
        """Take the weights of a torchvision ``mobilenet_v2`` classifier; its last layer is left out.

        Raises:
            RuntimeError: the weights are another network's.
        """
        prefix = "features."
        theirs = torchvision.models.mobilenet_v2(num_classes=1).features
        theirs.load_state_dict(
            {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        )
        self.features.load_state_dict(_fold_norms(theirs).state_dict())
