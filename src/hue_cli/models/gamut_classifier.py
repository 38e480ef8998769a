"""hue-s: what it sees in a photograph, and a probability for every colour at every place."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hue_cli.models.encoders.mobilenet_v2 import MobileNetV2Encoder
from hue_cli.models.gamut import Gamut
from hue_cli.recipes.specs import GamutClassifierSpec


class _Refine(nn.Module):
    """Double the size, look at the encoder's map of that size, mix."""

    def __init__(self, channels_in: int, skip: int, channels_out: int) -> None:
        super().__init__()
        self.skip = nn.Sequential(nn.Conv2d(skip, channels_out // 2, 1, bias=False), nn.BatchNorm2d(channels_out // 2))
        self.mix = nn.Sequential(
            nn.Conv2d(channels_in + channels_out // 2, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """``(N, C, H, W)`` and the encoder's ``(N, S, 2H, 2W)`` in, ``(N, C', 2H, 2W)`` out."""
        up = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(torch.cat([up, self.skip(fine)], dim=1))
        return mixed


class GamutClassifier(nn.Module):
    """Grey ``(N, 3, H, W)`` in [−1, 1] in, a*b* ``(N, 2, H, W)`` in CIE units out; H and W multiples of 32.

    The classes at 1/4 of the size are trained without rebalancing, so that they say how likely a colour is, not
    how rare. Their mean is the colour with the least square error, and it is pale where several colours are
    likely. So it is taken at a temperature and its chroma raised by a curve::

        chroma' = ceiling · tanh(gain · chroma / ceiling)

    Of all ways to reach a given colourfulness, a scaled mean has the least square error; the ceiling keeps
    saturated blobs away. Temperature, gain and ceiling are chosen on validation photos after training
    (:mod:`hue_cli.train.calibrate`) and are part of the weights.
    """

    temperature: Tensor
    gain: Tensor
    ceiling: Tensor

    def __init__(self, spec: GamutClassifierSpec) -> None:
        super().__init__()
        self.encoder = MobileNetV2Encoder(spec.frozen)
        self.gamut = Gamut(spec.cell)
        finest, fine, middle, coarse = self.encoder.channels
        w32, w16, w8, w4 = spec.widths
        self.context = nn.Linear(self.encoder.context, w32)
        self.lateral = nn.Sequential(nn.Conv2d(coarse, w32, 1, bias=False), nn.BatchNorm2d(w32))
        self.refine16 = _Refine(w32, middle, w16)
        self.refine8 = _Refine(w16, fine, w8)
        self.refine4 = _Refine(w8, finest, w4)
        self.classes = nn.Conv2d(w4, len(self.gamut), 1)
        # About how rare chroma is in photographs: spares the first hundred steps.
        self.classes.bias = nn.Parameter(-self.gamut.centres.norm(dim=1) / 15)
        self.register_buffer("temperature", torch.tensor(1.0))
        self.register_buffer("gain", torch.tensor(1.0))
        self.register_buffer("ceiling", torch.tensor(110.0))

    def logits(self, x: Tensor) -> Tensor:
        """Return the classes ``(N, K, H/4, W/4)``, before softmax."""
        # Depthwise convolutions gain nothing from bfloat16 on a CPU, and the weights are ImageNet's in float32.
        # (Autocast does not know tensors without data, which count operations.)
        with nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False):
            (finest, fine, middle, coarse), context = self.encoder(x.float())
        y = F.relu(self.lateral(coarse) + self.context(context.flatten(1))[:, :, None, None])
        y = self.refine4(self.refine8(self.refine16(y, middle), fine), finest)
        out: Tensor = self.classes(y)
        return out

    def saturate(self, ab: Tensor) -> Tensor:
        """Raise the chroma of ``(N, 2, H, W)`` along the curve; hues stay."""
        chroma = (ab.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()
        return ab * (self.ceiling * torch.tanh(self.gain * chroma / self.ceiling) / chroma)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        ab = self.saturate(self.gamut.mean(self.logits(x) / self.temperature))
        return F.interpolate(ab, scale_factor=4.0, mode="bilinear", align_corners=False)
