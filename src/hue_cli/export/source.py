"""What an export starts from: a trained run, or a file that was exported before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from hue_cli.export.graph import restore_weights, trace
from hue_cli.infer.contract import Contract
from hue_cli.infer.session import open_session
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.trained import TrainedRun

Paint = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Lightness ``(N, 1, H, W)``, L* in [0, 100], to a*b* ``(N, 2, H, W)`` in CIE units; float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is exported, and what judges the result.

    Attributes:
        name: for messages.
        judge: what results are compared with: ``PyTorch``, or the file's own name.
        model: keeps the contract, weights float32.
        contract: what the result says about itself, but for what the export changes.
        paint: what the result should do.
    """

    name: str
    judge: str
    model: onnx.ModelProto
    contract: Contract
    paint: Paint


def painter(colorizer: Colorizer) -> Paint:
    """Return what a network in evaluation mode paints."""

    @torch.no_grad()
    def paint(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
        painted: NDArray[np.float32] = colorizer(torch.from_numpy(lightness)).numpy()
        return painted

    return paint


def source_of_run(
    run: TrainedRun,
    *,
    opset: int,
    licence: str = "",
    metrics: Mapping[str, float] | None = None,
    scored_on: str = "",
) -> Source:
    """Trace a trained network.

    Raises:
        CheckpointError: the weights do not fit the recipe.
    """
    recipe = run.recipe
    colorizer = run.load_colorizer()
    contract = Contract(
        recipe=recipe.name,
        digest=recipe.digest(),
        size=recipe.size.size,
        multiple_of=recipe.size.multiple_of,
        minimum=recipe.size.minimum,
        training_data=run.training_data,
        licence=licence,
        metrics=dict(metrics or {}),
        scored_on=scored_on,
    )
    return Source(
        name=str(run.weights),
        judge="PyTorch",
        model=trace(colorizer, recipe.size, opset),
        contract=contract,
        paint=painter(colorizer),
    )


def source_of_onnx(content: bytes, name: str, licence: str = "") -> Source:
    """Take a file that hue exported; it is its own judge.

    Raises:
        WeightsError: it is no colorizer of hue.
    """
    session = open_session(content, name, "cpu")
    model = onnx.load_from_string(content)
    restore_weights(model)
    contract = replace(session.contract, licence=licence) if licence else session.contract
    return Source(name=name, judge=name, model=model, contract=contract, paint=session.predict)
