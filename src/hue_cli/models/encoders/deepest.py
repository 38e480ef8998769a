"""The deepest features of a library's network, at 1/32 of the size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.models.encoders.imagenet import PLAIN, ImageNetEncoder, State
from hue_cli.models.encoders.library import NETWORKS, build
from hue_cli.recipes.specs import Encoder


class DeepestFeatures(ImageNetEncoder):
    """RGB ``(N, 3, H, W)`` in [0, 1] in, features ``(N, 1024, H/32, W/32)`` after the last ReLU out.

    Args:
        network: DenseNet-121 or MobileNet; its classifier is left out.
        frozen: whether all of it keeps ImageNet's weights.

    Attributes:
        channels: of the features.
    """

    sees = PLAIN
    channels = 1024

    def __init__(self, network: Encoder, *, frozen: bool) -> None:
        super().__init__()
        self.network = network
        self._frozen = frozen
        self.layers = build(network)
        self.layers.classifier = nn.Identity()

    def frozen_parts(self) -> Sequence[nn.Module]:
        """Return all of it, or nothing."""
        return (self.layers,) if self._frozen else ()

    def load_imagenet(self, state: State) -> None:
        """See :class:`ImageNetEncoder`."""
        head = NETWORKS[self.network].head
        self.layers.load_state_dict({name: value for name, value in state.items() if not name.startswith(head)})

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        features: Tensor
        if self.network is Encoder.DENSENET121:
            # torchvision's features end in a batch norm; the ReLU after it is its classifier's.
            features = F.relu(self.layers.get_submodule("features")(x))
        else:
            features = self.layers.forward_features(x)  # type: ignore[operator]
        return features
