"""The same folder scored by `hue eval` and, without a line of hue, by Pillow, scikit-image and torchmetrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)
from typer.testing import CliRunner

from hue_cli.cli.app import app

Picture = NDArray[np.float64]
Score = Callable[[Picture, Picture], float]


def _tensor(picture: Picture) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def _colorfulness(picture: Picture, *, absolute: bool) -> float:
    r, g, b = np.moveaxis(picture * 255, -1, 0)
    rg, yb = r - g, (r + g) / 2 - b
    if absolute:
        rg, yb = np.abs(rg), np.abs(yb)
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def _blobs(made: Picture, true: Picture) -> float:
    painted, there = (np.hypot(*np.moveaxis(rgb2lab(picture)[..., 1:], -1, 0)) for picture in (made, true))
    return float((painted - there >= 40).mean())


INDEPENDENT: dict[str, Score] = {
    "mse": mean_squared_error,
    "rmse": lambda made, true: float(np.sqrt(mean_squared_error(made, true))),
    "mae": lambda made, true: float(np.abs(made - true).mean()),
    "psnr": lambda made, true: float(peak_signal_noise_ratio(true, made, data_range=1)),
    "ssim": lambda made, true: float(structural_similarity_index_measure(_tensor(made), _tensor(true), data_range=1.0)),  # type: ignore[arg-type]
    "msssim": lambda made, true: float(
        multiscale_structural_similarity_index_measure(_tensor(made), _tensor(true), data_range=1.0)
    ),
    "accuracy": lambda made, true: float((made.argmax(-1) == true.argmax(-1)).mean()),
    "deltae": lambda made, true: float(deltaE_ciede2000(rgb2lab(true), rgb2lab(made)).mean()),
    "blobs": _blobs,
    "cf": lambda made, _: _colorfulness(made, absolute=False),
    "cf-abs": lambda made, _: _colorfulness(made, absolute=True),
}


def _reduced(path: Path) -> Picture:
    with Image.open(path) as image:
        scale = min(1.0, 256 / min(image.size))
        size = (round(image.width * scale), round(image.height * scale))
        return np.asarray(image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image) / 255


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photographs over, at and under the size at which they are scored, and what a tool with a taste made of them."""
    root = tmp_path_factory.mktemp("independent")
    random = np.random.default_rng(0)
    cuts = {
        "large.png": data.astronaut()[:, 60:],
        "exact.png": data.chelsea()[:256, :300],
        "small.png": data.coffee()[100:300, 150:350],
    }
    for name, pixels in cuts.items():
        loud = 1.6 * (pixels - pixels.mean(axis=2, keepdims=True)) + pixels.mean(axis=2, keepdims=True)
        made = loud + np.array([-9, 4, 15]) + random.normal(0, 3, pixels.shape)
        made[:30, :60] = (230, 20, 60)  # a blob
        for folder, content in {"true": pixels, "made": np.clip(np.rint(made), 0, 255)}.items():
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(content.astype(np.uint8))).save(root / folder / name)
    return root / "true", root / "made"


def test_hue_agrees_to_four_digits(folders: tuple[Path, Path]) -> None:
    true, made = folders
    arguments = ["eval", "--outputs", str(made), "--reference", str(true), "--metrics", ",".join(INDEPENDENT), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (row,) = (row for row in json.loads(result.stdout)["rows"] if row["kind"] == "output")
    pairs = [(_reduced(made / path.name), _reduced(path)) for path in sorted(true.iterdir())]
    expected = {name: float(np.mean([score(*pair) for pair in pairs])) for name, score in INDEPENDENT.items()}
    assert expected["blobs"] > 0.001
    assert row["scores"] == pytest.approx(expected, rel=5e-5, abs=2e-5)
