"""The first half of ResNet-18 as an encoder of one channel.

References:
    He et al. (2016), "Deep Residual Learning for Image Recognition".
"""

from __future__ import annotations

from torch import Tensor, nn

from hue_cli.models.encoders.imagenet import PLAIN, ImageNetEncoder, State
from hue_cli.models.encoders.library import build
from hue_cli.recipes.specs import Encoder

_CHILDREN = 6
"""``conv1``, ``bn1``, ``relu``, ``maxpool``, ``layer1``, ``layer2``."""


def _first_half(theirs: nn.Module) -> nn.Sequential:
    """Return the first children, the first convolution summed over its input channels."""
    colour, *others = list(theirs.children())[:_CHILDREN]
    assert isinstance(colour, nn.Conv2d)
    grey = nn.Conv2d(1, colour.out_channels, 7, stride=2, padding=3, bias=False)
    grey.weight = nn.Parameter(colour.weight.detach().sum(dim=1, keepdim=True))
    return nn.Sequential(grey, *others)


class ResNet18Half(ImageNetEncoder):
    """Lightness ``(N, 1, H, W)`` in [0, 1] in, features ``(N, 128, H/8, W/8)`` out.

    Summed over its three input channels, the first convolution computes of one channel what it computed of a grey
    picture that repeats it three times.
    """

    network = Encoder.RESNET18
    sees = PLAIN
    channels = 128

    def __init__(self) -> None:
        super().__init__()
        self.layers = _first_half(build(self.network, classes=1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.layers(x)
        return out

    def load_imagenet(self, state: State) -> None:
        """Take the weights of a torchvision ``resnet18`` classifier."""
        theirs = build(self.network, classes=len(state["fc.bias"]))
        theirs.load_state_dict(state)
        self.layers.load_state_dict(_first_half(theirs).state_dict())
