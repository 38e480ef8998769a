"""From a network to an ONNX graph that keeps the contract of :mod:`hue_cli.infer.contract`."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
import torch
from onnx import numpy_helper

from hue_cli import __version__
from hue_cli.infer.contract import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, Contract
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes.schema import SizeRule

DEFAULT_OPSET = 20

# Values that are worth halving: weights. Biases and constants are few, and lose more.
_HALVED_FROM_AXES = 2


def trace(colorizer: Colorizer, rule: SizeRule, opset: int = DEFAULT_OPSET) -> onnx.ModelProto:
    """Export a network with dynamic batch, height and width; weights float32, batch norms folded in.

    Nothing of the machine that exports stays in the graph: no paths, no names of source files, so the
    same weights give the same bytes.

    Args:
        colorizer: in evaluation mode.
        rule: sizes it takes; height and width become multiples of ``rule.multiple_of``.
        opset: of the default ONNX domain.
    """
    step = rule.multiple_of
    # Two photographs, wider than high: a batch or a side frozen at its example's value shows in the parity check.
    sides = [max(4 * step, -(-rule.minimum // step) * step), max(6 * step, (-(-rule.minimum // step) + 1) * step)]
    rows, columns = torch.export.Dim("rows"), torch.export.Dim("columns")
    shapes = {0: torch.export.Dim("batch"), 2: step * rows, 3: step * columns}
    program = torch.onnx.export(
        colorizer,
        (torch.linspace(0, 100, 2 * sides[0] * sides[1]).reshape(2, 1, *sides),),
        dynamo=True,
        dynamic_shapes={INPUT_NAME: shapes},
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        opset_version=opset,
        verbose=False,
    )
    if program is None:  # only with a file name or the old exporter
        raise RuntimeError("torch.onnx.export returned no program")
    model: onnx.ModelProto = program.model_proto
    _forget_origin(model)
    return model


def _forget_origin(model: onnx.ModelProto) -> None:
    """Take out what the exporter notes for debugging, and name the dynamic sides in plain words."""
    model.producer_name, model.producer_version = "hue-cli", __version__
    model.doc_string = ""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    # Shapes of inner values are derived again by every runtime.
    del model.graph.value_info[:]
    for part in _parts(model):
        part.doc_string = ""
        del part.metadata_props[:]
    model.graph.name = "colorizer"
    for value in (*model.graph.input, *model.graph.output):
        axes = value.type.tensor_type.shape.dim
        for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
            axes[axis].dim_param = name


def _parts(model: onnx.ModelProto) -> Iterable[onnx.NodeProto | onnx.TensorProto | onnx.ValueInfoProto]:
    graph = model.graph
    return (*graph.node, *graph.initializer, *graph.input, *graph.output)


def halve_weights(model: onnx.ModelProto) -> None:
    """Store weights as float16 and cast them to float32 in the graph: half of the file, the same arithmetic.

    The runtime folds the casts once when it loads the file, so that speed and the devices it runs on
    are those of the float32 graph. Changes ``model``; biases and constants stay as they are.
    """
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or len(weight.dims) < _HALVED_FROM_AXES:
            continue
        name = weight.name
        half = numpy_helper.to_array(weight).astype("float16")
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [weight.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def restore_weights(model: onnx.ModelProto) -> None:
    """Undo :func:`halve_weights`, but for the digits that are gone. Changes ``model``."""
    halves = {weight.name: weight for weight in model.graph.initializer if weight.data_type == onnx.TensorProto.FLOAT16}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in halves:
            weight = halves[node.input[0]]
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype("float32"), node.output[0]))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def stamp(model: onnx.ModelProto, contract: Contract) -> None:
    """Write the contract into the file's metadata, in place of one that is there."""
    kept = {entry.key: entry.value for entry in model.metadata_props} | {METADATA_KEY: contract.to_json()}
    onnx.helper.set_model_props(model, kept)
