"""LPIPS and FID against torchmetrics' own classes, on networks with random weights: the plumbing is what is judged."""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from hue_cli.errors import WeightsError
from hue_cli.evaluate.painters import GreyPainter
from hue_cli.evaluate.score import score
from hue_cli.metrics import backbones
from hue_cli.metrics.accumulate import FrechetScores, measure
from hue_cli.metrics.catalogue import METRICS, select_metrics
from hue_cli.metrics.metric import FeatureMetric, PairMetric, Pictures

CPU = torch.device("cpu")


class TinyEye(torch.nn.Module):
    """Sees eight means of a picture."""

    num_features = 8

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.look = torch.nn.Conv2d(3, 8, 5, stride=3).requires_grad_(False)

    def forward(self, pictures: Tensor) -> Tensor:
        assert pictures.dtype == torch.uint8
        self.calls += 1
        features: Tensor = self.look(pictures / 255.0).relu().mean(dim=(2, 3))
        return features


def as_bytes(pictures: Tensor) -> Tensor:
    return (pictures * 255).round().to(torch.uint8)


def tiny_fid(eye: TinyEye) -> FeatureMetric:
    return FeatureMetric(**METRICS["fid"].facts(), network=eye)


@pytest.mark.filterwarnings("ignore:Metric `FrechetInceptionDistance`")
def test_fid_is_that_of_torchmetrics_however_it_is_batched(painted: Tensor, truth: Tensor) -> None:
    expected = FrechetInceptionDistance(feature=TinyEye())
    expected.update(as_bytes(painted), real=False)
    expected.update(as_bytes(truth), real=True)
    for size in (1, 3, 4):
        scores = FrechetScores(tiny_fid(TinyEye()))
        assert math.isnan(scores.score()[0])
        for one, other in zip(painted.split(size), truth.split(size), strict=True):
            scores.add(Pictures(one), Pictures(other))
        found, photos = scores.score()
        assert photos == 4
        assert found == pytest.approx(float(expected.compute()), rel=1e-4, abs=1e-6)


def test_the_truths_features_are_computed_once_for_all_rows() -> None:
    eye = TinyEye()
    photos = [(str(i), torch.randint(0, 256, (40, 40, 3), dtype=torch.uint8).numpy()) for i in range(4)]
    result = score(photos, {"grey": GreyPainter(), "other": GreyPainter()}, [tiny_fid(eye)], batch_size=2)
    assert eye.calls == 2 * 3
    assert result["grey"].means["fid"] == result["other"].means["fid"] > 0
    assert len(result["grey"].single["fid"]) == 0


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's own folder of weights, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["lpips", "fid"])
def test_missing_weights_are_one_sentence_with_the_way_out(name: str, hub: Path) -> None:
    with pytest.raises(WeightsError) as error:
        METRICS[name].load(CPU)
    message = str(error.value)
    for word in (name, str(hub), "https://", ".pth", "MB", "TORCH_HOME"):
        assert word in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["lpips", "fid"])
def test_other_weights_are_refused_before_they_are_loaded(name: str, hub: Path) -> None:
    backbone = {"lpips": backbones.ALEXNET, "fid": backbones.INCEPTION}[name]
    (hub / backbone.file).write_bytes(b"something else")
    with pytest.raises(WeightsError, match=f"(?s){backbone.sha256}.*{hashlib.sha256(b'something else').hexdigest()}"):
        METRICS[name].load(CPU)


@pytest.mark.slow  # 244 MB written, read and hashed
def test_lpips_is_that_of_torchmetrics(
    hub: Path, monkeypatch: pytest.MonkeyPatch, painted: Tensor, truth: Tensor
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = torchvision.models.AlexNet()
    path = hub / backbones.ALEXNET.file
    torch.save(network.state_dict(), path)
    monkeypatch.setattr(backbones, "ALEXNET", replace(backbones.ALEXNET, sha256=digest(path)))
    metric = METRICS["lpips"].load(CPU)
    assert isinstance(metric, PairMetric)
    found = measure(metric, Pictures(painted), Pictures(truth))
    expected = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True, reduction="none")
    torch.testing.assert_close(found, expected(painted, truth).double(), rtol=1e-5, atol=1e-7)
    assert found.shape == (4,)
    assert float(found.min()) > 0
    alone = torch.cat(
        [measure(metric, Pictures(x[None]), Pictures(y[None])) for x, y in zip(painted, truth, strict=True)]
    )
    torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-7)
    assert measure(metric, Pictures(truth), Pictures(truth)).tolist() == [0] * 4
    small = Pictures(truth[..., :63])
    assert all(math.isnan(value) for value in measure(metric, small, small).tolist())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Metric `FrechetInceptionDistance`")
def test_fid_through_inception_is_that_of_torchmetrics(
    hub: Path, monkeypatch: pytest.MonkeyPatch, painted: Tensor, truth: Tensor
) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = hub / backbones.INCEPTION.file
    with monkeypatch.context() as patch, torch.random.fork_rng(), warnings.catch_warnings():
        torch.manual_seed(2)
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        patch.setattr(torch, "load", lambda *_, **__: {})
        network: torch.nn.Module = FeatureExtractorInceptionV3("random", ["2048"], "nothing")  # type: ignore[no-untyped-call]
    torch.save(network.state_dict(), path)
    monkeypatch.setattr(backbones, "INCEPTION", replace(backbones.INCEPTION, sha256=digest(path)))
    metric = METRICS["fid"].load(CPU)
    assert isinstance(metric, FeatureMetric)
    scores = FrechetScores(metric)
    expected = FrechetInceptionDistance(feature=2048, feature_extractor_weights_path=str(path))
    for one, other in zip(painted.split(2), truth.split(2), strict=True):
        scores.add(Pictures(one), Pictures(other))
        expected.update(as_bytes(one), real=False)
        expected.update(as_bytes(other), real=True)
    assert scores.score()[0] == pytest.approx(float(expected.compute()), rel=1e-3, abs=1e-6)


def test_they_are_not_among_all() -> None:
    assert not {"lpips", "fid"} & {metric.name for metric in select_metrics(["all"])}
