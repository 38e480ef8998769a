"""A trained network out of its run folder: strict, and without pickles.

A run folder has ``weights.safetensors``, the state of the network with the recipe's digest in its metadata,
and ``run.json`` with at least ``recipe`` (:meth:`hue_cli.recipes.schema.Recipe.to_dict`) and ``digest``; what
else it says about the training (``command``, ``versions``, ``seed``, ``dataset``, ``photos``, ``metrics``) is
kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from hue_cli.errors import CheckpointError
from hue_cli.models.build import build_network
from hue_cli.models.colorizer import Colorizer
from hue_cli.recipes.parse import parse_recipe
from hue_cli.recipes.schema import Recipe
from hue_cli.recipes.stamps import is_stamp_of

WEIGHTS_FILE = "weights.safetensors"
RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What a run folder holds.

    Attributes:
        weights: path of the safetensors file.
        recipe: the recipe as it was trained, options of the command line included.
        facts: the whole of ``run.json``.
    """

    weights: Path
    recipe: Recipe
    facts: Mapping[str, Any]

    @property
    def training_data(self) -> str:
        """What it was trained on, in a sentence; empty if the run does not say."""
        dataset, photos = self.facts.get("dataset"), self.facts.get("photos")
        if not dataset:
            return ""
        count = photos.get("train") if isinstance(photos, Mapping) else None
        return f"{count:,} photos of {dataset}" if isinstance(count, int) else str(dataset)

    @property
    def gain(self) -> float:
        """Factor on a* and b* that was chosen for it when its training ended."""
        calibration = self.facts.get("calibration")
        chosen = calibration.get("gain") if isinstance(calibration, Mapping) else None
        return float(chosen) if isinstance(chosen, int | float) else 1.0

    def load_colorizer(self) -> Colorizer:
        """Return the network with its trained weights, on the CPU, in evaluation mode.

        Raises:
            CheckpointError: the weights are damaged, or not exactly those of the recipe's network.
        """
        network = build_network(self.recipe.net)
        try:
            network.load_state_dict(load_file(self.weights))
        except (SafetensorError, OSError) as error:
            raise _unreadable(self.weights, error) from error
        except RuntimeError as error:
            what = " ".join(str(error).split())
            raise CheckpointError(
                f"{self.weights}: the weights are not those of recipe {self.recipe.name!r}, which stands in the "
                f"{RUN_FILE} beside them: {what:.300}"
            ) from error
        return Colorizer(network, self.recipe.space, self.gain).eval()


def read_run(path: Path) -> TrainedRun:
    """Read a run folder, or a safetensors file that has its ``run.json`` beside it.

    Raises:
        CheckpointError: something is missing or damaged, or the weights are of another run than the record.
    """
    weights = path / WEIGHTS_FILE if path.is_dir() else path
    if not weights.is_file():
        expected = f"no {WEIGHTS_FILE} in it" if path.is_dir() else "no such run folder or file"
        raise CheckpointError(f"{path}: {expected}. `hue train` writes one to its --output folder.")
    record = weights.parent / RUN_FILE
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        recipe = parse_recipe(facts["recipe"])
        digest = facts["digest"]
    except FileNotFoundError:
        raise CheckpointError(
            f"{record}: missing; it says which network the weights beside it belong to. "
            "Name the folder that `hue train` wrote."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise CheckpointError(f"{record}: not the record of a run ({what}).") from error
    trained = _digest_in(weights)
    if trained != digest and not all(is_stamp_of(recipe, each) for each in (trained, digest)):
        raise CheckpointError(
            f"{weights}: made by a training with recipe digest {str(trained)[:12]}, but the {RUN_FILE} beside it says "
            f"{str(digest)[:12]}: the two are of different runs. Put back the pair that `hue train` wrote."
        )
    return TrainedRun(weights=weights, recipe=recipe, facts=facts)


def _digest_in(weights: Path) -> str | None:
    """Return the digest of the recipe that the weights were trained with, out of their own metadata."""
    try:
        with safe_open(weights, "pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _unreadable(weights, error) from error
    return metadata.get("recipe_digest")


def _unreadable(weights: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{weights}: not a readable safetensors file ({error}). "
        "Was the run interrupted? Finish it with: hue train … --resume"
    )
