"""A real S3 server on the loopback, and a gate before it that throttles and refuses as a test wants."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app

SOURCE = Path(__file__).resolve().parents[2] / "src"


@dataclass
class Gate:
    """What stands before the S3 server.

    Attributes:
        throttles: of each method and key, this many requests are answered with 503.
        refuses: a pattern; what fits ``METHOD /bucket/key`` is answered with 403. Listings have their query, too.
        asked: the same of each request that was let through.
    """

    throttles: int = 0
    refuses: str = ""
    asked: list[str] = field(default_factory=list)
    _held: dict[str, int] = field(default_factory=dict)

    def open(self) -> None:
        """Stand open, and forget what was asked."""
        self.throttles, self.refuses, self.asked, self._held = 0, "", [], {}

    def answer(self, what: str) -> tuple[int, str] | None:
        """Return status and code of S3 for a request that is not let through."""
        if self.refuses and re.search(self.refuses, what):
            return 403, "AccessDenied"
        if self._held.setdefault(what, 0) < self.throttles:
            self._held[what] += 1
            return 503, "SlowDown"
        self.asked.append(what)
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _handler(gate: Gate, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = self._refused() or self._forwarded(body)
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                    self.send_header(name, value)
            announced = {name.lower(): value for name, value in headers}.get("content-length")
            length = announced if self.command == "HEAD" and announced else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass  # noqa: N815

        def _refused(self) -> tuple[int, list[tuple[str, str]], bytes] | None:
            path = self.path if "list-type" in self.path else self.path.partition("?")[0]
            found = gate.answer(f"{self.command} {path}")
            if found is None:
                return None
            said = f"<Error><Code>{found[1]}</Code><Message>{found[1]}, says the test</Message></Error>"
            return found[0], [("Content-Type", "application/xml")], said.encode()

        def _forwarded(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                return response.status, response.getheaders(), response.read()
            finally:
                connection.close()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """The S3 server, behind a gate that stands open; whoever asks for the usual one comes here."""
    pytest.importorskip("moto", reason="moto is not installed: pip install --group cluster")
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install --group cluster")
    port, found = _free_port(), Gate()
    patch = pytest.MonkeyPatch()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    door = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found, port))
    door.daemon_threads = True
    threading.Thread(target=door.serve_forever, daemon=True).start()
    try:
        _wait_for(port)
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{door.server_address[1]}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", str(tmp_path_factory.mktemp("aws") / "config"))
        patch.setenv("PYTHONPATH", str(SOURCE))  # for the workers of a cluster
        patch.setenv("NO_COLOR", "1")
        yield found
    finally:
        patch.undo()
        # The next module's server listens elsewhere, and fsspec keeps its connections by their arguments.
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        door.shutdown()
        door.server_close()
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start")


@pytest.fixture
def bucket(gate: Gate, request: pytest.FixtureRequest) -> str:
    """An empty bucket of the test's own."""
    gate.open()
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60].strip("-")
    fsspec.filesystem("s3", use_listings_cache=False).mkdir(name)
    return name


@pytest.fixture
def store(bucket: str) -> Any:
    """The file system of the bucket."""
    return fsspec.filesystem("s3", use_listings_cache=False)


@pytest.fixture
def photos(tmp_path: Path, store: Any, bucket: str) -> Callable[[int], Path]:
    """Makes a folder of so many small photographs, of a few formats and sizes, here and in the bucket."""

    def make(count: int) -> Path:
        folder = tmp_path / "photos"
        (folder / "sub").mkdir(parents=True)
        rng = np.random.default_rng(1)
        for number in range(count):
            grey = rng.integers(0, 256, (24 + number % 3 * 16, 40), np.uint8)
            name = f"{number:04}.{('jpg', 'png', 'tif')[number % 3]}"
            Image.fromarray(grey).save(folder / ("sub" if number % 2 else ".") / name)
        for path in sorted(folder.rglob("*.*")):
            store.pipe_file(f"{bucket}/in/{path.relative_to(folder)}", path.read_bytes())
        return folder

    return make


@pytest.fixture
def hue(tiny_model: Path) -> Callable[..., Result]:
    def run(*arguments: object) -> Result:
        line = ["colorize", *map(str, arguments), "--model", str(tiny_model), "--device", "cpu"]
        return CliRunner().invoke(app, line)

    return run


@pytest.fixture
def results(store: Any, bucket: str) -> Callable[[], dict[str, bytes]]:
    """Tells what lies below ``out`` in the bucket, without hue's own note."""

    def look() -> dict[str, bytes]:
        names = [name for name in store.find(f"{bucket}/out") if not name.endswith(".hue-settings.json")]
        return {name.removeprefix(f"{bucket}/out/"): store.cat_file(name) for name in names}

    return look


@pytest.fixture
def on_disk() -> Callable[[Path], dict[str, bytes]]:
    """Tells what lies below a folder."""

    def look(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}

    return look
