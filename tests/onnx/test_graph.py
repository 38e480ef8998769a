"""Exported graphs keep the contract, asked of onnx's checker and of the real onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from hue_cli.color import constants
from hue_cli.errors import ParityError
from hue_cli.export.graph import halve_weights, stamp, trace
from hue_cli.export.parity import draw_lightness, largest_difference
from hue_cli.export.run import BOUNDS, Precision
from hue_cli.export.source import painter
from hue_cli.infer.contract import Contract
from hue_cli.recipes import RECIPES

QUICK = ["cnn-curriculum", "residual-curriculum", "ae-rgb-1", "colorgan", "deepcolor-unet"]
# An encoder of fifty layers takes half a minute to trace.
SLOW = [
    *("hue-s", "deepcolor-densenet", "deepcolor-mobilenet", "resnet18-autoencoder"),
    *("koalarization", "koalarization-deep", "koalarization-bn", "vgg16", "vgg19-unet"),
]
FAMILIES = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
# Variants that differ in their training alone have the same graph: worth a look, not every time.
VARIANTS = [pytest.param(name, marks=pytest.mark.slow) for name in RECIPES if name not in (*QUICK, *SLOW)]

Tracer = Callable[[str], Any]


def _sides(value: onnx.ValueInfoProto) -> list[str | int]:
    return [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("name", [*FAMILIES, *VARIANTS])
def test_the_graph_has_the_contract_s_ends(traced: Tracer, name: str) -> None:
    graph = traced(name).model.graph

    onnx.checker.check_model(traced(name).model, full_check=True)
    assert [(value.name, _sides(value)) for value in graph.input] == [("lightness", ["batch", 1, "height", "width"])]
    assert [(value.name, _sides(value)) for value in graph.output] == [("ab", ["batch", 2, "height", "width"])]
    assert {value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)} == {onnx.TensorProto.FLOAT}


@pytest.mark.parametrize("name", [*FAMILIES, *VARIANTS])
def test_float32_graphs_paint_what_the_network_paints(traced: Tracer, name: str) -> None:
    run, model = traced(name).run, traced(name).model

    difference = largest_difference(painter(run.load_colorizer()), model.SerializeToString(), run.recipe.size)

    # Weights that are drawn make float32 itself rough where there are 121 layers.
    assert difference < max(BOUNDS[Precision.FP32], _rounding(run))


def _rounding(run: Any) -> float:
    """How far what PyTorch paints in float32 is from what it paints in float64."""
    lightness = torch.from_numpy(draw_lightness(2, 256, 256))
    with torch.inference_mode():
        single, double = run.load_colorizer()(lightness), run.load_colorizer().double()(lightness.double())
    return float((single - double).abs().max())


@pytest.mark.parametrize("name", FAMILIES)
def test_the_networks_of_these_tests_paint(traced: Tracer, name: str) -> None:
    """Parity of two grey pictures would prove nothing."""
    session = onnxruntime.InferenceSession(traced(name).model.SerializeToString(), providers=["CPUExecutionProvider"])

    (ab,) = session.run(None, {"lightness": draw_lightness(2, 32, 64)})

    assert np.abs(ab).mean() > 4
    assert constants.A_RANGE[0] <= ab[:, 0].min() <= ab[:, 0].max() <= constants.A_RANGE[1]
    assert constants.B_RANGE[0] <= ab[:, 1].min() <= ab[:, 1].max() <= constants.B_RANGE[1]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_paints_what_its_photographs_paint_alone(traced: Tracer, name: str) -> None:
    session = onnxruntime.InferenceSession(traced(name).model.SerializeToString(), providers=["CPUExecutionProvider"])
    step = traced(name).run.recipe.size.multiple_of
    lightness = draw_lightness(3, 2 * step, 3 * step)

    (together,) = session.run(None, {"lightness": lightness})
    alone = [session.run(None, {"lightness": lightness[i : i + 1]})[0] for i in range(3)]

    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-3)


# Deep networks of random weights make much of every rounding; trained ones are judged by `hue export` itself.
@pytest.mark.parametrize("name", [*QUICK, pytest.param("hue-s", marks=pytest.mark.slow)])
def test_halved_weights_stay_near_and_halve_the_file(traced: Tracer, name: str) -> None:
    run, model = traced(name).run, traced(name).copy()
    weights = sum(len(each.raw_data) for each in model.graph.initializer if len(each.dims) > 1)

    halve_weights(model)

    onnx.checker.check_model(model, full_check=True)
    assert sum(len(each.raw_data) for each in model.graph.initializer if len(each.dims) > 1) * 2 == weights
    difference = largest_difference(painter(run.load_colorizer()), model.SerializeToString(), run.recipe.size)
    assert 0 < difference < BOUNDS[Precision.FP16]


def test_nothing_of_the_machine_stays_in_the_file(traced: Tracer) -> None:
    data = traced("residual-curriculum").model.SerializeToString()

    for trace_of in (b"site-packages", b".py", b"/home", b"/root", b"stack_trace"):
        assert trace_of not in data


@pytest.mark.slow
def test_the_same_weights_give_the_same_bytes(traced: Tracer) -> None:
    run, model = traced("cnn-curriculum").run, traced("cnn-curriculum").model

    again = trace(run.load_colorizer(), run.recipe.size)

    assert again.SerializeToString() == model.SerializeToString()


@pytest.mark.parametrize("name", FAMILIES)
def test_batch_norms_after_convolutions_are_folded_away(traced: Tracer, name: str) -> None:
    """Those of DenseNet stand before them, DeepColor's after a concatenation or a ReLU."""
    nodes = traced(name).model.graph.node
    convolved = {output for node in nodes if node.op_type in ("Conv", "ConvTranspose") for output in node.output}

    assert not [node for node in nodes if node.op_type == "BatchNormalization" and node.input[0] in convolved]


def test_the_stamp_is_read_back_from_the_runtime(traced: Tracer) -> None:
    model = traced("cnn-curriculum").copy()
    old = Contract(recipe="old", digest="0", size=8, multiple_of=4, minimum=4)
    contract = Contract(recipe="new", digest="1", size=20, multiple_of=4, minimum=4, metrics={"psnr": 23.5})

    stamp(model, old)
    stamp(model, contract)

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert list(metadata) == ["hue"]
    assert Contract.from_metadata(metadata, "model.onnx") == contract


def test_parity_sees_one_changed_weight(traced: Tracer) -> None:
    run, model = traced("cnn-curriculum").run, traced("cnn-curriculum").copy()
    weight = next(each for each in model.graph.initializer if len(each.dims) == 4)
    values = onnx.numpy_helper.to_array(weight).copy()
    values.flat[0] += 0.5
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))

    difference = largest_difference(painter(run.load_colorizer()), model.SerializeToString(), run.recipe.size)

    assert difference > BOUNDS[Precision.FP16]


def test_parity_counts_not_a_number_as_infinitely_wrong(traced: Tracer) -> None:
    run, model = traced("cnn-curriculum").run, traced("cnn-curriculum").copy()
    weight = next(each for each in model.graph.initializer if len(each.dims) == 4)
    values = np.full_like(onnx.numpy_helper.to_array(weight), np.nan)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))

    assert largest_difference(painter(run.load_colorizer()), model.SerializeToString(), run.recipe.size) == float("inf")


@pytest.mark.parametrize(("axis", "frozen"), [(0, 2), (2, 16), (3, 24)])
def test_parity_sees_a_frozen_side(traced: Tracer, axis: int, frozen: int) -> None:
    """What users of exported models met: a batch that only takes the example's number of pictures."""
    run, model = traced("cnn-curriculum").run, traced("cnn-curriculum").copy()
    side = model.graph.input[0].type.tensor_type.shape.dim[axis]
    side.Clear()
    side.dim_value = frozen

    with pytest.raises(ParityError, match=r"does not run the exported graph on 1 photographs of 4×4 pixels"):
        largest_difference(painter(run.load_colorizer()), model.SerializeToString(), run.recipe.size)


def test_parity_names_a_graph_that_does_not_load(traced: Tracer) -> None:
    run = traced("cnn-curriculum").run

    with pytest.raises(ParityError, match="does not load"):
        largest_difference(painter(run.load_colorizer()), b"no graph", run.recipe.size)


def test_drawn_lightness_is_like_a_photograph_s() -> None:
    lightness = draw_lightness(4, 64, 96)

    assert lightness.shape == (4, 1, 64, 96)
    assert lightness.dtype == np.float32
    assert lightness.min() == 0
    assert lightness.max() > 90
    steps = np.abs(np.diff(lightness, axis=-1))
    # Mostly slopes and grain, with some edges.
    assert np.median(steps) < 6
    assert steps.max() > 30
    assert len(np.unique(lightness[0])) > 1000
    np.testing.assert_array_equal(lightness, draw_lightness(4, 64, 96))
