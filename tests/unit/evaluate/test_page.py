"""The page of a scoring: what is in it, and what hostile names cannot do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hue_cli.errors import ImageError
from hue_cli.evaluate.load import Model, load_models
from hue_cli.evaluate.outputs import find_outputs
from hue_cli.evaluate.page import shelf as shelf_module
from hue_cli.evaluate.page.shelf import BUDGET, SIDES, Shelf, side_for
from hue_cli.evaluate.page.write import write_page
from hue_cli.evaluate.protocol import Batch
from hue_cli.evaluate.run import evaluate
from hue_cli.evaluate.sources import choose_source
from hue_cli.metrics.catalogue import select_metrics

HOSTILE = "</script><img src=x onerror=alert(1)> & 'quo\"te' \u2028.png"


@pytest.fixture
def models(tmp_path: Path, write_onnx: Callable[..., Path]) -> dict[str, Model]:
    return load_models([str(write_onnx(tmp_path / "m.onnx"))], "cpu")


def page_of(models: dict[str, Model], photos: Path, path: Path, *outputs: Path) -> str:
    source = choose_source([str(photos)])
    folders = find_outputs([str(folder) for folder in outputs])
    with Shelf(30) as shelf:
        chosen = select_metrics(["psnr", "hue-coverage", "msssim"])
        result = evaluate(models, source, chosen, outputs=folders, onlookers=[shelf], batch_size=2)
        write_page(result, shelf, path)
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    return data


def pictures_of(page: str) -> list[list[str]]:
    return [text.split(",") for text in re.findall(r'<script type="text/plain" id="photo-\d+">(.*?)</script>', page)]


def test_every_picture_of_every_row_is_in_it(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    page = page_of(models, photos, tmp_path / "out" / "report.html", photos)
    data = data_of(page)
    assert [row["label"] for row in data["rows"] if row["single"]] == ["truth", "grey", "residual", photos.name]
    assert data["names"] == [path.relative_to(photos).as_posix() for path in sorted(photos.rglob("*.png"))]
    assert data["pictures"]["index"] == {str(index): index for index in range(5)}
    pictures = pictures_of(page)
    assert [len(each) for each in pictures] == [4] * 5
    for name, (truth, grey, *_) in zip(data["names"], pictures, strict=True):
        with Image.open(photos / name) as original:
            expected = np.asarray(original.convert("RGB")).astype(int)
        shown, pale = (np.asarray(Image.open(BytesIO(base64.b64decode(text))).convert("RGB")) for text in (truth, grey))
        assert np.abs(shown - expected).mean() < 12
        assert np.ptp(pale.astype(int), axis=2).mean() < 3
    model = next(row for row in data["rows"] if row["label"] == "residual")
    assert np.mean(model["single"]["psnr"]) == pytest.approx(model["scores"]["psnr"], rel=1e-4)
    # The table rounds once, as it does elsewhere; only the figures of single photographs are shortened.
    assert len(repr(model["scores"]["psnr"])) > len(repr(model["single"]["psnr"][0]))
    assert "hue-coverage" not in model["single"]
    assert data["differences"][0]["label"] == f"{photos.name} − residual"
    assert "Pictures of all of them" in data["facts"]


def test_nothing_comes_from_elsewhere(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    page = page_of(models, photos, tmp_path / "report.html")
    shell = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", shell)
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_hostile_names_stay_text(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "$data <b>&photos"
    folder.mkdir()
    (folder / HOSTILE.replace("/", "\u2215")).write_bytes((photos / "coffee.png").read_bytes())
    page = page_of(models, folder, tmp_path / "report.html")
    assert "<img src=x" not in page
    assert "<b>" not in page
    assert data_of(page)["names"] == [HOSTILE.replace("/", "\u2215")]


def test_missing_pictures_leave_a_gap(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "coffee.png").write_bytes((photos / "coffee.png").read_bytes())
    page = page_of(models, photos, tmp_path / "report.html", made)
    data = data_of(page)
    found = {name: each[3] != "" for name, each in zip(data["names"], pictures_of(page), strict=True)}
    assert [name for name, there in found.items() if there] == ["coffee.png"]
    single = next(row for row in data["rows"] if row["label"] == "made")["single"]["psnr"]
    assert [value is None for value in single] == [not there for there in found.values()]


def test_more_pictures_are_smaller() -> None:
    sides = [side_for(pictures) for pictures in (1, 1000, 4000, 8000, 100_000)]
    assert sides == sorted(sides, reverse=True)
    assert (sides[0], sides[-1]) == (SIDES[1], SIDES[0])
    assert 4000 * 0.2 * 1.35 * side_for(4000) ** 2 < 1.15 * BUDGET


def test_pictures_beyond_the_budget_are_the_dull_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    with Shelf(100) as shelf:
        for index in range(60):
            batch = Batch((f"{index}.png",), random.integers(0, 256, (1, 40, 40, 3), np.uint8), (index,))
            for row in ("truth", "model"):
                shelf.see(row, batch, tuple(batch.pixels))
        psnr = np.arange(60.0)
        assert shelf.worth_showing(60, [psnr]) == list(range(60))
        monkeypatch.setattr(shelf_module, "BUDGET", sum(map(shelf.size, range(30))))
        shown = shelf.worth_showing(60, [psnr], most=5)
        assert 25 <= len(shown) <= 31
        assert {*range(5), *range(55, 60)} <= {*shown}
        assert max(np.diff(shown)) < 8


def test_a_page_that_cannot_be_written(models: dict[str, Model], photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ImageError, match="report"):
        page_of(models, photos, tmp_path / "file" / "report.html")
