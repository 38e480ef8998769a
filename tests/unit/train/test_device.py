"""Devices and number formats, and how the average follows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hue_cli.errors import DeviceError
from hue_cli.train.average import MovingAverage
from hue_cli.train.device import autocast, find_device, free_bytes, tuned

CPU = torch.device("cpu")


@pytest.mark.parametrize("wanted", ["meta", "toaster", "cuda:x", "", "cpu:0:0"])
def test_devices_that_do_not_exist_are_refused(wanted: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {wanted}: "):
        find_device(wanted)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_and_auto_goes_without() -> None:
    with pytest.raises(DeviceError, match=r"--device cuda: torch .* cannot use it .* --device cpu"):
        find_device("cuda")
    assert find_device("auto") == CPU


def test_precision_is_what_was_asked_for() -> None:
    assert not autocast(CPU, "float32")._enabled
    with autocast(CPU, "bfloat16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_free_memory_is_some_of_it() -> None:
    free = free_bytes(CPU)
    assert free is not None
    assert 2**20 < free < 2**50


@pytest.mark.gpu
def test_free_memory_of_a_gpu() -> None:
    device = find_device("cuda")
    before = free_bytes(device)
    held = torch.empty(2**28, dtype=torch.uint8, device=device)
    after = free_bytes(device)
    assert before is not None
    assert after is not None
    assert before - after >= held.numel() - 2**22


def test_the_average_follows_slowly_and_counts_exactly() -> None:
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)
    network = nn.Sequential(convolution, norm)
    average = MovingAverage(network, 0.9)
    first = convolution.weight.detach().clone()
    with torch.no_grad():
        convolution.weight.fill_(1.0)
        for _ in range(7):
            norm(torch.rand(2, 1, 2, 2))
    average.update(network, 0)
    kept = average.network.state_dict()
    assert torch.allclose(kept["0.weight"], first * 0.1 + 0.9)
    assert kept["1.num_batches_tracked"] == 7
    average.update(network, 10**6)
    assert torch.allclose(average.network.state_dict()["0.weight"], (first * 0.1 + 0.9) * 0.9 + 0.1)
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_no_average_is_the_network_itself() -> None:
    network = nn.Conv2d(1, 1, 1)
    average = MovingAverage(network, 0.0)
    with torch.no_grad():
        network.weight.fill_(2.0)
    average.update(network, 5)
    assert float(average.network.state_dict()["weight"]) == 2.0


def test_tuning_ends_with_training() -> None:
    smallest = torch.tensor(1e-40)
    with tuned(CPU):
        flushed = float(smallest * 1)
    assert float(smallest * 1) > 0
    assert flushed == 0 or not torch.set_flush_denormal(False)
