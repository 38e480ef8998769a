"""A hub on the loopback interface: it speaks enough of the protocol for the real client, and breaks off as told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

TOKEN = "hf_loopback"


@dataclass
class LoopbackHub:
    """What the hub holds, and how it misbehaves.

    Attributes:
        commits: repository to its commits, oldest first, each a digest and its files.
        names: repository to the branches and tags that stand for a commit.
        breaks: path of a file to the bytes after which its next transfers break off, one entry a transfer.
        requests: what was asked of it, as in ``GET /ORG/REPO/resolve/…``.
        private: repositories that only ``TOKEN`` may see.
        gate: where set, a file is sent only when this is.
    """

    url: str = ""
    commits: dict[str, list[tuple[str, dict[str, bytes]]]] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    breaks: dict[str, list[int]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    private: set[str] = field(default_factory=set)
    uploads: dict[str, bytes] = field(default_factory=dict)
    gate: threading.Event | None = None

    def commit(self, repo: str, files: Mapping[str, bytes], *, branch: str = "main", sums: bool = True) -> str:
        """Add a commit whose ``SHA256SUMS`` fits its files, unless it brings its own or is to have none."""
        files = dict(files)
        if sums and "SHA256SUMS" not in files:
            lines = (f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
            files["SHA256SUMS"] = "".join(lines).encode()
        number = len(self.commits.setdefault(repo, []))
        digest = hashlib.sha1(f"{repo} {number}".encode()).hexdigest()
        self.commits[repo].append((digest, files))
        self.names.setdefault(repo, {})[branch] = digest
        return digest

    def find(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        wanted = self.names.get(repo, {}).get(revision, revision)
        return next(
            (each for each in self.commits.get(repo, []) if each[0] == wanted), None
        )  # as the hub: whole ones alone

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, request) is not None for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: ClassVar[LoopbackHub]

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._read(with_body=False)

    def do_GET(self) -> None:
        self._read(with_body=True)

    def _read(self, *, with_body: bool) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", self.path):
            if (found := self._find(*match.groups())) is not None:
                siblings = [{"rfilename": path} for path in found[1]]
                self._json(200, {"id": match[1], "modelId": match[1], "sha": found[0], "siblings": siblings})
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path):
            if (found := self._find(match[1], match[2])) is not None:
                self._file(match[3], *found, with_body=with_body)
        else:
            self._refuse(404, "EntryNotFound")

    def _find(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if repo not in self.hub.commits or (repo in self.hub.private and not self._is_known()):
            self._refuse(401 if repo in self.hub.private else 404, "RepoNotFound")
            return None
        found = self.hub.find(repo, revision)
        if found is None:
            self._refuse(404, "RevisionNotFound")
        return found

    def _file(self, path: str, commit: str, files: Mapping[str, bytes], *, with_body: bool) -> None:
        if path not in files:
            self._refuse(404, "EntryNotFound", commit)
            return
        content = files[path]
        start = 0
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(asked[1])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not with_body:
            return
        if self.hub.gate is not None:
            self.hub.gate.wait(30)
        if pending := self.hub.breaks.get(path):
            self.wfile.write(content[start : start + pending.pop(0)])
            self.close_connection = True
            return
        self.wfile.write(content[start:])

    def do_PUT(self) -> None:
        self.hub.requests.append(f"PUT {self.path}")
        self.hub.uploads[self.path.rpartition("/")[2]] = self._body()
        self._json(200, {})

    def do_POST(self) -> None:
        self.hub.requests.append(f"POST {self.path}")
        body = self._body()
        if not self._is_known():
            self._refuse(401, "Unauthorized")
        elif self.path == "/api/validate-yaml":
            self._json(200, {"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path.endswith("/objects/batch"):
            objects = [{**each, "actions": {"upload": self._at("put", each)}} for each in json.loads(body)["objects"]]
            self._json(200, {"transfer": "basic", "objects": objects})
        elif re.search(r"/preupload/main$", self.path):
            paths = [file["path"] for file in json.loads(body)["files"]]
            modes = [
                {"path": path, "uploadMode": "lfs" if path.endswith((".onnx", ".safetensors")) else "regular"}
                for path in paths
            ]
            self._json(200, {"files": [{**mode, "shouldIgnore": False} for mode in modes]})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
            self._commit(match[1], [json.loads(line) for line in body.splitlines()])
        else:
            self._refuse(404, "EntryNotFound")

    def _at(self, what: str, each: Mapping[str, Any]) -> dict[str, str]:
        return {"href": f"{self.hub.url}/{what}/{each['oid']}"}

    def _create(self, asked: Mapping[str, Any]) -> None:
        repo = f"{asked['organization']}/{asked['name']}"
        is_new = repo not in self.hub.commits
        if is_new:
            self.hub.commit(repo, {".gitattributes": b""}, sums=False)
            if asked.get("visibility") == "private":
                self.hub.private.add(repo)
        self._json(200 if is_new else 409, {"url": f"{self.hub.url}/{repo}"})

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = dict(self.hub.commits[repo][-1][1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
        digest = self.hub.commit(repo, files, sums=False)
        self._json(200, {"commitUrl": f"{self.hub.url}/{repo}/commit/{digest}", "commitOid": digest})

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, status: int, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str, commit: str | None = None) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.end_headers()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own; returns its folder of models."""
    monkeypatch.setenv("HUE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def loopback(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """An empty hub, to which this process and those it starts speak."""
    from huggingface_hub import constants, file_download

    hub = LoopbackHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name, value in {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(home.parent / "hf"),
        "HF_TOKEN": TOKEN,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    # Read from the environment once, perhaps before this test set it.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda _seconds: None))  # between two tries
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def good(tiny_model: Path) -> bytes:
    """The bytes of a model that keeps the contract."""
    return tiny_model.read_bytes()
