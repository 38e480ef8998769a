"""A small web server that shows raters one picture at a time.

Raters get pictures under random names and never what they show. It listens on the loopback address unless asked
otherwise, answers only requests that name it as their host (so that no page elsewhere can speak for a rater), and
sends nothing to anybody else.
"""

from __future__ import annotations

import json
import socket
import unicodedata
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from hue_cli.errors import UsageError
from hue_cli.images.lock import try_lock
from hue_cli.study.answers import CHOICES, NAME_LENGTH, AnswerBook, Rater
from hue_cli.study.design import STUDY, Study

MAX_BODY = 4096
"""Bytes of a request; an answer has about a hundred."""
_LONGEST_MS = 24 * 3600 * 1000
_POLICY = (
    "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)


class _RequestError(Exception):
    """A request that cannot be served; the text goes back to the page."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


def _lock(study: Study) -> BinaryIO:
    """Keep other servers off: each would number raters and answers for itself, and none could read both again."""
    file = (study.folder / STUDY).open("rb")
    if try_lock(file.fileno()) is False:
        file.close()
        raise UsageError(f"{study.folder}: another hue study serve has this study. Use that one, or end it first.")
    return file


class StudyServer(ThreadingHTTPServer):
    """Serves one study until it is closed.

    Args:
        study: what is shown.
        host, port: where it listens; port 0 takes a free one.
        on_event: told a sentence when somebody begins or comes to an end.

    Raises:
        UsageError: the address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 128
    """A class that begins at once: with five, as is usual, browsers wait a second for another try."""

    def __init__(
        self, study: Study, host: str, port: int, on_event: Callable[[str], None] = lambda _text: None
    ) -> None:
        self.study = study
        self._lock: BinaryIO | None = None
        self.on_event = on_event
        self.pictures = {picture.id: study.picture_path(picture) for picture in study.pictures}
        page = files("hue_cli.study").joinpath("rate.html").read_text(encoding="utf-8")
        self.page = page.replace("$title", escape(study.title)).encode()
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"{host}:{port}: the server cannot listen there ({error.strerror or error}). Name another --port."
            ) from error
        try:
            self._lock = _lock(study)
            self.book = AnswerBook(study)
        except UsageError:
            self.server_close()
            raise

    def server_close(self) -> None:
        """Stop listening, and let another server have the study."""
        super().server_close()
        if self._lock is not None:
            self._lock.close()

    @property
    def url(self) -> str:
        """Where raters go; on all addresses at once, by the machine's name."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://{socket.gethostname() if host == '0.0.0.0' else host}:{port}/"  # noqa: S104

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return str(self.server_address[0]) in ("127.0.0.1", "::1", "localhost")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    server_version = "hue"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Print no line for each request."""

    def do_GET(self) -> None:
        """Send the page or a picture."""
        self._serve(self._get)

    def do_POST(self) -> None:
        """Take a rater's name, or an answer."""
        self._serve(self._post)

    def _serve(self, act: Callable[[str], None]) -> None:
        try:
            self._check_host()
            act(urlsplit(self.path).path)
        except _RequestError as error:
            self._refuse(str(error), error.status)
        except UsageError as error:
            self.server.on_event(str(error))
            self._refuse("The study cannot keep answers now; tell whoever serves it", HTTPStatus.INSUFFICIENT_STORAGE)

    def _refuse(self, text: str, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send_json({"error": text}, status)

    def _check_host(self) -> None:
        if not self.server.is_local:
            return
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in ("127.0.0.1", "localhost", "::1"):
            raise _RequestError(HTTPStatus.FORBIDDEN, "This study is served to this machine alone.")

    def _get(self, path: str) -> None:
        if path == "/":
            self._send(self.server.page, "text/html; charset=utf-8")
            return
        picture = self.server.pictures.get(path.removeprefix("/pictures/"))
        if picture is None:
            raise _RequestError(HTTPStatus.NOT_FOUND, "There is nothing here.")
        self._send(picture.read_bytes(), "image/jpeg")

    def _post(self, path: str) -> None:
        body = self._body()
        match path:
            case "/api/join":
                self._send_json(self._state(self._rater(body)))
            case "/api/answer":
                self._send_json(self._answered(self._rater(body), body))
            case _:
                raise _RequestError(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _body(self) -> dict[str, Any]:
        # A form of another site can post text, but not JSON.
        if self.headers.get_content_type() != "application/json":
            raise _RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Expected JSON.")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise _RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Expected at most {MAX_BODY} bytes.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _RequestError(HTTPStatus.BAD_REQUEST, "Expected a JSON object.")
        return body

    def _rater(self, body: dict[str, Any]) -> Rater:
        name = body.get("rater")
        # Telephones and Macs write ä as one sign or as two.
        name = unicodedata.normalize("NFC", " ".join(name.split())) if isinstance(name, str) else ""
        if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
            raise _RequestError(HTTPStatus.BAD_REQUEST, f"Expected a name of 1 to {NAME_LENGTH} letters.")
        known = name in self.server.book.raters
        rater = self.server.book.join(name)
        if not known:
            self.server.on_event(f"{name} has begun.")
        return rater

    def _answered(self, rater: Rater, body: dict[str, Any]) -> dict[str, Any]:
        number, answer, ms = body.get("number"), body.get("answer"), body.get("ms")
        if type(number) is not int or answer not in CHOICES or type(ms) is not int or not 0 <= ms <= _LONGEST_MS:
            raise _RequestError(HTTPStatus.BAD_REQUEST, "Expected number, answer and ms.")
        if self.server.book.add(rater, number, answer, ms) and rater.next_picture is None:
            self.server.on_event(f"{rater.name} has come to the end.")
        return self._state(rater)

    def _state(self, rater: Rater) -> dict[str, Any]:
        done = len(rater.answers)
        return {
            "title": self.server.study.title,
            "rater": rater.name,
            "number": done,
            "total": len(rater.order),
            # The one after it too, so that the page can have it ready.
            "pictures": [f"/pictures/{picture.id}" for picture in rater.order[done : done + 2]],
        }

    def _send_json(self, content: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(content).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)
