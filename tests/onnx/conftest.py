"""Tiny networks of every family, traced once for all tests: tracing takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onnx
import pytest

from hue_cli.export.graph import trace
from hue_cli.models.trained import TrainedRun, read_run
from hue_cli.recipes import RECIPES
from hue_cli.recipes.schema import Recipe


@dataclass(frozen=True, slots=True)
class Traced:
    """A run and the graph of its network, not to be changed by anybody."""

    run: TrainedRun
    model: onnx.ModelProto

    def copy(self) -> onnx.ModelProto:
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        return model


@pytest.fixture(scope="session")
def traced(
    tmp_path_factory: pytest.TempPathFactory,
    tiny: Callable[[Recipe], Recipe],
    write_run: Callable[[Recipe, Path], Path],
) -> Callable[[str], Traced]:
    @cache
    def trace_once(name: str) -> Traced:
        run = read_run(write_run(tiny(RECIPES[name]), tmp_path_factory.mktemp(name) / "run"))
        return Traced(run, trace(run.load_colorizer(), run.recipe.size))

    return trace_once
