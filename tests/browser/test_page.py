"""``docs/browser/colorize.html`` in headless Chromium: a photograph that is dropped in gets onnxruntime's colours.

Needs Chromium, and the folder ``dist`` of the npm package onnxruntime-web in ``HUE_ORT_WEB``.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ORT_WEB = Path(os.environ.get("HUE_ORT_WEB", "nowhere"))
ORT_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(
        not all((ORT_WEB / file).is_file() for file in ORT_FILES),
        reason="HUE_ORT_WEB does not name the folder dist of the npm package onnxruntime-web",
    ),
]


class Browser:
    """A headless Chromium, spoken to over its debugging pipe: JSON, each message ended by a zero byte."""

    def __init__(self, profile: Path) -> None:
        to_child, ours_out = os.pipe()
        ours_in, from_child = os.pipe()
        # Chromium reads descriptor 3 and writes descriptor 4.
        command = (
            f'exec "$0" --headless=new --no-sandbox --disable-gpu --remote-debugging-pipe --window-size=1000,1000 '
            f'--user-data-dir="{profile}" about:blank 3<&{to_child} 4>&{from_child}'
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command, str(CHROMIUM)], pass_fds=(to_child, from_child), stderr=subprocess.DEVNULL
        )
        os.close(to_child)
        os.close(from_child)
        self._out, self._in = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb", 0)
        self._numbers = itertools.count(1)
        self._rest = b""
        pages = self.ask("Target.getTargets")["targetInfos"]
        page = next(each["targetId"] for each in pages if each["type"] == "page")
        self._session: str | None = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def ask(self, method: str, **parameters: Any) -> Any:
        message = {"id": next(self._numbers), "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                part = self._in.read(1 << 20)
                assert part, "Chromium went away"
                self._rest += part
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == message["id"]:
                assert "error" not in answer, answer
                return answer["result"]

    def value(self, script: str) -> Any:
        return self.ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait_for(self, *states: str) -> str:
        """Wait until the page's state is one of these."""
        end = time.monotonic() + 240
        while (state := self.value("document.body?.dataset.state")) not in states:
            assert time.monotonic() < end, f"still {state}: {self.value('document.body.innerText')}"
            time.sleep(0.1)
        return str(state)

    def close(self) -> None:
        self._session = None
        self.ask("Browser.close")
        self._process.wait(30)
        self._out.close()
        self._in.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The page with its three files, served as its README says; the address and the folder."""
    from hue_cli.export.run import Options, Precision, export_source
    from hue_cli.export.source import source_of_onnx

    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "docs" / "browser" / "colorize.html", folder)
    for file in ORT_FILES:
        shutil.copy(ORT_WEB / file, folder)
    content = (ROOT / "weights" / "hue-s" / "model.onnx").read_bytes()
    source = source_of_onnx(content, "hue-s")
    for name, precision in (("hue-s_end_to_end", Precision.FP32), ("hue-s_end_to_end_int8", Precision.INT8)):
        export_source(source, folder / f"{name}.onnx", Options(end_to_end=True, precision=precision))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/colorize.html", folder
    server.shutdown()
    thread.join()
    server.server_close()


def _choose(browser: Browser, path: Path) -> None:
    root = browser.ask("DOM.getDocument")["root"]["nodeId"]
    field = browser.ask("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.ask("DOM.setFileInputFiles", files=[str(path)], nodeId=field)


def _drop(browser: Browser, path: Path) -> None:
    """Drop a file on the page as a mouse does."""
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.ask("Input.dispatchDragEvent", type=kind, x=300, y=200, data=data)


@pytest.mark.parametrize(
    ("query", "model", "mean", "largest"),
    [
        ("", "hue-s_end_to_end.onnx", 0.1, 8),
        # Processors without instructions for bytes may saturate where WebAssembly does not.
        ("?model=hue-s_end_to_end_int8.onnx", "hue-s_end_to_end_int8.onnx", 2, 64),
    ],
)
def test_a_photograph_that_is_dropped_in_gets_its_colour(
    browser: Browser, site: tuple[str, Path], query: str, model: str, mean: float, largest: int
) -> None:
    from hue_cli.export.parity import picture_with

    address, folder = site
    photo = ROOT / "samples" / "coffee.png"
    browser.ask("Page.navigate", url=address + query)
    browser.wait_for("ready")

    _drop(browser, photo)

    assert browser.wait_for("done", "failed") == "done", browser.value("document.body.innerText")
    assert browser.value("document.getElementById('status').textContent").startswith("600 × 400 pixels in ")
    coded = browser.value("document.getElementById('after').toDataURL('image/png')").partition(",")[2]
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(coded))).convert("RGB")).astype(int)
    expected = picture_with((folder / model).read_bytes())(np.asarray(Image.open(photo).convert("RGB")))
    apart = np.abs(found - expected)
    assert apart.mean() < mean
    assert apart.max() <= largest
    assert np.ptp(found, axis=2).mean() > 10, "there is colour"
    if shot := os.environ.get("HUE_SCREENSHOT"):
        Path(shot).write_bytes(base64.b64decode(browser.ask("Page.captureScreenshot", format="png")["data"]))


def test_what_is_no_picture_is_a_sentence(browser: Browser, site: tuple[str, Path], tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    browser.ask("Page.navigate", url=site[0])
    browser.wait_for("ready")

    _choose(browser, tmp_path / "notes.png")

    assert browser.wait_for("done", "failed") == "failed"
    assert browser.value("document.getElementById('status').textContent").startswith("This did not work: ")
    assert browser.value("document.getElementById('pictures').hidden")
