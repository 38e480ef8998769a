"""ImageNet weights find their way into an encoder, whatever input they were trained for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from hue_cli.errors import WeightsError
from hue_cli.models.encoders.pretrained import centred_input, load_encoder


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from hue_cli.models.encoders.mobilenet_v2 import MobileNetV2Encoder

        self.encoder = MobileNetV2Encoder(frozen=0)


def _imagenet_like(seed: int) -> nn.Module:
    """torchvision's network with random weights and statistics of its own."""
    torch.manual_seed(seed)
    network: nn.Module = torchvision.models.mobilenet_v2(num_classes=3).train()
    network(torch.randn(4, 3, 64, 64))
    return network.eval()


def test_a_file_s_weights_are_the_encoder_s(tmp_path: Path) -> None:
    theirs = _imagenet_like(1)
    save_file({name: value.contiguous() for name, value in theirs.state_dict().items()}, tmp_path / "w.safetensors")
    network = _Network()
    said = load_encoder(network, str(tmp_path / "w.safetensors"), print)
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps, top = network.eval().encoder(x)
        features = theirs.get_submodule("features")(x)

    assert said.startswith("w.safetensors, sha256 ")
    torch.testing.assert_close(top, features.mean(dim=(2, 3), keepdim=True))
    assert [(m.shape[1], m.shape[2]) for m in maps] == [(24, 16), (32, 8), (96, 4), (320, 2)]


def test_input_with_mean_and_deviation_becomes_input_in_minus_one_to_one() -> None:
    theirs = _imagenet_like(2)
    ours = _imagenet_like(3)
    ours.load_state_dict(centred_input(dict(theirs.state_dict()), "features.0.0", "features.0.1"))
    rgb = torch.rand(1, 3, 64, 64)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = theirs.get_submodule("features.0")((rgb - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1))
        found = ours.get_submodule("features.0")(rgb * 2 - 1)

    # The border differs: padding with zeros is another shade of grey there.
    torch.testing.assert_close(found[:, :, 1:, 1:], expected[:, :, 1:, 1:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("content", [b"", b"not safetensors", None])
def test_a_damaged_or_missing_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        load_encoder(_Network(), str(path), print)


def test_another_network_s_weights_are_refused(tmp_path: Path) -> None:
    save_file({"features.0.0.weight": torch.zeros(1)}, tmp_path / "w.safetensors")

    with pytest.raises(WeightsError, match="mobilenet_v2"):
        load_encoder(_Network(), str(tmp_path / "w.safetensors"), print)


def test_networks_without_an_encoder_need_nothing() -> None:
    assert load_encoder(nn.Conv2d(1, 1, 1), "imagenet", print) == "none"
