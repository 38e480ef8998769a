"""What a part of a network is that begins with ImageNet's weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

from torch import Tensor, nn

from hue_cli.recipes.specs import Encoder

State = dict[str, Tensor]
"""A network's weights by name."""


class Normalisation(NamedTuple):
    """How a network sees a picture: ``seen = (RGB in [0, 1] − mean) / deviation``, a channel each."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


PLAIN = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""RGB in [0, 1]."""
CENTRED = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""RGB in [−1, 1], as TensorFlow's networks take it."""
STANDARD = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""ImageNet's mean and deviation, as torchvision's networks take it."""


class ImageNetEncoder(nn.Module, ABC):
    """The one way by which :mod:`hue_cli.models.encoders.pretrained` fills an encoder, wherever it sits in a network.

    An encoder is built unfrozen, with fresh weights. Only when ImageNet's are in it are the parts frozen that its
    paper freezes: random weights that never change would be of no use.

    Attributes:
        network: which one it is a part of.
        sees: the input that it takes; weights made for another are rewritten for it.
        is_frozen: whether its :meth:`frozen_parts` are.
    """

    network: Encoder
    sees: ClassVar[Normalisation]
    is_frozen: bool = False

    @abstractmethod
    def load_imagenet(self, state: State) -> None:
        """Take over what it needs of the weights of the whole classifier, made for the input that it sees.

        Raises:
            RuntimeError: they do not fit.
        """

    def frozen_parts(self) -> Sequence[nn.Module]:
        """Return the parts that keep ImageNet's weights and statistics; none unless a subclass says so."""
        return ()

    def freeze(self) -> None:
        """Freeze what the paper freezes: no gradient, batch norm as in evaluation."""
        self.is_frozen = True
        for part in self.frozen_parts():
            part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        if self.is_frozen:
            for part in self.frozen_parts():
                part.eval()
        return self
