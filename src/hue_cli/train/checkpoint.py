"""A run on disk: the weights it leaves behind, and the state from which it goes on.

Both are safetensors: loading one runs no code. Files are written aside and renamed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from hue_cli.errors import CheckpointError
from hue_cli.images.write import replacing
from hue_cli.models.trained import RUN_FILE, WEIGHTS_FILE
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.stamps import is_stamp_of
from hue_cli.train.phases import Phase

# Names that models.trained, which reads a run folder back, has settled.
WEIGHTS = WEIGHTS_FILE
RUN = RUN_FILE
STATE = "state.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a run has come.

    Attributes:
        step: the next step's number, from 0.
        seconds: time spent in training so far.
        digest: of the recipe that the run trains.
        missed: photos of all steps' batches that a time budget had no time for; it ends with a part of a step.
    """

    step: int
    seconds: float
    digest: str
    missed: int = 0


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with replacing(path) as stream:
        stream.write(text.encode())


def _save(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    with replacing(path) as stream:
        stream.write(data)


def save_weights(folder: Path, network: nn.Module, digest: str) -> None:
    """Write ``weights.safetensors``: the network alone, as ``hue export`` wants it."""
    _save(network.state_dict(), folder / WEIGHTS, {"recipe_digest": digest})


def save_state(folder: Path, phases: Sequence[Phase], average: nn.Module, position: Position) -> None:
    """Write ``state.safetensors``: all that a run needs to go on exactly where it is."""
    tensors = {f"average.{name}": value for name, value in average.state_dict().items()}
    for phase in phases:
        prefix = _prefix(phase)
        tensors |= {f"{prefix}network.{name}": value for name, value in phase.network.state_dict().items()}
        for index, slots in phase.optimizer.state_dict()["state"].items():
            tensors |= {f"{prefix}optimizer.{index}.{slot}": torch.as_tensor(x) for slot, x in slots.items()}
    _save(tensors, folder / STATE, {"position": json.dumps(asdict(position))})


def load_state(folder: Path, phases: Sequence[Phase], average: nn.Module, recipe: Recipe) -> Position:
    """Fill networks, average and optimizers from ``state.safetensors`` and return where the run stands.

    Raises:
        CheckpointError: there is none, it is damaged, or it belongs to another recipe.
    """
    path = folder / STATE
    if not path.is_file():
        raise CheckpointError(f"{path}: expected the state of an interrupted run, found none. Train without --resume.")
    try:
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            position = Position(**json.loads(file.metadata()["position"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if not is_stamp_of(recipe, position.digest):
        raise CheckpointError(
            f"{path}: the state is of a recipe with digest {position.digest[:12]}, the {RUN} beside it of one with "
            f"{recipe.digest()[:12]}: the two are of different runs. Train afresh into another folder."
        )
    try:
        average.load_state_dict(_take(tensors, "average."))
        for phase in phases:
            phase.network.load_state_dict(_take(tensors, f"{_prefix(phase)}network."))
            _fill(phase.optimizer, _take(tensors, f"{_prefix(phase)}optimizer."))
    except (RuntimeError, LookupError, ValueError) as error:
        raise _damaged(path, error) from error
    if tensors:
        raise _damaged(path, LookupError(f"unknown tensor {min(tensors)}"))
    return position


def _prefix(phase: Phase) -> str:
    return f"{phase.name}." if phase.name else ""


def _take(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take the tensors whose names begin with ``prefix`` out of ``tensors``, without it."""
    return {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return CheckpointError(f"{path}: the state is damaged ({reason}). Train afresh into another folder.")


def _fill(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, slot = key.partition(".")
        slots.setdefault(int(index), {})[slot] = _laid_out_like(parameters[int(index)], tensor)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def _laid_out_like(parameter: Tensor, slot: Tensor) -> Tensor:
    """Give a moment the strides of its parameter, channels-last included: the fast kernels refuse others."""
    if slot.shape != parameter.shape:
        return slot
    return torch.empty_like(parameter, dtype=slot.dtype, device=slot.device, requires_grad=False).copy_(slot)
