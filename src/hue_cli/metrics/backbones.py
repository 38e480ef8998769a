"""Metrics that look through a network trained by others: LPIPS and FID.

Their weights do not come with hue and are never fetched behind anybody's back: each is one file, known by its SHA-256,
where torch keeps what it downloads.
"""

from __future__ import annotations

import hashlib
import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from hue_cli.errors import WeightsError
from hue_cli.metrics.metric import FeatureMetric, Metric, PairFunction, PairMetric, Pictures

LPIPS_MINIMUM: Final = 64
"""Shortest side, in pixels, that AlexNet's poolings leave something of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The weights of a network.

    Attributes:
        file: its name.
        url: where to fetch it.
        sha256: of the whole file.
        megabytes: its size.
    """

    file: str
    url: str
    sha256: str
    megabytes: int

    def path(self) -> Path:
        """Return where the file has to lie: ``TORCH_HOME`` moves it."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file

    def find(self, metric: str) -> Path:
        """Return the path of the file, checked.

        Raises:
            WeightsError: it is not there, or is another one.
        """
        path = self.path()
        remedy = (
            f"fetch {self.url} ({self.megabytes} MB) where there is a network, and put it there (TORCH_HOME moves the "
            "folder)"
        )
        if not path.is_file():
            raise WeightsError(f"{path}: the metric {metric} needs this file, and there is none; {remedy}.")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise WeightsError(
                f"{path}: expected the weights with the SHA-256 {self.sha256}, found {found}; remove it, {remedy}."
            )
        return path


ALEXNET: Final = Backbone(
    file="alexnet-owt-7be5be79.pth",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    megabytes=244,
)
INCEPTION: Final = Backbone(
    file="weights-inception-2015-12-05-6726825d.pth",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    megabytes=96,
)


def load_lpips(device: torch.device) -> PairFunction:
    """Return LPIPS on AlexNet (version 0.1), as torchmetrics computes it; NaN under 64 pixels a side.

    Raises:
        WeightsError: AlexNet's weights are not at hand. The linear layers come with torchmetrics.
    """
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    ALEXNET.find("lpips")  # where torchvision, which reads it strictly, looks first
    network = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True).net.to(device)

    @torch.inference_mode()
    def distance(prediction: Pictures, target: Pictures) -> Tensor:
        if min(target.rgb.shape[-2:]) < LPIPS_MINIMUM:
            return torch.full((len(target.rgb),), math.nan)
        values: Tensor = network(prediction.rgb, target.rgb, normalize=True)
        return values.flatten()

    return distance


def load_inception(device: torch.device) -> torch.nn.Module:
    """Return the Inception network of TensorFlow's FID: ``(N, 3, H, W)`` uint8 to ``(N, 2048)``.

    Raises:
        WeightsError: its weights are not at hand.
    """
    importlib.import_module("torch_fidelity")  # its absence has a name, and so a remedy
    from torchmetrics.image.fid import NoTrainInceptionV3

    path = INCEPTION.find("fid")
    network: torch.nn.Module = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path))
    return network.to(device)


@dataclass(frozen=True, slots=True, kw_only=True)
class LpipsMetric(Metric):
    """LPIPS before its weights are loaded."""

    def load(self, device: torch.device) -> PairMetric:
        """Return the metric with its network."""
        return PairMetric(**self.facts(), function=load_lpips(device))


@dataclass(frozen=True, slots=True, kw_only=True)
class FidMetric(Metric):
    """FID before its weights are loaded."""

    def load(self, device: torch.device) -> FeatureMetric:
        """Return the metric with its network."""
        return FeatureMetric(**self.facts(), network=load_inception(device))
