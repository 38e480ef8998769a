"""The simulation of large runs: its limits are known by hand."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "simulate_scale.py"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_scale", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_scale"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ideal(scale: ModuleType) -> object:
    """Nothing but work: no start, no limits, no failures."""
    return scale.Model(seconds=0.1, spread=0.01, together=10, start=0, listed=1e9, driver=0, slow=0, failures=0)


def test_without_hindrance_workers_share_the_work(scale: ModuleType, ideal: object) -> None:
    found = scale.simulate(ideal, 10_000, 10)
    assert found.seconds == pytest.approx(100, rel=0.02)
    assert found.efficiency == pytest.approx(1, abs=0.02)
    assert (found.failures, found.lost) == (0, 0)


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        ({"listed": 50.0}, 200),
        ({"driver": 0.2}, 200),
        ({"start": 100.0}, 200),
        ({"slow": 1.0, "slowness": 2.0}, 200),
    ],
    ids=["listing", "driver", "start", "slow"],
)
def test_each_limit_is_one(scale: ModuleType, ideal: object, change: dict[str, float], seconds: float) -> None:
    model = replace(ideal, **change)  # type: ignore[type-var]
    assert scale.simulate(model, 10_000, 10).seconds == pytest.approx(seconds, rel=0.05)


def test_failures_cost_what_they_lose(scale: ModuleType, ideal: object) -> None:
    """A worker that fails ten times an hour and comes back after a minute is there five sixths of the time."""
    model = replace(ideal, failures=12.0, replace=60.0, notice=5.0)  # type: ignore[type-var]
    found = scale.simulate(model, 400_000, 10, seed=3)
    assert found.failures > 100
    assert found.lost == 10 * found.failures
    assert 0.8 < found.efficiency < 0.86


def test_the_same_seed_is_the_same_run(scale: ModuleType) -> None:
    model = scale.Model(failures=1.0)
    assert scale.simulate(model, 50_000, 30, seed=1) == scale.simulate(model, 50_000, 30, seed=1)
    assert scale.simulate(model, 50_000, 30, seed=1) != scale.simulate(model, 50_000, 30, seed=2)
