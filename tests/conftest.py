"""What several rooms' tests need: tiny networks in run folders as ``hue train`` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hue_cli.recipes.schema import Recipe, SizeRule

WriteRun = Callable[[Recipe, Path], Path]


def shrink(recipe: Recipe) -> Recipe:
    """The same system with a network of two halvings and a few channels: small enough for a test."""
    net = replace(recipe.net, widths=(4, 6), top=4)
    return replace(recipe, net=net, size=SizeRule(size=20, multiple_of=4, minimum=4))


@pytest.fixture(scope="session")
def tiny() -> Callable[[Recipe], Recipe]:
    return shrink


@pytest.fixture(scope="session")
def write_run() -> WriteRun:
    """Writes a run folder whose network has random weights, paints strong colours and has seen statistics."""

    def write(recipe: Recipe, folder: Path) -> Path:
        import torch
        from safetensors.torch import save_file

        from hue_cli.models.build import build_network
        from hue_cli.models.colorizer import Colorizer

        with torch.random.fork_rng():
            torch.manual_seed(7)
            network = build_network(recipe.net)
            assert isinstance(network, torch.nn.Sequential)
            lightness = torch.rand(4, 1, 32, 32) * 100
            colorizer = Colorizer(network, recipe.space).train()
            with torch.no_grad():
                for _ in range(20):
                    colorizer(lightness)
                *body, last, _sigmoid = network.eval()
                features = torch.nn.Sequential(*body)(colorizer.see(lightness))
                last.weight *= 2 / last(features).std()
        folder.mkdir(parents=True)
        save_file(network.state_dict(), folder / "weights.safetensors")
        facts = {
            "recipe": recipe.to_dict(),
            "digest": recipe.digest(),
            "command": ["hue", "train", "--model", recipe.name, "--dataset", "photos.tar"],
            "versions": {"hue": "0.1.0", "torch": "2.15.0"},
            "seed": 0,
            "dataset": "photos.tar",
            "photos": {"train": 1200, "val": 12},
            "finished": True,
            "metrics": {"msssim": 0.9},
        }
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    return write
