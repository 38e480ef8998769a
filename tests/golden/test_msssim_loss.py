"""The MS-SSIM that training lowers, against torchmetrics'."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from hue_cli.losses import regression
from hue_cli.train.device import tuned


def msssim(painted: Tensor, truth: Tensor) -> Tensor:
    """As in training: with a gradient, which takes another way than without."""
    return regression.msssim(painted.clone().requires_grad_(), truth).detach()


def reference(painted: Tensor, truth: Tensor) -> Tensor:
    return multiscale_structural_similarity_index_measure(painted, truth, data_range=1.0, reduction="none")


@pytest.mark.parametrize("shape", [(2, 3, 176, 176), (3, 1, 176, 200), (1, 3, 233, 187)])
@pytest.mark.parametrize("noise", [0.01, 0.1, 0.4])
def test_random_pictures(shape: tuple[int, ...], noise: float) -> None:
    torch.manual_seed(0)
    truth = torch.nn.functional.interpolate(torch.rand(shape[0], shape[1], 20, 20), shape[2:], mode="bicubic").clamp(
        0, 1
    )
    painted = (truth + noise * torch.randn(shape)).clamp(0, 1)
    assert (msssim(painted, truth) - reference(painted, truth)).abs().max() < 1e-5


def test_pure_noise() -> None:
    torch.manual_seed(1)
    truth = torch.rand(2, 3, 176, 176)
    painted = 0.5 * truth + 0.5 * torch.rand_like(truth)
    assert (msssim(painted, truth) - reference(painted, truth)).abs().max() < 1e-5


def test_a_photograph_and_its_dark_copy() -> None:
    photo = torch.from_numpy(data.astronaut()[:200, 100:300].copy()).permute(2, 0, 1)[None] / 255
    for painted in (photo**2, photo * 0.5, photo.mean(dim=1, keepdim=True).expand_as(photo)):
        assert (msssim(painted, photo) - reference(painted, photo)).abs().max() < 1e-5


def test_each_picture_has_its_own_figure() -> None:
    torch.manual_seed(2)
    truth = torch.rand(3, 3, 176, 176)
    painted = (truth + torch.tensor([0.0, 0.1, 0.3]).view(3, 1, 1, 1) * torch.randn_like(truth)).clamp(0, 1)
    figures = msssim(painted, truth)
    assert torch.allclose(
        figures, torch.stack([msssim(p[None], t[None])[0] for p, t in zip(painted, truth, strict=True)])
    )
    assert figures[0] > figures[1] > figures[2]


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_cpu() -> None:
    torch.manual_seed(3)
    truth = torch.rand(2, 3, 176, 176)
    painted = (truth + 0.01 * torch.randn_like(truth)).clamp(0, 1)
    # TF32 would be off by hundredths here: the pictures differ by less than its rounding of their squares.
    with tuned(torch.device("cuda")):
        figure = msssim(painted.cuda(), truth.cuda()).cpu()
    assert (figure - msssim(painted, truth)).abs().max() < 1e-4
