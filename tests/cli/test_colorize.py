"""``hue colorize`` as users call it, on real files of every kind."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.read import read_photo
from hue_cli.infer.contract import Contract

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


def hue(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def run_hue(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The real program in a process of its own."""
    return subprocess.run(command(*arguments), capture_output=True, timeout=120, check=False, **options)  # type: ignore[call-overload, no-any-return]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "hue_cli", *map(str, arguments)]


@pytest.fixture(scope="module", autouse=True)
def source_on_path() -> Iterator[None]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "src"), before]))
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def cat(height: int = 80, width: int = 120) -> Image.Image:
    """A grey photograph in RGB."""
    return Image.fromarray(skimage.data.chelsea()[:height, :width]).convert("L").convert("RGB")


def format_of(source: Path | io.BytesIO) -> str | None:
    with Image.open(source) as image:
        return image.format


def bytes_of(image: Image.Image, image_format: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, image_format)
    return stream.getvalue()


def judged_folder(folder: Path) -> tuple[set[str], set[str]]:
    """Fill a folder with what users have; return the names of the good files and of the bad ones."""
    folder.mkdir()
    grey = cat().convert("L")
    grey.save(folder / "фото №1 (копия).jpg", quality=95)
    cat().convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257 + 3).save(folder / "deep.png")
    alpha = Image.linear_gradient("L").resize(grey.size)
    Image.merge("RGBA", (grey, grey, grey, alpha)).save(folder / "alpha.png")
    grey.convert("P").save(folder / "palette.gif")
    grey.save(folder / "scan.tif", compression="tiff_lzw", dpi=(600, 600))
    exif = Image.Exif()
    exif[0x0112] = 6
    grey.save(folder / "rotated.jpg", exif=exif, quality=95)
    Image.new("L", (1, 1), 119).save(folder / "one pixel.png")
    good = {path.name for path in folder.iterdir()}

    (folder / "empty.jpg").write_bytes(b"")
    whole = bytes_of(grey, "JPEG")
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "letter.jpg").write_text("Dear Anna,\nhere are the photographs.\n", encoding="utf-8")
    bad = {path.name for path in folder.iterdir()} - good
    (folder / "notes.txt").write_text("not a picture, and nobody says it is")
    return good, bad


def expected_lightness(path: Path) -> np.ndarray:
    """L* of a file as Pillow and scikit-image see it, upright."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            return np.asarray(skimage.color.rgb2lab(np.repeat(np.asarray(image)[..., None] / 65535, 3, axis=2)))[..., 0]
        return np.asarray(skimage.color.rgb2lab(np.asarray(image.convert("RGB"))))[..., 0]


def test_a_folder_of_odd_files(tmp_path: Path, tiny_model: Path) -> None:
    """The folder that the issue names: good files come out right, bad ones are named, the exit code is 1."""
    good, bad = judged_folder(tmp_path / "old")
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}

    found = hue("colorize", tmp_path / "old", "-m", tiny_model)

    assert found.exit_code == 1, found.output
    new = tmp_path / "old_color"
    written = {path.name for path in new.iterdir()}
    assert written == {name.replace(".gif", ".png") for name in good}
    for name in bad:
        assert f"{tmp_path / 'old' / name}: " in found.stderr
    assert "Colorized 8 photographs" in found.stdout
    assert "3 failed." in found.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    for name in good:
        check_result(tmp_path / "old" / name, new / name.replace(".gif", ".png"))
    with Image.open(new / "alpha.png") as image:
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(
            np.asarray(image)[..., 3], np.asarray(Image.open(tmp_path / "old/alpha.png"))[..., 3]
        )
    with Image.open(new / "scan.tif") as image:
        assert (image.info["dpi"], image.info["compression"]) == ((600, 600), "tiff_lzw")
    assert read_photo(new / "deep.png").depth == 16
    with Image.open(new / "rotated.jpg") as image:
        assert image.size == (80, 120)
        assert image.getexif().get(0x0112) is None


def check_result(source: Path, result: Path) -> None:
    """Size, orientation, format, colour and lightness of one result."""
    expected = expected_lightness(source)
    with Image.open(source) as old, Image.open(result) as new:
        assert new.format == ("PNG" if old.format == "GIF" else old.format)
        assert new.mode in ("RGB", "RGBA")
        assert (new.height, new.width) == expected.shape
    lossy = result.suffix == ".jpg"
    difference = np.abs(grey_to_lightness(read_photo(result).grey) - expected)
    assert difference.mean() < (0.7 if lossy else 0.2), source.name
    assert difference.max() < (12 if lossy else 0.5), source.name
    rgb = np.asarray(Image.open(result).convert("RGB")).astype(int)
    assert np.ptp(rgb, axis=2).mean() > 5, f"{source.name} has no colour"


def test_the_next_run_skips_what_is_done_and_says_so(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("a.png", "b.png"):
        cat().convert("L").save(tmp_path / "old" / name)
    assert hue("colorize", tmp_path / "old", "-m", tiny_model).exit_code == 0
    (tmp_path / "old_color" / "a.png").unlink()
    stamp = (tmp_path / "old_color" / "b.png").stat().st_mtime_ns

    found = hue("colorize", tmp_path / "old", "-m", tiny_model)

    assert found.exit_code == 0
    assert "Colorized 1 photograph " in found.stdout
    assert f"Skipped 1 whose result is there already: {tmp_path / 'old_color' / 'b.png'} (--overwrite" in found.stdout
    assert (tmp_path / "old_color" / "b.png").stat().st_mtime_ns == stamp
    again = hue("colorize", tmp_path / "old", "-m", tiny_model, "--overwrite")
    assert "Colorized 2 photographs" in again.stdout
    assert (tmp_path / "old_color" / "b.png").stat().st_mtime_ns > stamp


def test_results_of_another_model_are_told(
    tmp_path: Path, tiny_model: Path, make_tiny_model: Callable[..., bytes]
) -> None:
    (tmp_path / "old").mkdir()
    for name in ("a.png", "b.jpg", "c.tif", "d.bmp"):
        cat().convert("L").save(tmp_path / "old" / name)
    other = tmp_path / "other.onnx"
    other.write_bytes(make_tiny_model(Contract(recipe="other", digest="1" * 64, size=64, multiple_of=16, minimum=16)))
    assert hue("colorize", tmp_path / "old", "-m", other).exit_code == 0
    found = hue("colorize", tmp_path / "old", "-m", tiny_model)
    assert "3 of the skipped were made with another model" in found.stderr  # a BMP cannot say
    assert "another model" not in hue("colorize", tmp_path / "old", "-m", other).stderr


def test_json_is_one_object_a_line_with_a_summary(tmp_path: Path, tiny_model: Path) -> None:
    judged_folder(tmp_path / "old")
    found = hue("colorize", tmp_path / "old", "-m", tiny_model, "--json")
    *rows, last = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.exit_code == 1
    assert len(rows) == 11
    assert {row["status"] for row in rows} == {"done", "failed"}
    name = next(row for row in rows if "фото" in row["source"])
    assert (name["height"], name["width"], name["message"]) == (80, 120, "")
    assert last["summary"] | {"seconds": 0} == {
        "done": 8, "planned": 0, "skipped": 0, "failed": 3, "ignored": 1, "seconds": 0,
    }  # fmt: skip


def test_dry_run_writes_nothing(tmp_path: Path, tiny_model: Path) -> None:
    cat().save(tmp_path / "a.jpg")
    found = hue("colorize", tmp_path / "a.jpg", "--dry-run", "-m", tiny_model)
    assert found.exit_code == 0
    assert f"{tmp_path / 'a.jpg'} → {tmp_path / 'a_color.jpg'}" in found.stdout
    assert "Would colorize 1 photograph." in found.stdout
    assert [found.name for found in tmp_path.iterdir()] == ["a.jpg"]


def test_formats_quality_suffix_and_comparison(tmp_path: Path, tiny_model: Path) -> None:
    cat().save(tmp_path / "a.png")
    options = ("-m", tiny_model, "--suffix", "-new")
    assert hue("colorize", tmp_path / "a.png", *options, "--format", "jpg", "-q", "30", "--compare").exit_code == 0
    with Image.open(tmp_path / "a-new.jpg") as image, Image.open(tmp_path / "a-new_compare.jpg") as both:
        assert image.format == both.format == "JPEG"
        assert (both.width, both.height) == (2 * image.width, image.height)
    small = (tmp_path / "a-new.jpg").stat().st_size
    hue("colorize", tmp_path / "a.png", *options, "--format", "jpg", "-q", "98", "--overwrite")
    assert (tmp_path / "a-new.jpg").stat().st_size > 2 * small
    for name, expected in (("webp", "WEBP"), ("tiff", "TIFF"), ("png", "PNG")):
        assert (
            hue("colorize", tmp_path / "a.png", "-o", tmp_path / name, "-m", tiny_model, "--format", name).exit_code
            == 0
        )
        (path,) = (tmp_path / name).iterdir()
        assert format_of(path) == expected


def test_what_a_format_cannot_hold_is_a_warning(tmp_path: Path, tiny_model: Path) -> None:
    judged_folder(tmp_path / "old")
    files = [tmp_path / "old" / name for name in ("deep.png", "alpha.png")]
    found = hue("colorize", *files, "-o", tmp_path / "new", "-m", tiny_model, "--format", "jpg")
    assert found.exit_code == 0
    assert "has 16 bits a channel; JPEG holds 8" in found.stderr
    assert "transparent in parts; JPEG shows white" in found.stderr


def test_strength_zero_is_grey(tmp_path: Path, tiny_model: Path) -> None:
    cat().convert("L").save(tmp_path / "a.png")
    hue("colorize", tmp_path / "a.png", "-m", tiny_model, "--strength", "0")
    rgb = np.asarray(Image.open(tmp_path / "a_color.png"))
    np.testing.assert_array_equal(rgb, np.repeat(np.asarray(cat().convert("L"))[..., None], 3, axis=2))


def test_pictures_of_too_many_pixels_are_refused_with_the_way_round(tmp_path: Path, tiny_model: Path) -> None:
    cat().convert("L").save(tmp_path / "a.png")
    found = hue("colorize", tmp_path / "a.png", "-m", tiny_model, "--max-pixels", "9599")
    assert found.exit_code == 1
    assert "120×80 are 9,600 pixels, more than the 9,599 that" in found.stderr
    assert "raise --max-pixels" in found.stderr
    assert hue("colorize", tmp_path / "a.png", "-m", tiny_model, "--max-pixels", "9600").exit_code == 0


def test_ways_to_full_size_differ(tmp_path: Path, tiny_model: Path) -> None:
    cat(300, 450).convert("L").save(tmp_path / "a.png")
    made = set()
    for way in ("bilinear", "bicubic", "lanczos"):
        hue("colorize", tmp_path / "a.png", "-o", tmp_path / f"{way}.png", "-m", tiny_model, "--upsample", way)
        made.add(Image.open(tmp_path / f"{way}.png").tobytes())
    assert len(made) == 3


def test_fail_fast_stops_at_the_first_failure(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "0.jpg").write_bytes(b"")
    for number in range(1, 60):
        cat().save(tmp_path / "old" / f"{number:02}.jpg")
    found = hue("colorize", tmp_path / "old", "-m", tiny_model, "--fail-fast", "-b", "1", "-j", "1")
    assert found.exit_code == 1
    assert len(list((tmp_path / "old_color").glob("*"))) < 30


def test_a_folder_may_be_called_like_a_file_if_that_is_said(tmp_path: Path, tiny_model: Path) -> None:
    cat().save(tmp_path / "a.png")
    assert hue("colorize", tmp_path / "a.png", "-o", f"{tmp_path}/out.pdf/", "-m", tiny_model).exit_code == 0
    found = hue("colorize", tmp_path / "a.png", "-o", tmp_path / "out.pdf", "-m", tiny_model)
    assert found.exit_code == 0  # a folder that is there is one
    assert [path.name for path in (tmp_path / "out.pdf").iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.jpg",), "absent.jpg: there is no such file or folder"),
        (("a.png", "-m", "nobody"), "No model is called 'nobody'"),
        (("a.png", "-m", "absent.onnx"), "there is no such model file"),
        (("a.png", "-d", "gpu", "-m", "MODEL"), "expected auto, cpu, cuda or cuda:N"),
        (("a.png", "--suffix", "", "-m", "MODEL"), "would write over"),
        (("a.png", "-", "-m", "MODEL"), "stands for one picture"),
        (("-", "-o", "a.gif", "-m", "MODEL"), "does not write this format"),
        (("-", "-o", "pm.jpg", "--format", "png", "-m", "MODEL"), "--format asks for PNG, the name for another"),
        (("absent.jpg", "-o", "-", "-m", "MODEL"), "absent.jpg: there is no such file or folder"),
        ((".", "-o", "-", "-m", "MODEL"), "a pipe carries one picture"),
        ((".", "-o", ".", "-m", "MODEL"), "written over their photographs"),
        ((".", "-o", "x7.jpg", "-m", "MODEL"), "is a file's name"),
        (("a.png", "-o", "x7.pdf", "-m", "MODEL"), "end it with a slash: x7.pdf/"),
        (("-", "-o", "x7.jpg/", "-m", "MODEL"), "x7.jpg: a picture from standard input has no name"),
        (("a.png", "--dry-run", "-m", "nobody"), "No model is called 'nobody'"),
        (("a.png", "--quality", "101"), "--quality"),
        (("a.png", "--provider", "abacus", "-m", "MODEL"), "--provider abacus: this onnxruntime"),
        ((), "INPUT"),
    ],
)
def test_a_wrong_command_line_is_a_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    cat().save("a.png")
    found = hue("colorize", *(tiny_model if argument == "MODEL" else argument for argument in arguments))
    assert found.exit_code == 2
    assert message in found.stderr
    assert "Traceback" not in found.output
    assert [found.name for found in tmp_path.iterdir()] == ["a.png"]


def test_a_pipe_carries_one_picture(tmp_path: Path, tiny_model: Path) -> None:
    cat().convert("L").save(tmp_path / "a.png")
    found = run_hue("colorize", "-", "-m", tiny_model, input=(tmp_path / "a.png").read_bytes())
    assert found.returncode == 0, found.stderr
    with Image.open(io.BytesIO(found.stdout)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (120, 80))
    hue("colorize", tmp_path / "a.png", "-m", tiny_model)
    assert found.stdout == (tmp_path / "a_color.png").read_bytes()

    to_file = hue("colorize", "-", "-o", tmp_path / "b.jpg", "-m", tiny_model, stdin=(tmp_path / "a.png").read_bytes())
    assert to_file.exit_code == 0
    assert format_of(tmp_path / "b.jpg") == "JPEG"
    again = hue("colorize", "-", "-o", tmp_path / "b.jpg", "-m", tiny_model, stdin=b"")
    assert (again.exit_code, "is there already" in again.stdout) == (0, True)

    from_file = run_hue("colorize", tmp_path / "?.png", "-o", "-", "-m", tiny_model, "--format", "webp")
    assert format_of(io.BytesIO(from_file.stdout)) == "WEBP"


def test_a_pipe_that_carries_no_picture_fails(tiny_model: Path) -> None:
    found = run_hue("colorize", "-", "-m", tiny_model, input=b"")
    assert (found.returncode, found.stdout) == (1, b"")
    assert b"standard input: the file is empty" in found.stderr


def test_a_pipe_reports_as_other_inputs_do(tmp_path: Path, tiny_model: Path) -> None:
    picture = bytes_of(cat(), "PNG")
    piped = run_hue("colorize", "-", "--json", "-m", tiny_model, input=picture)
    row, last = [json.loads(line) for line in piped.stderr.splitlines()]
    assert (row["source"], row["output"], row["status"], last["summary"]["done"]) == ("-", "-", "done", 1)
    assert format_of(io.BytesIO(piped.stdout)) == "PNG"
    filed = run_hue("colorize", "-", "-o", tmp_path / "b.jpg", "--json", "-m", tiny_model, input=picture)
    assert json.loads(filed.stdout.splitlines()[0])["output"] == str(tmp_path / "b.jpg")
    empty = run_hue("colorize", "-", "--json", "-m", tiny_model, input=b"")
    assert (empty.returncode, json.loads(empty.stderr.splitlines()[0])["status"]) == (1, "failed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("redirection", ["- <&-", "PHOTO -o - > /dev/full", "PHOTO > /dev/full", "PHOTO --json >&-"])
def test_streams_that_are_closed_or_full_are_a_sentence(tmp_path: Path, tiny_model: Path, redirection: str) -> None:
    cat().save(tmp_path / "a.png")
    line = shlex.join(command("colorize", "-m", tiny_model)) + " " + redirection.replace("PHOTO", "a.png")
    found = subprocess.run(line, shell=True, capture_output=True, check=False, timeout=60, cwd=tmp_path)
    assert found.returncode == (0 if redirection.endswith(">&-") else 1), found.stderr
    assert b"Traceback" not in found.stderr
    assert len(found.stderr.splitlines()) <= 3, found.stderr
    assert found.returncode == 0 or b"Error: " in found.stderr


def test_what_was_skipped_is_said_as_it_is(tmp_path: Path, tiny_model: Path) -> None:
    for year in ("1950", "1960"):
        (tmp_path / year).mkdir()
        cat().save(tmp_path / year / "p.jpg")
    options = ("-o", tmp_path / "out", "-m", tiny_model)
    hue("colorize", tmp_path / "1950" / "p.jpg", *options)
    second = hue("colorize", tmp_path / "1960" / "p.jpg", *options)
    assert f"whose result is there already: {tmp_path / 'out' / 'p.jpg'}" in second.stdout
    hue("colorize", tmp_path / "1950" / "p.jpg", "-m", tiny_model)
    again = hue("colorize", tmp_path / "1950" / "*.jpg", "-m", tiny_model)
    assert "Left out 1 that look like hue's own" in again.stdout
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "link").symlink_to(tmp_path / "1950")
    linked = hue("colorize", tmp_path / "album", "-m", tiny_model)
    assert "Did not follow 1 linked folder" in linked.stdout
    assert "No pictures were found" in linked.stderr


def test_the_default_model_is_missing_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "checkout" / "weights" / "index.json"
    index.parent.mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    index.write_text('{"models": {}}')
    monkeypatch.setattr("hue_cli.weights.resolve._CHECKOUT", tmp_path / "checkout")
    cat().save(tmp_path / "a.png")
    found = hue("colorize", tmp_path / "a.png")
    assert (found.exit_code, "No default model is set" in found.stderr) == (2, True)


def test_colorizing_imports_no_torch_and_says_nothing_but_its_own(tmp_path: Path, tiny_model: Path) -> None:
    cat().save(tmp_path / "a.png")
    arguments = ["colorize", str(tmp_path / "a.png"), "-m", str(tiny_model), "-d", "cpu", "--quiet"]
    program = (
        "import sys\n"
        "from hue_cli.cli.app import main\n"
        f"sys.argv = ['hue', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sorted({'torch', 'onnx', 'skimage', 'scipy', 'onnxruntime'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert (found.returncode, found.stdout.split(), found.stderr) == (0, ["onnxruntime"], "")


def test_names_that_no_terminal_can_show(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "old").mkdir()
    nasty = os.fsdecode(b"a\x1b[31m\xff.jpg")
    try:
        (tmp_path / "old" / nasty).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes no such names")
    for options in ((), ("--json",)):
        found = run_hue("colorize", tmp_path / "old", "-m", tiny_model, *options)
        assert found.returncode == 1, found.stderr
        assert b"\x1b[31m" not in found.stdout + found.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_leaves_whole_files_only_and_the_next_run_goes_on(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "old").mkdir()
    big = cat(300, 450).resize((1200, 800))
    big.save(tmp_path / "0.png", compress_level=1)
    for number in range(60):
        shutil.copy(tmp_path / "0.png", tmp_path / "old" / f"{number:02}.png")
    new = tmp_path / "old_color"
    arguments = ("colorize", tmp_path / "old", "-m", tiny_model, "--json")
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not list(new.glob("*.png")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    rows, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert b"Interrupted" in said
    assert b"Traceback" not in said
    files = [path.name for path in new.iterdir()]
    assert 1 <= len(files) < 60
    assert all(name.endswith(".png") for name in files)
    *reported, last = [json.loads(line) for line in rows.splitlines()]
    assert {row["output"] for row in reported} == {str(new / name) for name in files}
    assert last["summary"]["done"] == len(files)
    for name in files:
        with Image.open(new / name) as image:
            image.load()
    for path in sorted((tmp_path / "old").iterdir())[6:]:
        path.unlink()
    rest = hue(*arguments)
    assert rest.exit_code == 0
    assert {path.name for path in (tmp_path / "old").iterdir()} <= {path.name for path in new.iterdir()}


def test_version() -> None:
    assert hue("--version").stdout.startswith("hue 0.")


def test_help_shows_every_option() -> None:
    text = hue("colorize", "--help").stdout
    for option in (
        "--output -o", "--model -m", "--device -d", "--batch-size -b", "--workers -j", "--overwrite", "--suffix",
        "--format", "--quality -q", "--strength", "--dry-run", "--json", "--compare", "--fail-fast", "--quiet",
        "--verbose -v", "--size", "--report", "--max-pixels", "--upsample", "--provider",
    ):  # fmt: skip
        for part in option.split():
            assert part in text
    assert "hue colorize old_photos/ --model residual-curriculum" in " ".join(text.split())
