"""``hue data`` as typed: real files, a real server on this machine, real signals."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.data.catalogue import NAMES

SWITCHES = ("HUE_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HUE_DATA_URL", "HUE_HOME")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data home, and nothing set that changes how the network is asked."""
    for name in SWITCHES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setattr("hue_cli.data.download.FIRST_WAIT", 0.001)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def photo(number: int) -> bytes:
    stream = io.BytesIO()
    crop = data.astronaut()[20 * number : 20 * number + 180, 60:250]
    Image.fromarray(np.ascontiguousarray(crop)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.fixture(scope="module")
def archive() -> bytes:
    """A small val2017.zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for number in range(10):
            file.writestr(f"val2017/{number:012}.jpg", photo(number))
    return stream.getvalue()


@pytest.fixture
def mirror(loopback: Any, served: Any, archive: bytes) -> list[str]:
    """The options that fetch the small archive."""
    loopback.files["/val2017.zip"] = served(archive)
    return ["--base-url", loopback.url, "--sha256", hashlib.sha256(archive).hexdigest()]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        (folder / f"фото {number}.jpg").write_bytes(photo(number))
    return folder


def hue(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(result: Result, exit_code: int = 0) -> Result:
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def errors(result: Result) -> list[str]:
    return [line.removeprefix("Error: ") for line in result.stderr.splitlines() if line.startswith("Error: ")]


def test_the_list_has_every_name_and_what_is_here(mirror: list[str], home: Path) -> None:
    listed = done(hue("data", "list")).stdout
    for name in NAMES:
        assert name in listed
    assert "non-commercial research and education only" in listed
    done(hue("data", "fetch", "coco", *mirror))
    here = {row["name"]: row["here"] for row in rows(done(hue("data", "list", "--json")))}
    assert here == {name: str(home / "coco") if name == "coco" else None for name in NAMES}
    assert done(hue("data", "list", "--quiet")).output == ""


def test_a_fetch_says_what_comes_and_from_where(mirror: list[str], loopback: Any, home: Path) -> None:
    result = done(hue("data", "fetch", "coco", *mirror))
    assert "coco: COCO 2017, validation images, 5,000 photos" in result.stderr
    assert f"from    {loopback.url}/val2017.zip" in result.stderr
    assert "terms   Flickr photos, each under its own licence" in result.stderr
    assert result.stdout.startswith(f"coco: 8 train, 2 val photos in {home / 'coco'}, manifest ")
    again = done(hue("data", "fetch", "coco"))
    assert again.stdout == result.stdout
    assert again.stderr == ""


def test_a_dry_run_only_says(loopback: Any, home: Path) -> None:
    result = done(hue("data", "fetch", *NAMES, "--dry-run", "--base-url", loopback.url))
    assert result.stdout.count("terms   ") == len(NAMES)
    assert len(rows(done(hue("data", "fetch", *NAMES, "--dry-run", "--json")))) == len(NAMES)
    assert loopback.asked == []
    assert not home.exists()


def test_json_and_quiet_leave_standard_output_to_programs(mirror: list[str]) -> None:
    result = done(hue("data", "fetch", "coco", *mirror, "--json"))
    (row,) = rows(result)
    assert (row["name"], row["counts"]) == ("coco", {"train": 8, "val": 2, "test": 0})
    assert row["archives"][0]["checked"] == f"sha256:{mirror[-1]}"
    assert result.stderr == ""
    assert done(hue("data", "fetch", "coco", "--quiet")).output == ""


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_s_refusal_is_a_sentence(mirror: list[str], loopback: Any, status: int) -> None:
    loopback.files["/val2017.zip"].statuses = [status] * 9
    (said,) = errors(done(hue("data", "fetch", "coco", *mirror), 1))
    assert f"the server answered {status}" in said
    assert "--base-url" in said


def test_a_wrong_digest_is_a_sentence(mirror: list[str], home: Path) -> None:
    (said,) = errors(done(hue("data", "fetch", "coco", *mirror[:-1], "0" * 64), 1))
    assert "this is not the archive that was expected" in said
    assert list((home / "archives").iterdir()) == []


def test_a_hostile_archive_is_a_sentence(loopback: Any, served: Any, home: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("val2017/../../../evil.jpg", photo(1))
    content = stream.getvalue()
    loopback.files["/val2017.zip"] = served(content)
    digest = hashlib.sha256(content).hexdigest()
    (said,) = errors(done(hue("data", "fetch", "coco", "--base-url", loopback.url, "--sha256", digest), 1))
    assert "leads out of the folder" in said
    assert not list(home.parent.rglob("evil*"))


def test_one_that_fails_does_not_stop_the_others(
    mirror: list[str], loopback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(hue("data", "fetch", "coco", *mirror))
    monkeypatch.setenv("HUE_DATA_URL", loopback.url)
    result = done(hue("data", "fetch", "places365", "coco", "--json"), 1)
    assert [row["name"] for row in rows(result)] == ["places365", "coco"]
    assert "404" in rows(result)[0]["error"]
    assert len(errors(result)) == 1


def test_offline_is_a_sentence(mirror: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUE_OFFLINE", "1")
    (said,) = errors(done(hue("data", "fetch", "coco", *mirror), 1))
    assert "HUE_OFFLINE=1 forbids to fetch it" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch", "imagenet"], "No data set is called 'imagenet'. There are: kaggle"),
        (["fetch", "kaggle", "--sha256", "0" * 64], "--sha256: is the digest of one archive"),
        (["fetch", "coco", "ade20k", "--sha256", "0" * 64], "--sha256: is the digest of one archive"),
        (["fetch", "coco", "--sha256", "12"], "--sha256 12: expected 64 hexadecimal digits"),
        (["fetch", "coco", "--base-url", "mirror"], "mirror: expected the address of a mirror"),
        (["info", "nowhere"], "nowhere: expected a folder of photos, a tar or a photo, found nothing there"),
        (["info", "coco", "--verify"], "--verify: no manifest says what coco should be"),
        (["info", "photos", "--verify"], "--verify: no manifest says what photos should be"),
        (["prepare", "photos", "out", "--split", "90/20"], "--split 90/20: expected two or three shares"),
        (["prepare", "nowhere", "out"], "nowhere: expected a folder of photos"),
        (["prepare", "photos", "photos/out"], "lies among the photos"),
    ],
)
@pytest.mark.usefixtures("photos")
def test_wrong_usage_is_one_sentence(arguments: list[str], said: str) -> None:
    (found,) = errors(done(hue("data", *arguments), 2))
    assert said in found


def test_what_is_known_of_a_name(mirror: list[str]) -> None:
    absent = done(hue("data", "info", "coco"))
    assert "Fetch it: hue data fetch coco" in absent.stderr
    assert "CC BY 4.0" in absent.stdout
    done(hue("data", "fetch", "coco", *mirror))
    (facts,) = rows(done(hue("data", "info", "coco", "--json")))
    assert facts["counts"] == {"train": 8, "val": 2, "test": 0}
    assert facts["missing"] == []
    assert len(facts["manifest"]) == 64


def test_what_lies_in_a_folder(photos: Path) -> None:
    (facts,) = rows(done(hue("data", "info", photos, "--json")))
    assert facts["photos"] == 12
    assert facts["short_side"] == {"smallest": 180, "median": 180, "largest": 180}
    (photos / "bad.jpg").write_bytes(b"none")
    result = done(hue("data", "info", photos), 1)
    assert "bad.jpg: left out, it cannot be read (no picture in a format that hue reads)." in result.stderr


def test_changed_photos_are_found(mirror: list[str], home: Path) -> None:
    done(hue("data", "fetch", "coco", *mirror))
    some = next((home / "coco").rglob("*.jpg"))
    some.write_bytes(bytes(some.stat().st_size))
    done(hue("data", "info", "coco"))
    (said,) = errors(done(hue("data", "info", "coco", "--verify"), 1))
    assert said == f"{some}: is missing, or not what the manifest says."
    some.unlink()
    assert len(errors(done(hue("data", "info", "coco"), 1))) == 1


def test_photos_are_prepared_and_the_result_explains_itself(photos: Path, tmp_path: Path) -> None:
    arguments = ["data", "prepare", photos, "out", "--size", 96, "--split", "60/30/10", "--pad", "--workers", 2]
    result = done(hue(*arguments))
    assert result.stdout.startswith("Prepared 12 photos in ")
    assert "2 processes" in result.stdout
    sizes = set()
    for path in (tmp_path / "out").rglob("*.jpg"):
        with Image.open(path) as image:
            sizes.add(image.size)
    assert sizes == {(96, 96)}
    (photos / "bad.jpg").write_bytes(b"none")
    again = done(hue(*arguments, "--json"), 1)
    *each, last = rows(again)
    assert {row["status"] for row in each} == {"skipped", "failed"}
    assert last["summary"]["skipped"] == 12
    assert last["summary"]["failed"] == 1
    assert sum(last["summary"]["counts"].values()) == 12
    (facts,) = rows(done(hue("data", "info", "out", "--verify", "--json")))
    assert facts["counts"] == last["summary"]["counts"]
    assert done(hue(*arguments[:-2], "--quiet"), 1).stdout == ""


@pytest.mark.slow
def test_training_and_scoring_heed_the_manifest(mirror: list[str], tiny_model: Path) -> None:
    done(hue("data", "fetch", "coco", *mirror))
    small = ["--size", 176, "--batch-size", 2, "--precision", "float32", "--max-images", 2, "--epochs", 1]
    done(hue("train", "--model", "residual", "--dataset", "coco", *small, "--device", "cpu", "--output", "r"))
    run = json.loads(Path("r/run.json").read_text(encoding="utf-8"))
    (facts,) = rows(done(hue("data", "info", "coco", "--json")))
    assert run["dataset"] == "coco"
    assert run["manifest"] == facts["manifest"]
    result = done(hue("eval", "--model", tiny_model, "--dataset", "coco", "--metrics", "psnr", "--json"))
    (scores,) = rows(result)
    assert (scores["dataset"], scores["photos"]) == ("coco (validation)", 2)


def start(*arguments: object, **changes: str) -> subprocess.Popen[str]:
    """Start the program itself, in a group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "hue_cli", *map(str, arguments)],
        env={**os.environ, **changes},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_fetch_that_was_killed_goes_on(mirror: list[str], loopback: Any, home: Path) -> None:
    file = loopback.files["/val2017.zip"]
    file.stalls = 70_000
    process = start("data", "fetch", "coco", *mirror)
    part = home / "archives" / "val2017.zip.part"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size >= 65_536):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    file.stalls = None
    file.released.set()
    done(hue("data", "fetch", "coco", *mirror))
    assert [wanted for _, _, wanted in loopback.asked] == [None, "bytes=65536-"]


def test_ctrl_c_leaves_whole_photos_and_the_next_run_goes_on(photos: Path, tmp_path: Path) -> None:
    for number in range(20):
        (photos / f"copy {number}.jpg").write_bytes((photos / "фото 1.jpg").read_bytes())
    process = start("data", "prepare", photos, "out", "--size", 2000, "--pad", "--workers", 2)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "out").glob("train/*.jpg")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert said.strip() == "Error: Interrupted. Nothing was left half-written."
    finished = list((tmp_path / "out").rglob("*.jpg"))
    assert 0 < len(finished) < 32
    for path in finished:
        with Image.open(path) as image:
            image.load()
    assert not list((tmp_path / "out").rglob("*.part"))
    result = done(hue("data", "prepare", photos, "out", "--size", 2000, "--pad", "--workers", 2))
    assert f"Skipped {len(finished)} that were there already." in result.stdout


@pytest.mark.parametrize(
    "command", [["data"], ["data", "list"], ["data", "info"], ["data", "fetch"], ["data", "prepare"]]
)
def test_help_has_examples(command: list[str]) -> None:
    text = done(hue(*command, "--help")).stdout
    assert "hue data" in text
