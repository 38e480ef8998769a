"""Models to score: by name, as ONNX file, or as the run folder of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hue_cli.color.space import Signal
from hue_cli.errors import CheckpointError, HueError
from hue_cli.evaluate.painters import Floats, Network, Painter, RawPainter, UsedPainter
from hue_cli.models.trained import RUN_FILE, WEIGHTS_FILE, TrainedRun, read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe, SizeRule

RECORDED = "raw_"
"""Prefix of the raw figures among those that are noted in an ONNX file when it is filed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Something that colorizes, ready to be scored.

    Attributes:
        name: for its row.
        origin: the file that was loaded.
        digest: of the recipe that it was trained with.
        recipe: the recipe with its source and departures; None if this hue knows none of that name.
        rule: size rule of the network.
        predict_ab: L* to a*b*.
        paint_rgb: L* to the RGB that the network itself paints; None if only an ONNX file is at hand.
        recorded: raw figures by metric name, as measured when the file was filed.
    """

    name: str
    origin: Path
    digest: str
    recipe: Recipe | None
    rule: SizeRule
    predict_ab: Network
    paint_rgb: Network | None = None
    recorded: Mapping[str, float] = field(default_factory=dict)

    def at_size(self, size: int | None) -> Model:
        """Return the model with another short side for its network; None leaves its own."""
        return replace(self, rule=replace(self.rule, size=size)) if size else self

    def used_painter(self) -> Painter:
        """Return what paints as `hue colorize` does."""
        return UsedPainter(self.predict_ab, self.rule)

    def raw_painter(self) -> Painter | None:
        """Return what paints as the paper scores it; None if that needs weights that are not at hand."""
        if self.recipe and self.recipe.space.paints.signal is Signal.AB:
            # A network that paints a* and b* has no lightness of its own: its papers keep the photograph's too.
            return self.used_painter()
        return RawPainter(self.paint_rgb, self.rule) if self.paint_rgb else None


def is_model_path(path: Path) -> bool:
    """Tell whether a path looks like a model rather than like photographs."""
    if path.is_dir():
        return any((path / name).is_file() for name in (RUN_FILE, WEIGHTS_FILE, "model.onnx"))
    return path.suffix.lower() in (".onnx", ".safetensors")


def load_model(wanted: str, device: torch.device) -> Model:
    """Find and load a model.

    Args:
        wanted: a model's name, an ONNX file, a folder with ``model.onnx``, a run folder or the weights in one.
        device: where networks run.

    Raises:
        UnknownModelError: there is no model of this name, and nothing at this path.
        WeightsError: the ONNX file is damaged or was not made by hue.
        CheckpointError: the run folder is incomplete or does not fit its recipe.
    """
    path = Path(wanted)
    if path.suffix.lower() == ".safetensors" or (path / WEIGHTS_FILE).is_file() or (path / RUN_FILE).is_file():
        return _from_run(read_run(path), device)
    return _from_onnx(find_onnx(wanted), device)


def _on(device: torch.device, function: Callable[[Tensor], Tensor]) -> Network:
    """Let a torch function take and return arrays."""

    @torch.inference_mode()
    def run(lightness: Floats) -> Floats:
        array: Floats = function(torch.from_numpy(lightness).to(device)).float().cpu().numpy()
        return array

    return run


def _from_run(run: TrainedRun, device: torch.device) -> Model:
    colorizer = run.load_colorizer().to(device)
    return Model(
        name=run.recipe.name,
        origin=run.weights,
        digest=run.recipe.digest(),
        recipe=run.recipe,
        rule=run.recipe.size,
        predict_ab=_on(device, colorizer),
        paint_rgb=_on(device, colorizer.paint_rgb),
    )
