"""The Python API: what goes in comes out as the same kind, and as the command makes it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import hue_cli
from hue_cli import Colorizer
from hue_cli.cli.app import app
from hue_cli.errors import ImageError, UnknownModelError, UsageError
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.steps import Prepared, Steps

CAT = skimage.data.chelsea()[:80, :120]
GREY: NDArray[np.uint8] = np.asarray(Image.fromarray(CAT).convert("L"))


@pytest.fixture(scope="module")
def colorize(tiny_model: Path) -> Iterator[Colorizer]:
    with Colorizer(tiny_model, device="cpu") as colorizer:
        yield colorizer


def test_a_picture_an_array_and_a_file_get_the_same_colours_as_from_the_command(
    colorize: Colorizer, tiny_model: Path, tmp_path: Path
) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    assert CliRunner().invoke(app, ["colorize", str(tmp_path / "a.png"), "-m", str(tiny_model)]).exit_code == 0
    expected = np.asarray(Image.open(tmp_path / "a_color.png"))
    assert np.ptp(expected.astype(int), axis=2).mean() > 5

    picture = assert_type(colorize(Image.fromarray(GREY)), Image.Image)
    np.testing.assert_array_equal(np.asarray(picture), expected)
    np.testing.assert_array_equal(assert_type(colorize(GREY), NDArray[np.uint8]), expected)
    Image.fromarray(GREY).save(tmp_path / "b.png")
    path = assert_type(colorize(tmp_path / "b.png"), Path)
    assert path == tmp_path / "b_color.png"
    np.testing.assert_array_equal(np.asarray(Image.open(path)), expected)


def test_sixteen_bits_stay_sixteen(colorize: Colorizer) -> None:
    deep = GREY.astype(np.uint16) * 257
    found = colorize(deep)
    assert found.dtype == np.uint16
    assert np.abs((found / 257) - colorize(GREY)).max() < 0.6
    assert colorize(Image.fromarray(deep)).mode == "RGB"


def test_transparency_is_kept(colorize: Colorizer) -> None:
    alpha = np.arange(GREY.size, dtype=np.uint8).reshape(GREY.shape)
    rgba = np.dstack([CAT, alpha])
    np.testing.assert_array_equal(colorize(rgba)[..., 3], alpha)
    picture = colorize(Image.fromarray(rgba))
    assert picture.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(picture)[..., 3], alpha)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16"]
)
def test_pictures_of_every_mode(colorize: Colorizer, mode: str) -> None:
    base = Image.fromarray(GREY)
    via = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA", "HSV": "RGB", "LAB": "RGB", "I;16": "I"}.get(mode)
    picture = (
        base.convert(via).convert(mode) if via and mode != "LAB" else base.convert("RGB") if via else base.convert(mode)
    )
    found = colorize(picture)
    assert found.mode == ("RGBA" if mode in ("LA", "La", "PA", "RGBA", "RGBa") else "RGB")
    assert found.size == picture.size


def test_lists_are_batches_in_order(colorize: Colorizer) -> None:
    pictures = [Image.fromarray(GREY[: 20 + number % 3 * 30]) for number in range(11)]
    for picture, found in zip(pictures, colorize(pictures), strict=True):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(colorize(picture)))
    assert colorize([]) == []


@pytest.mark.parametrize("batch_size", [1, 4])
def test_pictures_of_a_list_go_side_by_side(tiny_model: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int) -> None:
    two = threading.Barrier(2, timeout=10)
    prepare = Steps.prepare

    def meet(steps: Steps, source: bytes, name: str) -> Prepared:
        two.wait()  # raises where a picture is alone
        return prepare(steps, source, name)

    monkeypatch.setattr("hue_cli.infer.colorizer.usable_cores", lambda: 2)
    with Colorizer(tiny_model, device="cpu", batch_size=batch_size) as colorizer:
        alone = [colorizer(GREY[:side]) for side in (20, 50)]
        monkeypatch.setattr(Steps, "prepare", meet)
        for found, expected in zip(colorizer([GREY[:20], GREY[:50]] * 4), alone * 4, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_long_list_is_not_read_before_the_network_sees_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    prepare, read = Steps.prepare, list[str | None]()

    def counted(self: Steps, source: Path | bytes, name: str | None = None) -> Prepared:
        read.append(name)
        return prepare(self, source, name)

    def fail(_steps: Steps, batch: list[Prepared]) -> list[ImageError]:
        time.sleep(0.1)
        return [ImageError("no") for _ in batch]

    monkeypatch.setattr(Steps, "prepare", counted)
    monkeypatch.setattr(Steps, "predict", fail)
    with Colorizer(tiny_model, device="cpu", batch_size=batch_size) as colorize, pytest.raises(ImageError, match="no"):
        colorize([GREY] * 400)
    assert len(read) <= 2 * (usable_cores() + batch_size) * (2 if batch_size > 1 else 1)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_of_a_list_the_first_that_fails_is_named(tiny_model: Path, batch_size: int) -> None:
    pictures: list[Any] = [GREY, GREY / 255, np.zeros((0, 3), np.uint8), GREY]
    colorizer = Colorizer(tiny_model, device="cpu", batch_size=batch_size)
    with colorizer, pytest.raises(TypeError, match="found float64"):
        colorizer(pictures)


def test_a_picture_may_be_in_a_list_twice(colorize: Colorizer, tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", dpi=(300, 300))
    with Image.open(tmp_path / "a.png") as picture:  # not decoded yet
        found = colorize([picture] * 8)
    for one in found:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(found[0]))
        assert one.info["dpi"] == found[0].info["dpi"]


def test_of_a_list_of_files_the_good_ones_are_done(colorize: Colorizer, tmp_path: Path) -> None:
    for name in ("a.png", "c.png"):
        Image.fromarray(GREY).save(tmp_path / name)
    (tmp_path / "b.png").write_text("a letter")
    with pytest.raises(ImageError, match=r"b\.png: expected a picture, found a text file"):
        colorize([tmp_path / name for name in ("a.png", "b.png", "c.png")])
    assert colorize([str(tmp_path / "c.png"), str(tmp_path / "a.png")]) == [
        tmp_path / "c_color.png",
        tmp_path / "a_color.png",
    ]
    (tmp_path / "c_color.png").unlink()
    with pytest.raises(ImageError, match=r"absent\.png: the file cannot be read"):
        colorize([tmp_path / "absent.png", tmp_path / "c.png"])
    assert (tmp_path / "c_color.png").exists()
    with pytest.raises(ImageError, match=r"\*\.png: the file cannot be read"):
        colorize(tmp_path / "*.png")
    with pytest.raises(UsageError, match="is a folder"):
        colorize(tmp_path)


def test_a_file_may_be_named_twice(colorize: Colorizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert colorize(["a.png", str(tmp_path / "a.png")]) == [Path("a_color.png")] * 2


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B"])
def test_sixteen_bits_in_either_byte_order(colorize: Colorizer, mode: str) -> None:
    deep = GREY.astype(">u2" if mode == "I;16B" else "<u2") * 257
    picture = Image.frombytes(mode, GREY.shape[::-1], deep.tobytes())
    np.testing.assert_array_equal(np.asarray(colorize(picture)), np.asarray(colorize(Image.fromarray(GREY))))


def test_a_shade_of_grey_that_is_transparent(colorize: Colorizer) -> None:
    picture = Image.fromarray(GREY)
    picture.info["transparency"] = int(GREY[0, 0])
    np.testing.assert_array_equal(np.asarray(colorize(picture))[..., 3] == 0, GREY[0, 0] == GREY)


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": 4096}, {"strength": -1}, {"strength": float("nan")}, {"batch_size": 0}]
)
def test_numbers_out_of_bounds_are_refused(tiny_model: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}=.*: expected "):
        Colorizer(tiny_model, **wrong)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (GREY / 255, TypeError, "expected an array of uint8 or uint16, found float64"),
        (np.zeros((2, 3, 2), np.uint8), ValueError, r"expected an array of shape .* found \(2, 3, 2\)"),
        (np.zeros((0, 3), np.uint8), ValueError, "expected an array of shape"),
        (7, TypeError, "expected a path, a picture of Pillow's, an array or a list of one of them, found int"),
        ([7], TypeError, "found int"),
    ],
)
def test_what_is_no_photograph_is_refused(
    colorize: Colorizer, wrong: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        colorize(wrong)  # type: ignore[call-overload]


def test_strength_size_and_the_end(tiny_model: Path) -> None:
    grey = Colorizer(tiny_model, device="cpu", strength=0, size=32)
    np.testing.assert_array_equal(grey(GREY), np.repeat(GREY[..., None], 3, axis=2))
    assert grey.device == "cpu"
    grey.close()
    with pytest.raises(UsageError, match="has been closed"):
        grey(GREY)
    with pytest.raises(UnknownModelError):
        Colorizer("nobody")


def test_it_is_imported_late_and_without_torch() -> None:
    program = (
        "import sys, hue_cli; print('numpy' in sys.modules, hue_cli.__version__)\n"
        "from hue_cli import Colorizer; Colorizer; print(*sorted({'torch', 'onnx', 'skimage'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["False", hue_cli.__version__]
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        hue_cli.Nothing  # noqa: B018
