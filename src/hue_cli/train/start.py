"""What a network begins with: the weights of another run, or those of its encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from hue_cli.errors import CheckpointError, UsageError
from hue_cli.models.encoders.pretrained import AUTO, NONE, Say, load_encoder, resume_encoder
from hue_cli.models.trained import RUN_FILE, WEIGHTS_FILE, read_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a network began with, for the run's record.

    Attributes:
        encoder_weights: in words.
        init: the weights it began with, if they were another run's: path, sha256 and, where a record lies beside
            them, recipe, digest and steps.
    """

    encoder_weights: str
    init: Mapping[str, Any] | None = None


def start(network: nn.Module, init: str | None, encoder_weights: str, *, say: Say, warn: Say) -> Start:
    """Fill a fresh network with what it begins with.

    Args:
        network: on the CPU.
        init: run folder or safetensors file of the same network; None to begin afresh.
        encoder_weights: as :func:`hue_cli.models.encoders.pretrained.load_encoder` takes it.
        say: told what is fetched from where.
        warn: told what could not be had.

    Raises:
        UsageError: both were given, or ``init`` is an ONNX file or a name.
        CheckpointError: the weights are missing, damaged or of another network.
        WeightsError: the encoder's weights cannot be had.
    """
    if init is None:
        return Start(encoder_weights=load_encoder(network, encoder_weights, say=say, warn=warn))
    if encoder_weights != AUTO:
        raise UsageError(
            f"--encoder-weights {encoder_weights}: the encoder begins with what --init has. Leave one of the two out."
        )
    facts, path = _find(init)
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: expected weights as `hue train` writes them, found none ({error}).") from error
    except RuntimeError as error:
        whose = f"those of recipe {facts['recipe']['name']!r}" if facts else "others"
        what = " ".join(str(error).split())
        raise CheckpointError(
            f"--init {init}: expected weights of the very network that is to be trained, found {whose}: {what:.300}"
        ) from error
    origin: dict[str, Any] = {"weights": init, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    if facts:
        origin |= {"recipe": facts["recipe"]["name"], "digest": facts["digest"], "steps": facts.get("steps")}
    return Start(encoder_weights=resume_encoder(network, facts.get("encoder_weights", "those of --init")), init=origin)


def resume(network: nn.Module, record: Mapping[str, Any]) -> Start:
    """Make a network ready for the state of an interrupted run, and return what that run began with.

    Args:
        network: as built.
        record: the run's.
    """
    return Start(encoder_weights=resume_encoder(network, record.get("encoder_weights", NONE)), init=record.get("init"))


def _find(init: str) -> tuple[Mapping[str, Any], Path]:
    """Return the record of a run, empty where weights lie alone, and the file of its weights."""
    path = Path(init)
    if not path.exists() or path.suffix.lower() == ".onnx":
        raise UsageError(
            f"--init {init}: expected a run folder of `hue train` or its {WEIGHTS_FILE}. ONNX files and released "
            "models have no weights to train on: batch norms are folded into them."
        )
    if path.is_file() and not path.with_name(RUN_FILE).is_file():
        return {}, path
    run = read_run(path)
    return run.facts, run.weights
