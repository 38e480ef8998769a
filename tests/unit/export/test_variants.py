"""Smaller weights, and everything in one graph: asked of a small network of convolutions, in the real onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from hue_cli.errors import DatasetError, ParityError, WeightsError
from hue_cli.export import run as export_room
from hue_cli.export.graph import halve_weights, restore_weights
from hue_cli.export.parity import picture_with
from hue_cli.export.photos import Picture, colorize, read_photos, sample_photos
from hue_cli.export.run import Bound, Options, Precision, export_source
from hue_cli.export.source import Source, source_of_onnx
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.infer.contract import END_TO_END, INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Contract
from hue_cli.infer.session import open_session

CONTRACT = Contract(
    recipe="small", digest="0" * 64, size=48, multiple_of=8, minimum=16, licence="CC0", metrics={"psnr": 22.0}
)


def _small_network() -> onnx.ModelProto:
    """Four convolutions that paint smooth, strong colours."""
    random = np.random.default_rng(3)
    constants: dict[str, NDArray[np.float32]] = {
        name: np.array(value, np.float32) for name, value in (("scale", 0.02), ("shift", -1), ("gain", 45))
    }
    nodes = [
        helper.make_node("Mul", [INPUT_NAME, "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["layer0"]),
    ]
    widths = (1, 8, 8, 8, 2)
    for index, (before, after) in enumerate(pairwise(widths)):
        weights = random.normal(0, (9 * before) ** -0.5, (after, before, 3, 3)).astype(np.float32)
        constants[f"weights{index}"] = weights
        constants[f"bias{index}"] = random.normal(0, 0.1, after).astype(np.float32)
        nodes.append(
            helper.make_node(
                "Conv",
                [f"layer{index}", f"weights{index}", f"bias{index}"],
                [f"conv{index}"],
                f"c{index}",
                pads=[1] * 4,
            )
        )
        nodes.append(helper.make_node("Tanh" if index == 3 else "Relu", [f"conv{index}"], [f"layer{index + 1}"]))
    nodes.append(helper.make_node("Mul", ["layer4", "gain"], [OUTPUT_NAME]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {METADATA_KEY: CONTRACT.to_json()})
    return model


@pytest.fixture(scope="module")
def source() -> Source:
    return source_of_onnx(_small_network().SerializeToString(), "small")


@pytest.fixture(scope="module")
def photos() -> list[Picture]:
    return [photo[100:220, 150:310] for photo in sample_photos()]


def _open(path: Path) -> tuple[onnx.ModelProto, Contract]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return onnx.load(path), Contract.from_metadata(session.get_modelmeta().custom_metadata_map, path.name)


def test_eight_bits_stay_near_on_photographs(source: Source, photos: list[Picture], tmp_path: Path) -> None:
    exported = export_source(source, tmp_path / "m.onnx", Options(precision=Precision.INT8, photos=photos))

    model, contract = _open(exported.path)
    assert contract.precision == "int8"
    assert contract.metrics == {}, "scores of other arithmetic"
    assert contract.licence == "CC0"
    assert 0 < exported.on_photos.mean < 1.5
    assert exported.on_photos.photos == len(photos)
    weights = [each for each in model.graph.initializer if each.name.startswith("weights") and len(each.dims) == 4]
    assert [each.data_type == TensorProto.INT8 for each in weights].count(True) == 2, "the last two are float32"
    scales = [each for each in model.graph.initializer if each.name.startswith("weights") and "scale" in each.name]
    assert {tuple(each.dims) for each in scales} == {(8,)}, "a scale for each channel"
    open_session(exported.path.read_bytes(), "m", "cpu").check()


def test_eight_bits_are_the_same_each_time(source: Source, photos: list[Picture], tmp_path: Path) -> None:
    first, second = (
        export_source(source, tmp_path / name, Options(precision=Precision.INT8, photos=photos)) for name in "ab"
    )

    assert first.sha256 == second.sha256


def test_halves_are_restored_to_what_is_left_of_them(source: Source) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(source.model)
    halve_weights(model)
    restore_weights(model)

    assert [node.op_type for node in model.graph.node] == [node.op_type for node in source.model.graph.node]
    for before, after in zip(source.model.graph.initializer, model.graph.initializer, strict=True):
        assert (before.name, before.data_type) == (after.name, after.data_type)
        np.testing.assert_allclose(numpy_helper.to_array(before), numpy_helper.to_array(after), rtol=1e-3, atol=1e-6)


def test_a_file_of_halves_can_be_exported_again(source: Source, photos: list[Picture], tmp_path: Path) -> None:
    half = export_source(source, tmp_path / "half.onnx", Options(precision=Precision.FP16, photos=photos))
    again = source_of_onnx(half.path.read_bytes(), "half")

    whole = export_source(again, tmp_path / "whole.onnx", Options(photos=photos))

    assert whole.difference == 0
    assert whole.contract.precision == "fp32"
    assert half.size < whole.size
    assert half.contract.metrics == {"psnr": 22.0}


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_everything_in_one_graph_makes_the_pictures_of_hue_colorize(
    source: Source, photos: list[Picture], tmp_path: Path, precision: Precision
) -> None:
    options = Options(precision=precision, end_to_end=True, photos=photos)

    exported = export_source(source, tmp_path / "m.onnx", options)

    model, contract = _open(exported.path)
    assert contract.kind == END_TO_END
    ends = [(each.name, each.type.tensor_type.elem_type) for each in (*model.graph.input, *model.graph.output)]
    assert ends == [("photo", TensorProto.UINT8), ("picture", TensorProto.UINT8)]
    assert exported.on_photos.mean < (0.5 if precision is Precision.FP32 else 2)


@pytest.fixture(scope="module")
def whole(
    source: Source, photos: list[Picture], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Picture], Picture]:
    path = tmp_path_factory.mktemp("whole") / "m.onnx"
    export_source(source, path, Options(end_to_end=True, photos=photos))
    return picture_with(path.read_bytes())


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 400), (400, 7), (48, 48), (47, 61), (5, 3), (700, 90)])
def test_any_size_is_taken_and_kept(
    whole: Callable[[Picture], Picture], source: Source, shape: tuple[int, int]
) -> None:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    slope = np.rint((y + x) * 255 / max(1, sum(shape) - 2)).astype(np.uint8)
    photo: Picture = np.repeat(slope[..., None], 3, axis=2)

    found = whole(photo)

    assert found.shape == photo.shape
    apart = np.abs(found.astype(int) - colorize(photo, source.paint, CONTRACT))
    assert apart.mean() < 1.5
    assert np.percentile(apart, 99) <= 6


def test_the_lightness_is_the_photograph_s_own(whole: Callable[[Picture], Picture], photos: list[Picture]) -> None:
    for photo in photos:
        before, after = (rgb_to_grey(each).astype(float) / 257 for each in (photo, whole(photo)))
        assert np.abs(before - after).max() < 2
        assert np.abs(before - after).mean() < 0.4


def test_without_chroma_grey_stays_exactly_grey(tmp_path: Path, photos: list[Picture]) -> None:
    model = _small_network()
    (gain,) = (each for each in model.graph.initializer if each.name == "gain")
    gain.CopyFrom(numpy_helper.from_array(np.asarray(np.float32(0)), "gain"))
    grey: list[NDArray[np.uint8]] = [np.repeat(photo[..., :1], 3, axis=2) for photo in photos]
    export_source(
        source_of_onnx(model.SerializeToString(), "grey"), tmp_path / "m.onnx", Options(end_to_end=True, photos=grey)
    )

    make = picture_with((tmp_path / "m.onnx").read_bytes())

    for photo in grey:
        np.testing.assert_array_equal(make(photo), photo)


def test_hue_colorize_says_what_such_a_file_is_for(source: Source, photos: list[Picture], tmp_path: Path) -> None:
    exported = export_source(source, tmp_path / "m.onnx", Options(end_to_end=True, photos=photos))

    with pytest.raises(WeightsError, match=r"end-to-end file.*for phones, browsers and other programs"):
        open_session(exported.path.read_bytes(), "m.onnx", "cpu")
    with pytest.raises(WeightsError, match="end-to-end"):
        source_of_onnx(exported.path.read_bytes(), "m.onnx")


def test_pictures_that_differ_too_much_are_written_only_by_force(
    source: Source, photos: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(export_room.PHOTO_BOUNDS, Precision.INT8, Bound(1e-6, 1e-6))
    output = tmp_path / "m.onnx"

    with pytest.raises(ParityError, match=r"on 5 photographs ΔE 0\.\d+ on average.*--force"):
        export_source(source, output, Options(precision=Precision.INT8, photos=photos))
    assert not output.exists()

    forced = export_source(source, output, Options(precision=Precision.INT8, photos=photos, force=True))
    assert forced.is_forced
    assert output.is_file()


def test_the_default_size_can_be_another(source: Source, photos: list[Picture], tmp_path: Path) -> None:
    exported = export_source(source, tmp_path / "m.onnx", Options(size=96, photos=photos))

    assert exported.contract.size == 96
    assert exported.contract.metrics == {}, "scores of another size"


def test_photographs_of_one_s_own_are_read_upright_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    Image.new("L", (30, 20), 99).save(tmp_path / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (1600, 400)).save(tmp_path / "b.jpg", exif=turned)
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("none either")

    assert [photo.shape for photo in read_photos(tmp_path)] == [(20, 30, 3), (1024, 256, 3)]
    with pytest.raises(DatasetError, match="found none that can be read"):
        read_photos(tmp_path / "c.jpg")
