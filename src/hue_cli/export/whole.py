"""A graph with everything inside: an 8-bit picture in, the same picture in colour out.

For phones, browsers and programs in other languages, which then need no colour arithmetic of their own. The steps are
those of :mod:`hue_cli.images`: grey of the same lightness, scaled and mirrored for the network, its a*b* brought to
full size, joined to the photograph's own lightness, and moved into the sRGB gamut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hue_cli.color import constants as c
from hue_cli.color import lab
from hue_cli.errors import UsageError
from hue_cli.images.luminance import lightness_table, linear_table
from hue_cli.images.resize import ENLARGE, LONGEST
from hue_cli.infer.contract import INPUT_NAME, OUTPUT_NAME, PICTURE_INPUT, PICTURE_OUTPUT, Contract

_LEAST_OPSET = 18
_CODES = 1 << 16
_KEYS = -0.5
"""The cubic kernel's parameter, as Pillow and :mod:`hue_cli.images.resize` have it."""


class _Builder:
    """Adds nodes and constants to lists, and names them."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def hold(self, value: NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        name = f"whole.constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def real(self, value: float) -> str:
        return self.hold(np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        return self.hold(np.array(values, np.int64))

    def do(self, kind: str, *inputs: str, output: str | None = None, **settings: Any) -> str:
        """Add a node; returns the name of its output."""
        name = output or f"whole.{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], f"whole.node_{len(self.nodes)}", **settings))
        return name

    def cast(self, value: str, to: int) -> str:
        return self.do("Cast", value, to=to)

    def look_up(self, table: NDArray[Any], index: str) -> str:
        """Replace each whole number by its entry in a table."""
        return self.do("Gather", self.hold(table), self.cast(index, TensorProto.INT32), axis=0)

    def scale(self, planes: str, sizes: str) -> str:
        """Scale ``(1, n, h, w)`` bicubically, averaging where it shrinks."""
        return self.do(
            "Resize", planes, "", "", sizes, mode="cubic", cubic_coeff_a=_KEYS, antialias=1, exclude_outside=1
        )


def enclose(core: onnx.ModelProto, contract: Contract) -> onnx.ModelProto:
    """Put a colorizer's graph into one that takes and gives pictures.

    Args:
        core: keeps the contract of :mod:`hue_cli.infer.contract`; is not changed.
        contract: of the result; its size rule is built into the graph.

    Returns:
        A graph with the input ``photo`` and the output ``picture``, both ``(1, height, width, 3)`` uint8, sRGB.

    Raises:
        UsageError: the graph's opset is too old to hold the scaling.
    """
    (opset,) = (each.version for each in core.opset_import if not each.domain)
    if opset < _LEAST_OPSET:
        raise UsageError(
            f"--end-to-end: expected a graph of opset {_LEAST_OPSET} or newer, whose Resize averages; found {opset}. "
            "Export the run folder again."
        )
    make = _Builder()
    luminance, code = _grey(make)
    sizes = _network_size(make, contract)
    _lightness(make, code, sizes)
    before = len(make.nodes)
    _colour(make, luminance, sizes)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, [1, "height", "width", 3])
        for name in (PICTURE_INPUT, PICTURE_OUTPUT)
    ]
    model = onnx.ModelProto()
    model.CopyFrom(core)
    graph = helper.make_graph(
        [*make.nodes[:before], *core.graph.node, *make.nodes[before:]],
        "picture_colorizer",
        ends[:1],
        ends[1:],
        [*core.graph.initializer, *make.constants],
    )
    model.graph.CopyFrom(graph)
    return model


def _grey(make: _Builder) -> tuple[str, str]:
    """Return luminance Y ``(1, 1, H, W)`` in [0, 1], and its sRGB code in 0 … 255 as whole float numbers."""
    linear = make.look_up(linear_table(256), PICTURE_INPUT)
    weights = np.array(c.XYZ_FROM_RGB[1], np.float32)[:, None]
    luminance = make.do("Transpose", make.do("MatMul", linear, make.hold(weights)), perm=[0, 3, 1, 2])
    luminance = make.do("Clip", luminance, make.real(0), make.real(1))
    return luminance, make.cast(_encode(make, luminance), TensorProto.FLOAT)


def _encode(make: _Builder, linear: str) -> str:
    """Return the 8-bit sRGB of linear values in [0, 1], by the table that :mod:`hue_cli.images.tint` has."""
    table = np.rint(lab.linear_to_srgb(np.arange(_CODES) / (_CODES - 1)) * 255).astype(np.uint8)
    index = make.do("Add", make.do("Mul", linear, make.real(_CODES - 1)), make.real(0.5))
    return make.look_up(table, index)


class _Sizes:
    """Names of sizes, each int64 of shape (1,)."""

    def __init__(self, full: Sequence[str], small: Sequence[str], padded: Sequence[str]) -> None:
        self.full, self.small, self.padded = full, small, padded


def _network_size(make: _Builder, contract: Contract) -> _Sizes:
    """Choose the network's size as :func:`hue_cli.images.resize.network_size` does; in float64, like Python."""

    def number(value: float) -> str:
        return make.hold(np.array([value], np.float64))

    shape = make.do("Shape", PICTURE_INPUT)
    full = [make.do("Gather", shape, make.whole(axis)) for axis in (1, 2)]
    sides = [make.cast(side, TensorProto.DOUBLE) for side in full]
    scale = make.do(
        "Min",
        make.do("Div", number(contract.size), make.do("Min", *sides)),
        make.do("Div", number(LONGEST * contract.size), make.do("Max", *sides)),
        number(ENLARGE),
    )
    small, padded = [], []
    for side in sides:
        scaled = make.do("Max", make.do("Round", make.do("Mul", side, scale)), number(1))
        enough = make.do("Max", scaled, number(contract.minimum))
        steps = make.do("Ceil", make.do("Div", enough, number(contract.multiple_of)))
        small.append(make.cast(scaled, TensorProto.INT64))
        padded.append(make.cast(make.do("Mul", steps, number(contract.multiple_of)), TensorProto.INT64))
    return _Sizes(full, small, padded)


def _lightness(make: _Builder, code: str, sizes: _Sizes) -> None:
    """Scale the grey picture for the network, mirror it at the border, and give its L* to the core's input."""
    small = make.scale(code, make.do("Concat", make.whole(1, 1), *sizes.small, axis=0))
    small = make.do("Clip", make.do("Round", small), make.real(0), make.real(255))
    for axis, (side, padded) in enumerate(zip(sizes.small, sizes.padded, strict=True), start=2):
        small = make.do("Gather", small, _mirrored(make, side, padded), axis=axis)
    lightness = make.look_up(lightness_table(256), small)
    make.do("Identity", lightness, output=INPUT_NAME)


def _mirrored(make: _Builder, side: str, padded: str) -> str:
    """Return the places 0 … padded − 1, mirrored into 0 … side − 1 as ``numpy.pad`` does; any side, also 1."""
    zero, one = (make.hold(np.array(value, np.int64)) for value in (0, 1))
    places = make.do("Range", zero, make.do("Squeeze", padded), one)
    period = make.do("Max", make.do("Mul", make.do("Sub", side, make.whole(1)), make.whole(2)), make.whole(1))
    forth = make.do("Mod", places, period)
    return make.do("Min", forth, make.do("Sub", period, forth))


def _colour(make: _Builder, luminance: str, sizes: _Sizes) -> None:
    """Join the core's a*b* to the photograph's luminance, as :mod:`hue_cli.images.tint` does."""
    ab = make.do("Slice", OUTPUT_NAME, make.whole(0, 0), make.do("Concat", *sizes.small, axis=0), make.whole(2, 3))
    # f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200: scaled where the picture is small.
    share = make.hold(np.array([1 / 500, -1 / 200], np.float32).reshape(1, 2, 1, 1))
    shift = make.scale(make.do("Mul", ab, share), make.do("Concat", make.whole(1, 2), *sizes.full, axis=0))
    f = _lab_f(make, luminance)
    xz = make.do("Max", make.do("Add", f, shift), make.real(0))
    # Only what differs from the grey goes through the matrix, so that no chroma is exactly no chroma.
    difference = make.do("Sub", _lab_f_inverse(make, xz), _lab_f_inverse(make, f))
    matrix = np.linalg.inv(np.array(c.XYZ_FROM_RGB)) * np.array(c.WHITE)[None, :]
    weights = matrix[:, ::2].astype(np.float32).reshape(3, 2, 1, 1)
    chroma = make.do("Conv", difference, make.hold(weights))
    linear = make.do("Add", luminance, make.do("Mul", chroma, _kept(make, luminance, chroma)))
    linear = make.do("Clip", linear, make.real(0), make.real(1))
    make.do("Transpose", _encode(make, linear), output=PICTURE_OUTPUT, perm=[0, 2, 3, 1])


def _lab_f(make: _Builder, y: str) -> str:
    """CIE's f: a cube root with a straight foot."""
    foot = make.do("Add", make.do("Mul", y, make.real(c.LAB_SLOPE)), make.real(c.LAB_OFFSET))
    root = make.do("Pow", y, make.real(1 / 3))
    return make.do("Where", make.do("Greater", y, make.real(c.LAB_THRESHOLD)), root, foot)


def _lab_f_inverse(make: _Builder, f: str) -> str:
    foot = make.do("Div", make.do("Sub", f, make.real(c.LAB_OFFSET)), make.real(c.LAB_SLOPE))
    cube = make.do("Mul", make.do("Mul", f, f), f)
    return make.do("Where", make.do("Greater", f, make.real(c.LAB_INVERSE_THRESHOLD)), cube, foot)


def _kept(make: _Builder, luminance: str, chroma: str) -> str:
    """Return the share of the chroma that stays inside the gamut on the way to the grey, in [0, 1]."""
    axis, tiny = make.whole(1), make.real(1e-12)  # only keeps rounding from dividing by zero
    highest = make.do("ReduceMax", chroma, axis, keepdims=1)
    lowest = make.do("Neg", make.do("ReduceMin", chroma, axis, keepdims=1))
    above = make.do("Div", make.do("Sub", make.real(1), luminance), make.do("Max", highest, tiny))
    below = make.do("Div", luminance, make.do("Max", lowest, tiny))
    return make.do("Clip", make.do("Min", above, below), make.real(0), make.real(1))
