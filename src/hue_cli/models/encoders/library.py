"""Networks of torchvision and timm, by the name that the library gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
import torchvision
from torch import nn

from hue_cli.models.encoders.imagenet import CENTRED, STANDARD, Normalisation, State
from hue_cli.recipes.specs import Encoder


class Library(StrEnum):
    """Where a network's code and its ImageNet weights come from."""

    TORCHVISION = "torchvision"
    TIMM = "timm"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryNetwork:
    """What hue knows of a classifier.

    Attributes:
        library: which one it is from.
        convolution: name of its first convolution.
        norm: name of the batch norm after it; None where the convolution has a bias instead.
        head: prefix of the layers that name the classes, which an encoder may leave out.
        sees: the input for which the library's weights are.
        file: stem of its file in ``HUE_DATA_DIR/pretrained``.
        file_sees: the input for which the weights in a file are; None if that is the library's.
    """

    library: Library
    convolution: str
    norm: str | None
    head: str
    sees: Normalisation = STANDARD
    file: str
    file_sees: Normalisation | None = None


NETWORKS: Mapping[Encoder, LibraryNetwork] = {
    Encoder.RESNET18: LibraryNetwork(
        library=Library.TORCHVISION, convolution="conv1", norm="bn1", head="fc.", file="resnet18_imagenet"
    ),
    Encoder.VGG16: LibraryNetwork(
        library=Library.TORCHVISION, convolution="features.0", norm=None, head="classifier.", file="vgg16_imagenet"
    ),
    Encoder.VGG19: LibraryNetwork(
        library=Library.TORCHVISION, convolution="features.0", norm=None, head="classifier.", file="vgg19_imagenet"
    ),
    Encoder.DENSENET121: LibraryNetwork(
        library=Library.TORCHVISION,
        convolution="features.conv0",
        norm="features.norm0",
        head="classifier.",
        file="densenet121_imagenet",
    ),
    Encoder.MOBILENET_V2: LibraryNetwork(
        library=Library.TORCHVISION,
        convolution="features.0.0",
        norm="features.0.1",
        head="classifier.",
        file="mobilenet_v2_imagenet",
        # TensorFlow's weights in torchvision's names.
        file_sees=CENTRED,
    ),
    Encoder.MOBILENET_V1: LibraryNetwork(
        library=Library.TIMM,
        convolution="conv_stem",
        norm="bn1",
        head="classifier.",
        sees=CENTRED,
        file="mobilenet_v1_imagenet",
    ),
    Encoder.INCEPTION_RESNET_V2: LibraryNetwork(
        library=Library.TIMM,
        convolution="conv2d_1a.conv",
        norm="conv2d_1a.bn",
        head="classif.",
        sees=CENTRED,
        file="inception_resnet_v2_imagenet",
    ),
}


def build(name: Encoder, *, classes: int = 1000) -> nn.Module:
    """Return the library's classifier with fresh weights."""
    network: nn.Module
    if NETWORKS[name].library is Library.TIMM:
        import timm

        network = timm.create_model(name.value, num_classes=classes)
    else:
        network = torchvision.models.get_model(name.value, weights=None, num_classes=classes)
    return network


def check_state(name: Encoder, state: State) -> None:
    """See that weights are those of this network, its head aside.

    Raises:
        RuntimeError: they are not; the message names the first difference.
    """
    head = NETWORKS[name].head
    with torch.device("meta"):
        expected = {key: value.shape for key, value in build(name).state_dict().items() if not key.startswith(head)}
    found = {key: value.shape for key, value in state.items() if not key.startswith(head)}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            raise RuntimeError(f"{key}: expected {_shape(expected.get(key))}, found {_shape(found.get(key))}")


def _shape(shape: torch.Size | None) -> str:
    return "nothing" if shape is None else "×".join(map(str, shape)) or "a number"


def rewrite_for_input(name: Encoder, state: State, made_for: Normalisation, sees: Normalisation) -> State:
    """Rewrite a network's weights so that it computes the same function of a picture that is scaled otherwise.

    The scale goes into the first convolution, the shift into its bias or the mean of the batch norm after it; only
    the padding at the very border sees another black.

    Args:
        name: the network.
        state: its weights.
        made_for: the input that they were trained on.
        sees: the input that it is going to be given.

    Returns:
        The weights, all but the first layer's shared with ``state``.
    """
    if made_for == sees:
        return state
    network = NETWORKS[name]
    weight_name = f"{network.convolution}.weight"
    weight = state[weight_name]
    (mean, deviation), (new_mean, new_deviation) = (
        (torch.tensor(values, dtype=weight.dtype).view(1, 3, 1, 1) for values in each) for each in (made_for, sees)
    )
    shift = (weight * (new_mean - mean) / deviation).sum(dim=(1, 2, 3))
    scaled = {**state, weight_name: weight * new_deviation / deviation}
    if network.norm is None:
        bias = f"{network.convolution}.bias"
        return {**scaled, bias: state[bias] + shift}
    running_mean = f"{network.norm}.running_mean"
    return {**scaled, running_mean: state[running_mean] - shift}
