"""Models come from a hub, through the real client, and nothing comes that should not."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.offline import offline_switch
from hue_cli.weights import resolve

REPO = "somebody/tiny"
NAME = f"hf:{REPO}"


def _hue(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def _files(home: Path) -> list[str]:
    """Every file of the cache but locks."""
    return sorted(
        path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


@pytest.fixture
def release(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Makes the index of a hue that knows the model ``tiny``, which lies on the hub alone."""

    def write(content: bytes) -> None:
        folder = tmp_path / "package" / "bundled"
        folder.mkdir(parents=True, exist_ok=True)
        entry = {
            "file": "tiny/model.onnx",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "licence": "CC0",
            "bundled": False,
            "hub": {"repo": REPO, "revision": "main", "file": "onnx/model.onnx"},
            "metrics": {"psnr": 21.5},
        }
        (folder / "index.json").write_text(json.dumps({"default": "tiny", "models": {"tiny": entry}}))
        monkeypatch.setattr(resolve, "_PACKAGE", tmp_path / "package")
        monkeypatch.setattr(resolve, "_CHECKOUT", tmp_path / "nowhere")

    return write


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4).save(path)
    return path


def test_a_released_model_is_fetched_on_its_first_use_and_never_again(
    loopback: Any, home: Path, good: bytes, release: Callable[[bytes], None], photo: Path
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    release(good)

    planned = _hue("colorize", photo, "--dry-run")
    first = _hue("colorize", photo)
    asked = len(loopback.requests)
    second = _hue("colorize", photo, "--overwrite")

    assert f"Would fetch the model tiny from {NAME}@main at {loopback.url}" in planned.stderr
    assert f"Fetching the model tiny (0.0 MB) from {NAME}@main at {loopback.url}, once." in first.stderr
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert "Fetching" not in second.stderr
    assert len(loopback.requests) == asked
    assert _files(home) == ["tiny/model.onnx"]
    assert photo.with_name("photo_color.png").is_file()


@pytest.mark.parametrize("mode", ["--quiet", "--json"])
def test_what_is_fetched_is_said_in_every_mode(
    loopback: Any, home: Path, good: bytes, release: Callable[[bytes], None], photo: Path, mode: str
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    release(good)

    done = _hue("colorize", photo, mode)

    assert done.exit_code == 0, done.output
    assert done.stderr.strip() == f"Fetching the model tiny (0.0 MB) from {NAME}@main at {loopback.url}, once."


@pytest.mark.parametrize(
    "command",
    [
        ["colorize", "PHOTO", "-m", NAME, "-o", "OUT.png"],
        ["eval", "-m", NAME, "--dataset", "COLOURS", "--metrics", "mse", "--csv", "OUT.csv"],
        ["export", NAME, "-o", "OUT.onnx"],
        ["study", "make", "COLOURS", "-m", NAME, "-o", "OUT"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_fetches_what_it_is_to_use_and_says_so(
    loopback: Any, home: Path, good: bytes, photo: Path, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "colours").mkdir()
    Image.fromarray(skimage.data.chelsea()[:64, :64]).save(tmp_path / "colours" / "cat.png")
    places = {"PHOTO": photo, "COLOURS": tmp_path / "colours"}
    words = [str(places.get(word, tmp_path / word if word.startswith("OUT") else word)) for word in command]

    loopback.commit(REPO, {"onnx/model.onnx": good, "SHA256SUMS": f"{'0' * 64}  onnx/model.onnx\n".encode()})
    refused = _hue(*words)
    loopback.commit(REPO, {"onnx/model.onnx": good})
    done = _hue(*words)

    assert f"Fetching the model {NAME} from {NAME}@main at {loopback.url}, once." in refused.stderr
    assert f"expected SHA-256 {'0' * 64}, found" in refused.stderr
    assert refused.exit_code == 1
    assert done.exit_code == 0, done.output
    assert f"Fetching the model {NAME} from {NAME}@main at {loopback.url}, once." in done.stderr
    assert [path.name for path in tmp_path.glob("OUT*")] == [Path(words[-1]).name]


def test_the_index_alone_decides_what_a_name_stands_for(
    loopback: Any, home: Path, good: bytes, release: Callable[[bytes], None], make_tiny_model: Callable[..., bytes]
) -> None:
    """The repository says that its own file is right; the package says which one it released."""
    loopback.commit(REPO, {"onnx/model.onnx": good + b"\0"})
    release(good)

    result = _hue("models", "pull", "tiny")

    assert result.exit_code == 1
    assert f"is not the model 'tiny': expected SHA-256 {hashlib.sha256(good).hexdigest()}, found " in result.stderr
    assert _files(home) == []


def test_a_hub_s_model_is_pinned_to_its_first_commit_until_it_is_pulled_again(
    loopback: Any, home: Path, good: bytes, photo: Path, make_tiny_model: Callable[..., bytes]
) -> None:
    old = loopback.commit(REPO, {"onnx/model.onnx": good})
    assert _hue("colorize", photo, "-m", NAME).exit_code == 0
    from hue_cli.infer.contract import Contract

    other = make_tiny_model(Contract(recipe="tiny", digest="1" * 64, size=64, multiple_of=16, minimum=16))
    new = loopback.commit(REPO, {"onnx/model.onnx": other})

    assert _hue("colorize", photo, "-m", NAME, "--overwrite").exit_code == 0
    assert _files(home) == ["fetched.json", f"hub/{REPO}/{old}/onnx/model.onnx"]
    (home / "hub" / REPO / old / "onnx" / "model.onnx").unlink()
    assert _hue("colorize", photo, "-m", NAME, "--overwrite").exit_code == 0
    assert _files(home) == ["fetched.json", f"hub/{REPO}/{old}/onnx/model.onnx"]

    assert _hue("models", "pull", NAME).exit_code == 0
    assert _files(home) == ["fetched.json", f"hub/{REPO}/{new}/onnx/model.onnx"]
    noted = json.loads((home / "fetched.json").read_text(encoding="utf-8"))["models"][NAME]
    assert noted["hub"] == {"repo": REPO, "revision": new, "file": "onnx/model.onnx"}
    assert noted["sha256"] == hashlib.sha256(other).hexdigest()
    assert noted["size"] == len(other)
    assert _hue("colorize", photo, "-m", f"{NAME}@{old}", "--overwrite").exit_code == 0
    assert len(_files(home)) == 3


def test_a_transfer_that_breaks_off_is_resumed(loopback: Any, home: Path, good: bytes) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    loopback.breaks["onnx/model.onnx"] = [100, 150]

    result = _hue("models", "pull", NAME)

    assert result.exit_code == 0, result.output
    assert loopback.count(r"GET .*model\.onnx") == 3
    assert _hue("models", "verify", NAME).stdout == f"{NAME}: sound\n"


def test_a_transfer_that_never_ends_leaves_nothing(loopback: Any, home: Path, good: bytes) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    loopback.breaks["onnx/model.onnx"] = [100] + [0] * 20

    result = _hue("models", "pull", NAME)

    assert result.exit_code == 1
    assert "could not be transferred" in result.stderr
    assert _files(home) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": b"#"}, "has no file 'onnx/model.onnx', so it was not made by `hue models push`"),
        ({"onnx/model.onnx": b"x", "SHA256SUMS": None}, "has no file 'SHA256SUMS'"),
        ({"onnx/model.onnx": b"x", "SHA256SUMS": b"0  other\n"}, "states no digest of onnx/model.onnx"),
        ({"onnx/model.onnx": b"x", "SHA256SUMS": b"nonsense\n"}, "SHA256SUMS is damaged"),
        ({"onnx/model.onnx": b"x", "SHA256SUMS": b"0" * 64 + b"  onnx/model.onnx\n"}, "expected SHA-256 000"),
        ({"onnx/model.onnx": b"no graph"}, "onnxruntime cannot open this model"),
    ],
)
def test_what_is_wrong_or_foreign_is_refused_and_leaves_the_cache_clean(
    loopback: Any, home: Path, files: dict[str, bytes | None], message: str
) -> None:
    loopback.commit(
        REPO,
        {path: content for path, content in files.items() if content is not None},
        sums="SHA256SUMS" not in files,
    )
    if "README.md" in files:
        loopback.commits[REPO][0][1]["SHA256SUMS"] = b"0" * 64 + b"  onnx/model.onnx\n"

    result = _hue("models", "pull", NAME)

    assert result.exit_code == 1
    assert message in result.stderr
    assert _files(home) == []


def test_an_onnx_file_of_another_kind_is_refused(
    loopback: Any, home: Path, photo: Path, make_tiny_model: Callable[..., bytes]
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": make_tiny_model(None)})

    result = _hue("colorize", photo, "-m", NAME)

    assert result.exit_code == 1
    assert "not exported by hue" in result.stderr
    assert _files(home) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:somebody/absent", "shows no such repository"),
        (f"{NAME}@v9", "has no revision 'v9'"),
        ("hf:somebody/secret", "shows no such repository"),
    ],
)
def test_what_is_not_there_is_said(
    loopback: Any, good: bytes, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    loopback.commit("somebody/secret", {"onnx/model.onnx": good})
    loopback.private.add("somebody/secret")
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")

    result = _hue("models", "pull", name)

    assert result.exit_code == 1
    assert message in result.stderr


def test_a_private_repository_opens_to_the_token(loopback: Any, good: bytes) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    loopback.private.add(REPO)

    assert _hue("models", "pull", NAME).exit_code == 0


@pytest.mark.parametrize(
    "name", ["hf:", "hf:one", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:a/b@", "hf:a/b@../c", "hf:a/b c"]
)
def test_names_that_no_repository_has_are_a_usage_error(home: Path, name: str) -> None:
    for command in (["models", "pull"], ["models", "path"], ["colorize", ".", "-m"]):
        result = _hue(*command, name)
        assert result.exit_code == 2
        assert "expected hf:ORG/REPO" in result.stderr


def test_offline_is_a_sentence_and_what_is_here_still_works(
    loopback: Any, home: Path, good: bytes, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    assert _hue("models", "pull", NAME).exit_code == 0
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(loopback.requests)

    assert _hue("colorize", photo, "-m", NAME).exit_code == 0
    absent = _hue("colorize", photo, "-m", f"{NAME}@main")

    assert absent.exit_code == 1
    assert "HF_HUB_OFFLINE=1 forbids the network" in absent.stderr
    assert len(loopback.requests) == asked


def test_without_a_network_it_says_so(loopback: Any, good: bytes, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    result = _hue("colorize", photo, "-m", NAME)

    assert result.exit_code == 1
    assert "could not be transferred from or to http://127.0.0.1:9" in result.stderr


def test_a_service_that_is_no_hub_is_named(loopback: Any, home: Path, good: bytes) -> None:
    loopback.commits[REPO] = [("", {})]
    loopback.names[REPO] = {"main": ""}

    result = _hue("models", "pull", NAME)

    assert result.exit_code == 1
    assert "names no commit" in result.stderr


def test_two_processes_that_pull_at_once_fetch_once(loopback: Any, home: Path, good: bytes) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    loopback.gate = threading.Event()
    command = [sys.executable, "-m", "hue_cli", "models", "pull", NAME]
    both = [
        subprocess.Popen(command, env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = []
    assert both[0].stderr is not None
    loopback.gate.set()
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert out.startswith(f"{NAME}: ")
        said.append(err)

    assert loopback.count(r"GET .*model\.onnx") == 1
    assert len(_files(home)) == 2
    assert _hue("models", "verify", NAME).exit_code == 0


def test_whoever_waits_is_told_and_takes_what_the_other_fetched(
    loopback: Any, home: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hue_cli.weights.cache import locked

    loopback.commit(REPO, {"onnx/model.onnx": good})
    assert _hue("models", "pull", NAME).exit_code == 0
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(NAME):
            held.set()
            done.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    threading.Timer(0.3, done.set).start()
    result = _hue("models", "pull", NAME)
    other.join()

    assert "Another hue is fetching the same model" in result.stderr
    assert loopback.count(r"GET .*model\.onnx") == 1


def test_a_killed_process_leaves_nothing_that_the_next_one_minds(loopback: Any, home: Path, good: bytes) -> None:
    (home / ".staging" / "hf_somebody_tiny").mkdir(parents=True)
    (home / ".staging" / "hf_somebody_tiny" / "half.incomplete").write_bytes(good[:50])
    loopback.commit(REPO, {"onnx/model.onnx": good})

    assert _hue("models", "pull", NAME).exit_code == 0
    assert not (home / ".staging").exists()


def test_a_damaged_file_of_the_cache_is_refused_and_pulled_again(
    loopback: Any, home: Path, good: bytes, release: Callable[[bytes], None], photo: Path
) -> None:
    loopback.commit(REPO, {"onnx/model.onnx": good})
    release(good)
    (home / "tiny").mkdir(parents=True)
    (home / "tiny" / "model.onnx").write_bytes(good[:-1])

    refused = _hue("colorize", photo)
    verified = _hue("models", "verify")
    pulled = _hue("models", "pull", "tiny")

    assert refused.exit_code == verified.exit_code == 1
    assert "Fetch it again with: hue models pull tiny" in refused.stderr
    assert pulled.exit_code == 0, pulled.output
    assert (home / "tiny" / "model.onnx").read_bytes() == good
    assert "tiny is here already" in _hue("models", "pull", "tiny").stderr


def test_a_damaged_list_of_the_cache_is_a_sentence(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "fetched.json").write_text("{")

    result = _hue("models", "list")

    assert result.exit_code == 1
    assert "Delete it; the models that it lists are fetched again" in result.stderr


def test_offline_switches_are_read_as_the_client_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    assert offline_switch() is None
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "yes")
    assert offline_switch() == "TRANSFORMERS_OFFLINE=yes"
