"""The page of `hue eval --report` in a real browser, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from hue_cli.cli.app import app

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromedriver") is None, reason="needs chromium and chromedriver"),
]

PHOTOS = 130
HOSTILE = "<img src=x onerror=document.title='hacked'>.png"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A report of a model and a tool that tints what it gets, on more photographs than are drawn at once."""
    root = tmp_path_factory.mktemp("page")
    whole = data.astronaut()
    for index in range(PHOTOS):
        name = HOSTILE if index == 7 else f"set/{index:03}.png"
        top, left = divmod(index * 37, 380)
        cut = whole[top % 380 : top % 380 + 64, left : left + 80].astype(int)
        for folder, tint in {"true": 0, "tinted": index % 9 * 5}.items():
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.clip(cut + np.array([tint, 0, 0]), 0, 255).astype(np.uint8)).save(path)
    arguments = ["eval", "--outputs", str(root / "tinted"), "--reference", str(root / "true"), "-m", str(tiny_model)]
    result = CliRunner().invoke(
        app, [*arguments, "--metrics", "psnr,deltae,hue-coverage", "--report", str(root / "r.html")]
    )
    assert result.exit_code == 0, result.output
    return root / "r.html"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield browser
    browser.quit()


Ask = Callable[[str], Any]


@pytest.fixture
def ask(chrome: Chrome, page: Path) -> Iterator[Ask]:
    """The page, newly opened: evaluates JavaScript in it; at the end nothing may have been complained about."""
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.set_window_size(1280, 1000)
    chrome.get(page.as_uri())
    yield lambda script: chrome.execute_script(f"return {script}")
    assert chrome.get_log("browser") == []  # type: ignore[no-untyped-call]
    assert chrome.title != "hacked"


def press(chrome: Chrome, *keys: str) -> None:
    for key in keys:
        chrome.switch_to.active_element.send_keys(key)


def column(ask: Ask, table: str, index: int) -> list[str]:
    rows = f"[...document.querySelectorAll('#{table} tbody tr')]"
    found: list[str] = ask(f"{rows}.map((row) => row.cells[{index}].innerText)")
    return found


def test_scores_and_differences_stand_there_and_sort(chrome: Chrome, ask: Ask) -> None:
    from selenium.webdriver.common.keys import Keys

    assert column(ask, "scores", 0) == ["truth", "grey", "tiny", "tinted"]
    assert "±" in column(ask, "scores", 1)[2]
    assert ask("document.querySelector('#differences thead').innerText.includes('tinted − tiny')")
    button = "document.querySelectorAll('#scores thead button')[0]"
    ask(f"{button}.focus()")
    press(chrome, Keys.ENTER)
    figures = [float(text.split("\n")[0]) for text in column(ask, "scores", 1)[:3]]
    assert figures == sorted(figures, reverse=True)
    assert ask(f"{button}.closest('th').getAttribute('aria-sort')") == "descending"
    assert ask(f"document.activeElement === {button}")
    press(chrome, Keys.ENTER, Keys.ENTER)
    assert column(ask, "scores", 0) == ["truth", "grey", "tiny", "tinted"]


def test_photos_are_ordered_filtered_and_drawn_as_they_are_needed(chrome: Chrome, ask: Ask) -> None:
    def choose(control: str, value: str) -> str:
        """Set a control as a person would, and return what the line below the controls says."""
        script = """const control = document.getElementById(arguments[0]);
            control.value = arguments[1];
            control.dispatchEvent(new Event("input", {bubbles: true}));
            return document.getElementById("count").innerText;"""
        return str(chrome.execute_script(script, control, value))

    first = "document.querySelector('#grid .value').innerText"
    assert ask("document.querySelectorAll('#grid li').length") < PHOTOS
    worst = float(ask(first).split()[1])
    choose("order", "best")
    assert float(ask(first).split()[1]) > worst
    assert choose("search", "onerror") == f"1 of {PHOTOS} photos"
    assert ask("document.querySelector('#grid .name').innerText") == HOSTILE
    choose("search", "")
    choose("shown", "3")
    worse = int(choose("than", "worse").split()[0])
    better = int(choose("than", "better").split()[0])
    assert better > 0
    assert worse + better <= PHOTOS


def test_the_viewer_works_by_keyboard(chrome: Chrome, ask: Ask) -> None:
    from selenium.webdriver.common.keys import Keys

    ask("document.querySelector('#grid button').focus()")
    press(chrome, Keys.ENTER)
    assert ask("document.getElementById('viewer').open")
    assert ask("document.activeElement.id") == "cut"
    assert ask("document.activeElement.getAttribute('aria-label')") == "Divider: tiny on the left, truth on the right"
    press(chrome, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert ask("document.getElementById('stage').style.getPropertyValue('--cut')") == "48%"
    title = ask("document.getElementById('viewer-title').innerText")
    press(chrome, Keys.PAGE_DOWN)
    assert ask("document.getElementById('viewer-title').innerText") != title
    press(chrome, "k")
    assert ask("document.getElementById('viewer-title').innerText") == title
    over = ask("document.getElementById('over').src")
    press(chrome, "x")
    assert ask("document.getElementById('under').src") == over
    assert ask("document.getElementById('over').naturalWidth") == 80
    press(chrome, Keys.ESCAPE)
    assert not ask("document.getElementById('viewer').open")
    assert ask("document.activeElement.dataset.photo") is not None


def test_dragging_moves_the_divider(chrome: Chrome, ask: Ask) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    chrome.find_element(By.CSS_SELECTOR, "#grid button").click()
    stage = chrome.find_element(By.ID, "cut")
    ActionChains(chrome).move_to_element(stage).click_and_hold().move_by_offset(
        stage.size["width"] // 4, 0
    ).release().perform()
    assert abs(float(ask("document.getElementById('cut').value")) - 75) < 3


def test_on_a_phone_nothing_is_wider_than_the_screen(chrome: Chrome, ask: Ask) -> None:
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    assert ask("document.documentElement.scrollWidth") <= 360
    ask("document.querySelector('#grid button').click()")
    assert ask("document.getElementById('viewer').scrollWidth") <= 360
    buttons = "[...document.querySelectorAll('.viewer .buttons button')].map((b) => b.getBoundingClientRect())"
    assert all(box["height"] >= 44 and box["width"] >= 44 for box in ask(f"{buttons}.map((b) => b.toJSON())"))


def contrast(one: list[int], other: list[int]) -> float:
    """Contrast ratio of WCAG 2."""

    def luminance(rgb: list[int]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_the_light_and_in_the_dark(chrome: Chrome, ask: Ask, scheme: str) -> None:
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    rgb = "getComputedStyle(document.querySelector('{}')).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    sheet = ask(rgb.format("section", "backgroundColor"))
    assert (sum(sheet) > 600) is (scheme == "light")
    for element in ("section h2", ".hint", "td small", "thead th"):
        assert contrast(ask(rgb.format(element, "color")), sheet) >= 4.5, element


def test_everything_that_is_used_has_a_name(chrome: Chrome, ask: Ask) -> None:
    ask("document.querySelector('#grid button').click()")
    tree = chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    used = [
        node
        for node in tree
        if node.get("role", {}).get("value") in ("button", "slider", "combobox", "searchbox", "dialog")
    ]
    assert {node["role"]["value"] for node in used} >= {"button", "slider", "combobox", "dialog"}
    assert all(node["name"]["value"].strip() for node in used if not node["ignored"])
