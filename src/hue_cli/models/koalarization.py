"""Deep Koalarization and what paper 002 made of it: convolutions, told by a classifier what is in the picture.

References:
    Rabea, Mahmoud and Ashraf (2023), "Image Colorization", sections 2.4 and 3.4.
    Baldassarre, González Morín and Rodés-Guirao (2017), "Deep Koalarization: Image Colorization using CNNs and
    Inception-ResNet-v2", whose network it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import torch
from torch import Tensor, nn

from hue_cli.models.encoders.embedding import Embedding
from hue_cli.models.glorot import start_as_keras
from hue_cli.recipes.specs import Convolution, KoalarizationSpec

_PAINTED = 2
_SPREAD = 0.1
"""Scale at which a batch norm before the last tanh starts: about how far a* and b* of photos spread, in [−1, 1]."""


class _Blocks:
    """Builds the paper's convolution blocks (figures 5 and 6): convolution, batch norm, activation, pooling, dropout.

    Dropout comes after every other block of the network, counted from its first, the last excepted.
    """

    def __init__(self, spec: KoalarizationSpec) -> None:
        self._spec = spec
        self._numbers: Iterator[int] = count(1)

    def block(self, channels_in: int, layer: Convolution, *, paints: bool = False) -> nn.Sequential:
        """Return one block for ``layer``; ``paints`` for the last, which ends in a hyperbolic tangent."""
        spec, pooled = self._spec, self._spec.pool and layer.stride > 1
        parts: list[nn.Module] = [nn.Upsample(scale_factor=float(layer.up))] if layer.up > 1 else []
        parts.append(
            nn.Conv2d(
                channels_in,
                layer.channels,
                layer.kernel,
                stride=1 if pooled else layer.stride,
                padding=layer.kernel // 2,
                bias=not spec.norm,
            )
        )
        if spec.norm:
            norm = nn.BatchNorm2d(layer.channels)
            if paints:
                nn.init.constant_(norm.weight, _SPREAD)
            parts.append(norm)
        parts.append(nn.Tanh() if paints else nn.ReLU())
        if pooled:
            parts.append(nn.MaxPool2d(layer.stride))
        if next(self._numbers) % 2 == 0 and spec.dropout and not paints:
            parts.append(nn.Dropout2d(spec.dropout))
        return nn.Sequential(*parts)

    def chain(self, channels_in: int, layers: Sequence[Convolution]) -> nn.Sequential:
        """Return one block a layer."""
        widths = [channels_in, *(layer.channels for layer in layers)]
        return nn.Sequential(*(self.block(width, layer) for width, layer in zip(widths, layers, strict=False)))

    def decoder(self, channels_in: int) -> nn.Sequential:
        """Return the decoder: ``(N, C, H/8, W/8)`` to ``(N, 2, H, W)`` in [−1, 1]."""
        *inner, last = self._spec.decoder
        return nn.Sequential(
            *self.chain(channels_in, inner),
            self.block(inner[-1].channels, last, paints=True),
            nn.Upsample(scale_factor=2.0),
        )


class Koalarization(nn.Module):
    """Lightness ``(N, 1, H, W)`` in [−1, 1] in, a*b* ``(N, 2, H, W)`` in [−1, 1] out; H and W multiples of 8."""

    def __init__(self, spec: KoalarizationSpec) -> None:
        super().__init__()
        blocks = _Blocks(spec)
        middle = spec.encoder[-1].channels
        self.embedding = Embedding(spec.embedding, spec.embedding_size)
        self.encoder = blocks.chain(1, spec.encoder)
        self.fusion = blocks.block(middle + self.embedding.channels, Convolution(channels=spec.fusion, kernel=1))
        self.decoder = blocks.decoder(spec.fusion)
        for part in (self.encoder, self.fusion, self.decoder):
            start_as_keras(part)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        features = self.encoder(x)
        what = self.embedding(x)[:, :, None, None].expand(-1, -1, features.shape[2], features.shape[3])
        painted: Tensor = self.decoder(self.fusion(torch.cat([features, what], dim=1)))
        return painted


class DeepKoalarization(nn.Module):
    """What :class:`Koalarization` painted, looked at again beside the lightness by a second network (section 3.4.1)."""

    def __init__(self, spec: KoalarizationSpec) -> None:
        super().__init__()
        blocks = _Blocks(spec)
        self.first = Koalarization(spec)
        self.encoder = blocks.chain(1 + _PAINTED, spec.second)
        self.decoder = blocks.decoder(spec.second[-1].channels)
        for part in (self.encoder, self.decoder):
            start_as_keras(part)

    def forward(self, x: Tensor) -> Tensor:
        """See :class:`Koalarization`."""
        painted: Tensor = self.decoder(self.encoder(torch.cat([x, self.first(x)], dim=1)))
        return painted
