"""Where an encoder's ImageNet weights come from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from hue_cli.errors import WeightsError
from hue_cli.models.encoders.mobilenet_v2 import MobileNetV2Encoder

IMAGENET = "imagenet"
NONE = "none"

# What torchvision's networks were trained on: (x − mean) / deviation, of RGB in [0, 1].
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


def centred_input(state: dict[str, Tensor], convolution: str, norm: str) -> dict[str, Tensor]:
    """Rewrite a network for input with ImageNet's mean and deviation as one for input in [−1, 1].

    The scale goes into the first convolution, the shift into the mean of the batch norm after it; only the
    padding at the very border sees another black.

    Args:
        state: the network's weights.
        convolution: name of its first convolution, which has no bias.
        norm: name of the batch norm after it.
    """
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in (_MEAN, _DEVIATION))
    weight = state[f"{convolution}.weight"]
    shift = (weight * (0.5 - mean) / deviation).sum(dim=(1, 2, 3))
    return {
        **state,
        f"{convolution}.weight": weight / (2 * deviation),
        f"{norm}.running_mean": state[f"{norm}.running_mean"] - shift,
    }


def load_encoder(network: nn.Module, wanted: str, say: Callable[[str], None]) -> str:
    """Fill a network's encoder, if it has one that knows ImageNet.

    Args:
        network: with an attribute ``encoder``, or without.
        wanted: ``imagenet``, ``none`` or the path of a safetensors file.
        say: told what is fetched from where.

    Returns:
        What was loaded, for the run's description.

    Raises:
        WeightsError: the file is missing, damaged or of another network, or cannot be fetched.
    """
    encoder = getattr(network, "encoder", None)
    if not isinstance(encoder, MobileNetV2Encoder) or wanted == NONE:
        return NONE
    if wanted != IMAGENET:
        return _from_file(encoder, Path(wanted))
    home = os.environ.get("HUE_DATA_DIR")
    if home is not None and (local := Path(home) / "pretrained" / "mobilenet_v2_imagenet.safetensors").is_file():
        return _from_file(encoder, local)
    return _from_torchvision(encoder, say)


def _from_file(encoder: MobileNetV2Encoder, path: Path) -> str:
    try:
        state = load_file(path)
        encoder.load_imagenet({name: value.float() for name, value in state.items()})
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise WeightsError(
            f"{path}: expected ImageNet weights of a torchvision mobilenet_v2 for input in [-1, 1] as safetensors, "
            f"found something else ({str(error).splitlines()[0]})."
        ) from error
    return f"{path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _from_torchvision(encoder: MobileNetV2Encoder, say: Callable[[str], None]) -> str:
    weights = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V2
    say(f"fetching ImageNet weights of mobilenet_v2 from {weights.url}")
    try:
        # check_hash compares with the sha256 prefix in the file's name.
        state = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"{weights.url}: the encoder's ImageNet weights cannot be fetched ({error}). Name a file with "
            "--encoder-weights FILE, put one into HUE_DATA_DIR/pretrained/, or train without: --encoder-weights none."
        ) from error
    encoder.load_imagenet(centred_input(dict(state), "features.0.0", "features.0.1"))
    return f"torchvision {weights}"
