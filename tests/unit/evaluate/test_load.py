"""Models by name, as ONNX files and as run folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hue_cli.color.space import Axis, Signal
from hue_cli.errors import CheckpointError, DeviceError, UnknownModelError, UsageError, WeightsError
from hue_cli.evaluate.load import find_device, load_model, load_models, sort_out
from hue_cli.evaluate.painters import RawPainter, UsedPainter
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.trained import read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe

WriteRun = Callable[[Recipe, Path], Path]
LIGHTNESS = np.linspace(0, 100, 2 * 32 * 48, dtype=np.float32).reshape(2, 1, 32, 48)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[Recipe], Recipe], write_run: WriteRun) -> Path:
    return write_run(tiny(RECIPES["residual"]), tmp_path_factory.mktemp("runs") / "residual@0")


@pytest.mark.parametrize("name", ["", "weights.safetensors"])
def test_a_run_folder_paints_what_its_network_paints(run: Path, name: str) -> None:
    model = load_model(str(run / name), "cpu")
    colorizer = read_run(run).load_colorizer()
    tensor = torch.from_numpy(LIGHTNESS)
    with torch.no_grad():
        np.testing.assert_array_equal(model.predict_ab(LIGHTNESS), colorizer(tensor).numpy())
        assert model.paint_rgb is not None
        np.testing.assert_array_equal(model.paint_rgb(LIGHTNESS), colorizer.paint(tensor)[1].numpy())
    assert model.name == "residual"
    assert model.rule.size == 20
    assert model.recipe is not None
    assert model.recipe.source.figures["mse"] == 0.0089
    assert isinstance(model.raw_painter(), RawPainter)


def test_a_network_that_paints_ab_has_no_other_raw(run: Path) -> None:
    from dataclasses import replace

    model = load_model(str(run), "cpu")
    assert model.recipe is not None
    space = replace(model.recipe.space, paints=Axis(signal=Signal.AB, channels=2))
    changed = replace(model, recipe=replace(model.recipe, space=space))
    assert changed.keeps_lightness
    assert changed.raw_painter() is None
    assert isinstance(changed.used_painter(), UsedPainter)


def test_weights_of_another_network_are_refused(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    weights = load_file(copy / "weights.safetensors")
    weights.pop("0.weight")
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(CheckpointError, match="weights"):
        load_model(str(copy), "cpu")


@pytest.mark.parametrize("missing", ["run.json", "weights.safetensors"])
def test_half_a_run_folder_is_refused(run: Path, tmp_path: Path, missing: str) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / missing).unlink()
    with pytest.raises(CheckpointError, match=missing):
        load_model(str(copy), "cpu")


def test_an_onnx_file_by_path_by_folder_and_by_name(own_weights: Path) -> None:
    folder = own_weights / "tiny"
    wanted = ["tiny", None, str(folder), str(folder / "model.onnx")]
    models = [load_model(each, "cpu") for each in wanted]
    for model in models:
        np.testing.assert_allclose(model.predict_ab(LIGHTNESS)[:, :1], LIGHTNESS * 0.1 + 5, rtol=1e-5)
        assert (model.rule.size, model.rule.multiple_of, model.origin) == (64, 16, folder / "model.onnx")
        assert model.recipe is RECIPES["residual"]
        assert model.raw_painter() is None
    assert [model.name for model in models] == ["tiny", "tiny", "residual", "residual"]


def test_weights_beside_an_onnx_file_paint_its_raw(run: Path, tmp_path: Path, write_onnx: Callable[..., Path]) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    digest = json.loads((copy / "run.json").read_text())["digest"]
    path = write_onnx(copy / "model.onnx", digest=digest)
    assert isinstance(load_model(str(path), "cpu").raw_painter(), RawPainter)
    write_onnx(copy / "model.onnx", digest="1" * 64)
    assert load_model(str(path), "cpu").raw_painter() is None


def test_recorded_raw_figures_are_found(tmp_path: Path, write_onnx: Callable[..., Path]) -> None:
    path = write_onnx(tmp_path / "filed.onnx", metrics={"psnr": 22.5, "raw_mse": 0.01, "raw_msssim": 0.9})
    assert load_model(str(path), "cpu").recorded == {"mse": 0.01, "msssim": 0.9}


def test_a_recipe_that_this_hue_does_not_know_can_be_scored(tmp_path: Path, write_onnx: Callable[..., Path]) -> None:
    model = load_model(str(write_onnx(tmp_path / "new.onnx", recipe="from-the-future")), "cpu")
    assert (model.name, model.recipe) == ("from-the-future", None)


def test_what_is_nowhere_and_what_is_no_model(own_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="tiny"):
        load_model("nothing-of-this-name", "cpu")
    with pytest.raises(UnknownModelError, match=r"gone\.onnx"):
        load_model(str(tmp_path / "gone.onnx"), "cpu")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(WeightsError, match="text"):
        load_model(str(tmp_path / "text.onnx"), "cpu")


def test_models_of_one_name_are_told_apart_and_one_model_is_scored_once(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    models = load_models([str(run), str(copy), str(run / "weights.safetensors")], "cpu", size=32)
    assert len(models) == 2
    assert all(name.startswith("residual (") for name in models)
    assert {model.rule.size for model in models.values()} == {32}


def test_bare_words_are_sorted_out(own_weights: Path, run: Path, tmp_path: Path) -> None:
    words = [str(run), "tiny", str(own_weights / "tiny"), "residual", "b.onnx", "hf:a/b", str(tmp_path), "kaggle"]
    assert sort_out(words) == (words[:6], words[6:])
    with pytest.raises(UsageError, match="'neither'"):
        sort_out(["neither"])


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "cpu:1"])
def test_devices_that_are_not_there(device: str) -> None:
    with pytest.raises(DeviceError, match=device):
        find_device(device)


def test_the_cpu_is_always_there() -> None:
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda")


def test_both_pictures_of_a_network_come_out_of_one_pass(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    original = Colorizer.paint

    def counted(self: Colorizer, lightness: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        passes.append(len(lightness))
        return original(self, lightness)

    monkeypatch.setattr(Colorizer, "paint", counted)
    model = load_model(str(run), "cpu")
    assert model.paint_rgb is not None
    ab = model.predict_ab(LIGHTNESS)
    model.paint_rgb(LIGHTNESS.copy())
    assert passes == [2]
    assert not np.array_equal(model.predict_ab(LIGHTNESS[:, :, ::-1].copy()), ab)
    assert passes == [2, 2]
