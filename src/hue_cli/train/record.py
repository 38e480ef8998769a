"""What a run writes for people: its description, its curve and its pictures."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from hue_cli import __version__
from hue_cli.data.photo_set import Photos
from hue_cli.images.write import replacing
from hue_cli.models.colorizer import Colorizer
from hue_cli.train.checkpoint import write_text
from hue_cli.train.validate import paint

HISTORY = "history.jsonl"
Row = dict[str, Any]
"""``step`` (int), ``stage`` (its name), and figures by name."""
_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


def versions() -> dict[str, str]:
    """Versions of everything that a result may hang on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"hue": __version__, "python": platform.python_version(), "platform": platform.platform(), **found}


def command(processes: int = 1) -> list[str]:
    """The command line, program name first, as it can be typed again."""
    if processes > 1:
        return ["torchrun", "--nproc-per-node", str(processes), "-m", "hue_cli", *sys.argv[1:]]
    return ["hue", *sys.argv[1:]]


class Record:
    """The run folder's growing part: ``history.jsonl``, TensorBoard events, ``curve.png``, ``samples/``."""

    def __init__(self, folder: Path, *, since: int) -> None:
        """Open the record; what an interrupted run wrote after step ``since`` is dropped."""
        self.folder = folder
        self._rows = [row for row in _read_history(folder) if row["step"] <= since]
        write_text(folder / HISTORY, "".join(json.dumps(row) + "\n" for row in self._rows))
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=since + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close()

    def add(self, step: int, stage: str, figures: Mapping[str, float]) -> None:
        """Append one row: the step, the stage's name and its figures."""
        row: Row = {"step": step, "stage": stage, **figures}
        self._rows.append(row)
        with (self.folder / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)

    def draw_curve(self) -> None:
        """Write ``curve.png``: each figure over the steps, a dashed line where a stage ends."""
        from matplotlib.figure import Figure

        names = sorted({name for row in self._rows for name in row} - {"step", "stage"})
        if not names:
            return
        height = 2.2 * len(names)
        figure = Figure(figsize=(9, height))
        # By hand: the automatic layouts take longer than all the rest.
        figure.subplots_adjust(left=0.1, right=0.98, bottom=0.5 / height, top=1 - 0.2 / height, hspace=0.1)
        for axes, name in zip(np.atleast_1d(figure.subplots(len(names), 1, sharex=True)), names, strict=True):
            rows = [row for row in self._rows if name in row]
            axes.plot([row["step"] for row in rows], [row[name] for row in rows], marker=".", linewidth=1)
            axes.set_ylabel(name)
            axes.grid(visible=True, alpha=0.3)
            for before, after in zip(self._rows, self._rows[1:], strict=False):
                if before["stage"] != after["stage"]:
                    axes.axvline(before["step"], color="grey", linestyle="--", linewidth=0.8)
            axes.margins(x=0)
        axes.set_xlabel("step")
        with replacing(self.folder / "curve.png") as stream:
            figure.savefig(stream, dpi=90, format="png")

    def save_samples(self, name: str, colorizer: Colorizer, photos: Photos, size: int) -> Path:
        """Write ``samples/NAME.png``: see :func:`draw_samples`."""
        path = self.folder / "samples" / f"{name}.png"
        draw_samples(path, colorizer, photos, size)
        return path


def draw_samples(path: Path, colorizer: Colorizer, photos: Photos, size: int, limit: int = 8) -> None:
    """Write a PNG with a row for each of the first photos: grey, as used, as the network painted it, truth."""
    rows = []
    for batch in paint(colorizer, photos, size, limit=limit):
        columns = torch.stack([batch.grey, batch.used, batch.raw, batch.truth], dim=1)
        rows += [torch.cat(list(row), dim=2) for row in columns]
    grid = torch.cat(rows, dim=1).permute(1, 2, 0).mul(255).round().byte().cpu().numpy()
    with replacing(path) as stream:
        Image.fromarray(grid).save(stream, "PNG")


def _read_history(folder: Path) -> list[Row]:
    path = folder / HISTORY
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            # A run that was killed while it wrote leaves half a line; the state decides where it goes on.
            break
        rows.append(row)
    return rows
