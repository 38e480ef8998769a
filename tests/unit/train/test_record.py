"""What a run writes for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from hue_cli.train.record import Record, command, versions


def rows(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_rows_curve_and_events_agree(tmp_path: Path) -> None:
    with Record(tmp_path, since=0) as record:
        record.add(10, "colour", {"loss/mse": 0.5, "val/psnr": 20.0})
        record.add(20, "grey", {"loss/mse": 0.25})
        record.draw_curve()
    assert rows(tmp_path) == [
        {"step": 10, "stage": "colour", "loss/mse": 0.5, "val/psnr": 20.0},
        {"step": 20, "stage": "grey", "loss/mse": 0.25},
    ]
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss/mse")] == [(10, 0.5), (20, 0.25)]
    with Image.open(tmp_path / "curve.png") as curve:
        curve.load()
        assert curve.size == (810, 396)


def test_no_rows_draw_no_curve(tmp_path: Path) -> None:
    with Record(tmp_path, since=0) as record:
        record.draw_curve()
    assert not (tmp_path / "curve.png").exists()


def test_a_resumed_run_drops_what_it_will_write_again(tmp_path: Path) -> None:
    with Record(tmp_path, since=0) as record:
        for step in (10, 20, 30):
            record.add(step, "grey", {"loss": 1.0})
    with Record(tmp_path, since=20) as record:
        assert [row["step"] for row in rows(tmp_path)] == [10, 20]
        record.add(30, "grey", {"loss": 2.0})
    assert rows(tmp_path)[-1] == {"step": 30, "stage": "grey", "loss": 2.0}
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(10, 1.0), (20, 1.0), (30, 2.0)]


@pytest.mark.parametrize("tail", ['{"step": 20, "sta', "\x00\x00\x00", "7\n"])
def test_half_a_line_of_a_killed_run_is_dropped(tmp_path: Path, tail: str) -> None:
    with Record(tmp_path, since=0) as record:
        record.add(10, "grey", {"loss": 1.0})
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write(tail)
    with Record(tmp_path, since=100) as record:
        record.add(110, "grey", {"loss": 1.0})
    assert [row["step"] for row in rows(tmp_path)] == [10, 110]


def test_what_results_hang_on_is_named() -> None:
    assert {"hue", "python", "platform", "torch", "numpy", "pillow", "safetensors"} <= versions().keys()
    assert command()[0] == "hue"
