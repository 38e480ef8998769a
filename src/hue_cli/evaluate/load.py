"""Models to score: by name, as ONNX file, or as the run folder of a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from hue_cli.color.space import Signal
from hue_cli.data import datasets
from hue_cli.errors import DeviceError, UsageError
from hue_cli.evaluate.painters import Floats, Network, Painter, RawPainter, UsedPainter
from hue_cli.infer.session import Device, open_session
from hue_cli.models.colorizer import Colorizer
from hue_cli.models.trained import RUN_FILE, WEIGHTS_FILE, TrainedRun, read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe, SizeRule
from hue_cli.recipes.stamps import is_stamp_of
from hue_cli.weights.hub_name import PREFIX
from hue_cli.weights.resolve import ModelFile, find_index, resolve_model

ONNX_FILE = "model.onnx"

Obtain = Callable[[str | None], ModelFile]
"""From a name or path, or None for the default model, to a model that is here."""

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
        recorded_on: the photographs that they were measured on; empty where the file does not say.
        gain: factor on its chroma as used, that stands beside its weights; None if it is in the file itself.
    """

    name: str
    origin: Path
    digest: str
    recipe: Recipe | None
    rule: SizeRule
    predict_ab: Network
    paint_rgb: Network | None = None
    recorded: Mapping[str, float] = field(default_factory=dict)
    recorded_on: str = ""
    gain: float | None = None

    def used_painter(self) -> Painter:
        """Return what paints as `hue colorize` does."""
        return UsedPainter(self.predict_ab, self.rule)

    @property
    def keeps_lightness(self) -> bool:
        """Whether the network paints a* and b* alone: its paper keeps the lightness too, so raw is as used."""
        return self.recipe is not None and self.recipe.space.paints.signal is Signal.AB

    def raw_painter(self) -> Painter | None:
        """Return what paints RGB as the paper scores it; None if there is no such thing, or no weights for it."""
        return RawPainter(self.paint_rgb, self.rule) if self.paint_rgb and not self.keeps_lightness else None


def find_device(wanted: str) -> torch.device:
    """Return torch's device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DeviceError: it is none of them, or torch cannot use it.
    """
    device = Device.parse(wanted)
    if device.kind == "cpu" or (device.kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    try:
        found = torch.device("cuda", device.number)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(
            f"--device {wanted}: torch {torch.__version__} cannot use it ({str(error).splitlines()[0]}). "
            "Use --device cpu, or install a torch build for your GPU: https://pytorch.org/get-started/locally/"
        ) from error
    return found


def _is_run(path: Path) -> bool:
    if path.is_dir():
        return (path / WEIGHTS_FILE).is_file() or (path / RUN_FILE).is_file()
    return path.suffix.lower() == ".safetensors"


def sort_out(more: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide bare words of the command line into models and photographs.

    Run folders, folders with a ``model.onnx``, ONNX files, released names and those of the hub are models; other paths
    that exist, and names of data sets, are photographs.

    Raises:
        UsageError: a word is neither.
    """
    models: list[str] = []
    photos: list[str] = []
    for word in more:
        path = Path(word)
        if _is_run(path) or (path / ONNX_FILE).is_file() or path.suffix.lower() == ".onnx":
            models.append(word)
        elif path.exists() or word in datasets.NAMES:
            photos.append(word)
        elif word in find_index().models or word in RECIPES or word.startswith(PREFIX):
            models.append(word)
        else:
            known = ", ".join(find_index().models) or "none yet"
            raise UsageError(
                f"{word!r} is neither a model nor a place with photographs. Models: {known}, "
                "an ONNX file or a run folder; photographs: a folder, a tar or a file that exists."
            )
    return models, photos


def load_models(
    wanted: Sequence[str], device: str, obtain: Obtain = resolve_model, *, size: int | None = None
) -> dict[str, Model]:
    """Load models to score side by side.

    Args:
        wanted: as :func:`load_model` takes them; empty for the default model.
        device: as ``--device`` takes it.
        obtain: likewise.
        size: short side for every network; None leaves each its own.

    Returns:
        By a name that is unique: the model's own, with its path where two share one.

    Raises:
        HueError: see :func:`load_model`.
    """
    asked: Sequence[str | None] = wanted or [None]
    loaded = {model.origin: model for model in (load_model(each, device, obtain) for each in asked)}
    shared = Counter(model.name for model in loaded.values())
    names = {
        path: model.name if shared[model.name] == 1 else f"{model.name} ({path})" for path, model in loaded.items()
    }
    return {
        names[path]: replace(model, rule=replace(model.rule, size=size)) if size else model
        for path, model in loaded.items()
    }


def load_model(wanted: str | None, device: str = "auto", obtain: Obtain = resolve_model) -> Model:
    """Find and load a model.

    Args:
        wanted: a released model's name, ``hf:ORG/REPO[@REV]``, an ONNX file, a folder with ``model.onnx``, a run
            folder, the weights in one, or None for the default model.
        device: as ``--device`` takes it.
        obtain: finds a model by name or path; by itself, one that is not here is an error.

    Raises:
        UnknownModelError: there is no model of this name, and nothing at this path.
        WeightsError: the ONNX file is not here, damaged or was not made by hue.
        CheckpointError: the run folder is incomplete or does not fit its recipe.
        DeviceError: the device cannot be used.
    """
    if wanted is not None and _is_run(Path(wanted)):
        return _from_run(read_run(Path(wanted)), find_device(device))
    inside = Path(wanted) / ONNX_FILE if wanted is not None else None
    return _from_onnx(obtain(str(inside) if inside and inside.is_file() else wanted), device)


class _TrainedNetwork:
    """A torch network whose two pictures, a*b* and RGB, come out of one pass over the same photographs."""

    def __init__(self, colorizer: Colorizer, device: torch.device) -> None:
        self._colorizer = colorizer.to(device)
        self._device = device
        self._seen: Floats | None = None
        self._painted: tuple[Floats, Floats]

    def predict_ab(self, lightness: Floats) -> Floats:
        return self._paint(lightness)[0]

    def paint_rgb(self, lightness: Floats) -> Floats:
        return self._paint(lightness)[1]

    @torch.inference_mode()
    def _paint(self, lightness: Floats) -> tuple[Floats, Floats]:
        if self._seen is None or not np.array_equal(self._seen, lightness):
            ab, rgb = self._colorizer.paint(torch.from_numpy(lightness).to(self._device))
            self._painted = ab.cpu().numpy(), rgb.cpu().numpy()
            self._seen = lightness
        return self._painted


def _from_run(run: TrainedRun, device: torch.device) -> Model:
    network = _TrainedNetwork(run.load_colorizer(), device)
    return Model(
        name=run.recipe.name,
        origin=run.weights,
        digest=run.recipe.digest(),
        recipe=run.recipe,
        rule=run.recipe.size,
        predict_ab=network.predict_ab,
        paint_rgb=network.paint_rgb,
        gain=run.gain,
    )


def _from_onnx(file: ModelFile, device: str) -> Model:
    session = open_session(file.read(), file.name, device)
    contract = session.contract
    weights = file.path.with_name(WEIGHTS_FILE)
    run = read_run(weights) if weights.is_file() else None
    # Weights beside the file paint its RGB, if they are of the same training.
    is_same = run is not None and is_stamp_of(run.recipe, contract.digest)
    return Model(
        name=file.name if file.weight else contract.recipe,
        origin=file.path,
        digest=contract.digest,
        recipe=RECIPES.get(contract.recipe),
        rule=SizeRule(size=contract.size, multiple_of=contract.multiple_of, minimum=contract.minimum),
        predict_ab=session.predict,
        paint_rgb=_from_run(run, find_device(device)).paint_rgb if run and is_same else None,
        recorded={
            name.removeprefix(RECORDED): float(value)
            for name, value in contract.metrics.items()
            if name.startswith(RECORDED)
        },
        recorded_on=contract.scored_on,
    )
