"""``hue study`` through the real command line; in a real browser where there is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures
from typer.testing import CliRunner

from hue_cli.cli.app import app
from hue_cli.color.lab import rgb_to_lab
from hue_cli.study.answers import AnswerBook
from hue_cli.study.design import REAL, read_study

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def hue(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four colour photographs, one that is grey, one that is broken."""
    folder = tmp_path_factory.mktemp("photos")
    for name in NAMES:
        Image.fromarray(getattr(pictures, name)()).reduce(3).save(folder / f"{name}.png")
    Image.fromarray(pictures.camera()).reduce(3).save(folder / "camera.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    # Pillow by itself would start another program for this one.
    (folder / "program.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    return folder


@pytest.fixture(scope="module")
def red(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a tool made of them: all red, of one lightness, in another format and size."""
    folder = tmp_path_factory.mktemp("red")
    for name in NAMES:
        Image.new("RGB", (50, 40), (200, 20, 20)).save(folder / f"{name}.jpg")
    return folder


@pytest.fixture(scope="module")
def new_study(photos: Path, red: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "study"
    made = hue("make", photos, "-o", folder, "--outputs", f"red={red}", "--model", "hue-s", "--side", 96)
    assert made.exit_code == 0, made.output
    assert "camera.png: expected a colour photograph" in made.stderr
    assert "broken.jpg: cannot be read" in made.stderr
    assert "program.jpg: cannot be read (cannot identify image file" in made.stderr
    return folder


@pytest.fixture
def study(new_study: Path, tmp_path: Path) -> Path:
    """A study that a test may write answers to."""
    return shutil.copytree(new_study, tmp_path / "study")


def test_pictures_differ_in_nothing_but_their_colours(study: Path, photos: Path) -> None:
    made = read_study(study)
    assert set(made.models) == {"red", "hue-s"}
    assert re.fullmatch(r"[0-9a-f]{64}", made.models["hue-s"])
    assert made.models["red"] == ""
    assert len(made.pictures) == 4 * 3
    sizes: dict[str, set[Any]] = {}
    bytes_: dict[str, set[int]] = {}
    lightness: dict[str, list[Any]] = {}
    for picture in made.pictures:
        with Image.open(made.picture_path(picture)) as image:
            sizes.setdefault(picture.photo, set()).add((image.size, image.format, str(image.quantization), *image.info))  # type: ignore[attr-defined]
            rgb = np.asarray(image.convert("RGB")).astype(float)
        if picture.shows == REAL:
            with Image.open(photos / picture.photo) as image:
                reduced = image.convert("RGB").resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.LANCZOS)
            assert np.abs(rgb - np.asarray(reduced)).mean() < 5  # JPEG at thumbnail size
        lightness.setdefault(picture.photo, []).append(rgb_to_lab(rgb / 255)[..., 0])
        bytes_.setdefault(picture.photo, set()).add(made.picture_path(picture).stat().st_size)
        if picture.shows == "red":
            red, green, blue = rgb.reshape(-1, 3).mean(axis=0)
            assert red > 1.3 * max(green, blue)
    assert all(len(found) == 1 for found in [*sizes.values(), *bytes_.values()])
    # Not softer, not blockier, not brighter, whoever coloured it.
    assert all(np.abs(one - other).mean() < 1.5 for one, *others in lightness.values() for other in others)
    names = {path.stem for path in (study / "pictures").iterdir()}
    assert names == {picture.id for picture in made.pictures}
    assert all(re.fullmatch(r"[0-9a-f]{20}", name) for name in names)


def test_the_seed_draws_the_photographs(photos: Path, red: Path, tmp_path: Path) -> None:
    drawn = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1), ("d", 2)):
        options = ["--outputs", f"red={red}", "--photos", 2, "--side", 64, "--seed", seed, "--json"]
        made = hue("make", photos, "-o", tmp_path / name, *options)
        assert json.loads(made.stdout)["photos"] == 2
        drawn.append(tuple(read_study(tmp_path / name).photos))
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("make", "nowhere", "-o", "s"), "nowhere: expected a folder of colour photographs"),
        (("make", "{photos}", "-o", "s", "--outputs", "red"), "--outputs red: expected NAME=FOLDER"),
        (("make", "{photos}", "-o", "s", "--outputs", "real={photos}"), "none of them 'real'"),
        (("serve", "nowhere"), "nowhere: expected a study"),
        (("report", "nowhere"), "nowhere: expected a study"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(photos: Path, arguments: tuple[str, ...], said: str) -> None:
    found = hue(*(argument.format(photos=photos) for argument in arguments))
    assert found.exit_code == 2
    assert said in found.stderr


def test_a_study_is_not_made_over_another(study: Path, photos: Path) -> None:
    found = hue("make", photos, "-o", study)
    assert found.exit_code == 2
    assert "a study lies there already" in found.stderr


def test_the_report_is_a_table_a_page_and_json(study: Path, tmp_path: Path) -> None:
    book = AnswerBook(read_study(study))
    ada = book.join("ada")
    for number, picture in enumerate(ada.order):
        book.add(ada, number, "colorized" if picture.shows == "red" else "real", 1500)

    page = tmp_path / "out" / "report.html"
    found = hue("report", study, "--html", page, "--json")
    assert found.exit_code == 0
    summary = json.loads(found.stdout)
    assert {row["name"]: row["accepted"] for row in summary["conditions"]} == {"real": 2, "red": 0, "hue-s": 1}
    shown = re.findall(r'src="([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(shown) == 12
    assert all((page.parent / source).is_file() for source in shown)
    table = hue("report", study).stdout
    assert "hue-s" in table
    assert "deep koalarization 45.87 %" in table
    assert "deepcolor-unet 53 %" in table


def test_a_tools_pictures_are_found_below_the_folders_of_the_photographs(photos: Path, tmp_path: Path) -> None:
    for index, name in enumerate(NAMES[:2]):
        for root, ending in (("own", "png"), ("theirs", "jpg")):
            (tmp_path / root / str(index)).mkdir(parents=True)
            with Image.open(photos / f"{name}.png") as image:
                image.convert("RGB").save(tmp_path / root / str(index) / f"one.{ending}", quality=95)
    options = ["--outputs", f"same={tmp_path / 'theirs'}", "--side", 96]
    assert hue("make", tmp_path / "own", "-o", tmp_path / "study", *options).exit_code == 0
    made = read_study(tmp_path / "study")
    shown = {(each.photo, each.shows): np.asarray(Image.open(made.picture_path(each))) for each in made.pictures}
    for photo in made.photos:
        assert np.abs(shown[photo, "same"] - shown[photo, REAL].astype(float)).mean() < 4
    (tmp_path / "theirs" / "0" / "one.jpg").rename(tmp_path / "theirs" / "0" / "other.jpg")
    (tmp_path / "theirs" / "1").rename(tmp_path / "theirs" / "2")
    (tmp_path / "theirs" / "0" / "other.jpg").rename(tmp_path / "theirs" / "one.jpg")
    found = hue("make", tmp_path / "own", "-o", tmp_path / "doubtful", *options)
    assert "found 2 in folders of other names" in found.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are Unicode")
def test_names_that_are_no_text_or_no_address_are_no_obstacle(photos: Path, tmp_path: Path) -> None:
    own = tmp_path / "50 % #1?"
    own.mkdir()
    shutil.copy(photos / "chelsea.png", own / os.fsdecode(b"caf\xe9.png"))
    shutil.copytree(own, tmp_path / "theirs")
    study = own / "study"
    assert hue("make", own, "-o", study, "--outputs", f"theirs={tmp_path / 'theirs'}").exit_code == 0
    assert hue("report", study, "--html", tmp_path / "report.html", "--json").exit_code == 0
    sources = re.findall(r'src="([^"]+)"', (tmp_path / "report.html").read_text(encoding="utf-8"))
    assert sources
    assert all((tmp_path / unquote(source)).is_file() and "?" not in source for source in sources)


def test_two_servers_do_not_write_to_one_study(study: Path) -> None:
    with served(study):
        other = hue("serve", study, "--port", 0)
    assert other.exit_code == 2
    assert "another hue study serve has this study" in other.stderr


@contextmanager
def served(study: Path) -> Iterator[str]:
    """The study at an address, served by a process of its own that Ctrl-C ends."""
    command = [sys.executable, "-u", "-m", "hue_cli", "study", "serve", str(study), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield found[0]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "answers are kept" in rest
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="needs chromium and chromedriver")
def test_a_person_rates_in_a_browser(study: Path) -> None:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=390,780"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        wait = WebDriverWait(browser, 30)

        def ready(number: int) -> None:
            wait.until(lambda b: b.find_element(By.ID, "count").text == f"{number} of 4")
            wait.until(lambda b: b.find_element(By.ID, "real").get_attribute("aria-disabled") == "false")
            time.sleep(0.3)  # sooner, it would be a double click on the picture before

        with served(study) as url:
            browser.get(url)
            browser.find_element(By.ID, "name").send_keys("ada", Keys.ENTER)
            ready(1)
            picture = browser.find_element(By.ID, "picture")
            assert picture.size["width"] <= 390
            assert int(picture.get_property("naturalWidth")) > 0  # type: ignore[arg-type]
            browser.find_element(By.ID, "real").click()
            ready(2)
            browser.find_element(By.TAG_NAME, "body").send_keys("c")
            ready(3)
        # The server has gone: the answer is not lost silently, and after its return the rater goes on.
        browser.find_element(By.ID, "real").click()
        wait.until(lambda b: "Not saved" in b.find_element(By.ID, "problem").text)
        with served(study) as url:
            browser.get(url)
            browser.find_element(By.ID, "name").send_keys(Keys.CONTROL, "a")
            browser.find_element(By.ID, "name").send_keys("ada", Keys.ENTER)
            ready(3)
            for number, key in ((4, Keys.ARROW_LEFT), (None, Keys.ARROW_RIGHT)):
                browser.find_element(By.TAG_NAME, "body").send_keys(key)
                if number:
                    ready(number)
            wait.until(lambda b: b.find_element(By.ID, "end").is_displayed())
    finally:
        browser.quit()
    answers = AnswerBook(read_study(study)).raters["ada"].answers
    assert [answer.answer for answer in answers] == ["real", "colorized", "real", "colorized"]
    assert all(0 < answer.ms < 60_000 for answer in answers)
