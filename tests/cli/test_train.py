"""``hue train`` as typed: real recipes, real files, real signals."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage import data
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.cli.train import _expand
from hue_cli.models.build import build_network
from hue_cli.models.trained import read_run
from hue_cli.recipes import RECIPES
from hue_cli.train.options import DEFAULT_MODEL

ROOT = Path(__file__).parents[2]
SMALL = ["--size", "176", "--batch-size", "2", "--precision", "float32"]


@pytest.fixture(autouse=True)
def _calm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, Ctrl-C as at a terminal, no data set at hand and no network."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setenv("HUE_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "none"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    yield
    signal.signal(signal.SIGINT, handler)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(6):
        crop = data.astronaut()[40 * number : 40 * number + 180, 60:250]
        Image.fromarray(np.ascontiguousarray(crop)).save(folder / f"фото {number}.png")
    return folder


def hue(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def train(*arguments: object) -> Result:
    return hue("train", "--model", "residual", *SMALL, *arguments)


def one_sentence(result: Result, exit_code: int = 2) -> str:
    """The error's text, which is all that was said besides notes; no traceback."""
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "Traceback" not in result.output
    return errors[0].removeprefix("Error: ")


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "r"
    result = train("--dataset", photos, "--output", folder, "--max-images", 4, "--epochs", 1, "--json")
    assert result.exit_code == 0, result.output
    (report,) = (json.loads(line) for line in result.stdout.splitlines())
    assert (report["run"], report["finished"]) == (str(folder), True)
    assert set(report["val"]) == {"psnr", "psnr_over_grey", "cf_abs_share", "raw_mse", "raw_msssim"}
    return folder


def test_the_run_folder_is_complete(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == [
        "curve.png", "history.jsonl", "metrics.json", "run.json", "run.yaml", "samples", "state.safetensors",
        "tensorboard", "weights.safetensors",
    ]  # fmt: skip
    build_network(RECIPES["residual"].net).load_state_dict(load_file(run / "weights.safetensors"), strict=True)
    with Image.open(run / "curve.png") as curve:
        curve.load()
    with Image.open(run / "samples" / "1-grey.png") as grid:
        assert grid.width == 4 * 176
        assert grid.height % 176 == 0
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["step"] == 2
    assert "loss/1-msssim" in rows[-1]
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss/1-msssim")] == [row["step"] for row in rows]
    assert set(json.loads((run / "metrics.json").read_text(encoding="utf-8"))) == {"val", "steps"}


def test_files_of_a_run_are_as_readable_as_any_other(run: Path, tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    usual = (tmp_path / "any").stat().st_mode
    assert {path.name for path in run.rglob("*") if path.is_file() and path.stat().st_mode != usual} == set()


def test_the_run_describes_itself(run: Path) -> None:
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert facts["finished"] is True
    assert facts["recipe"]["name"] == "residual"
    assert facts["recipe"]["stages"][0]["epochs"] == 1
    assert (facts["steps"], facts["photos_seen"], facts["epochs_seen"]) == (2, 4, 1)
    assert facts["photos"]["train"] + facts["photos"]["val"] <= 6
    assert facts["options"]["max_images"] == 4
    assert {"digest", "command", "versions", "seed", "dataset", "parameters", "device", "precision"} <= facts.keys()
    assert {"encoder_weights", "minutes", "metrics"} <= facts.keys()


def test_export_takes_the_run_folder(run: Path) -> None:
    trained = read_run(run)
    assert trained.recipe.name == "residual"
    assert trained.recipe.digest() == trained.facts["digest"]


def test_a_finished_run_is_not_overwritten_and_can_be_resumed(run: Path, photos: Path) -> None:
    said = one_sentence(train("--dataset", photos, "--output", run), exit_code=1)
    assert said == f"{run}: a run lies there already. Go on with --resume, or name another with --output."
    before = (run / "weights.safetensors").read_bytes()
    again = train("--dataset", photos, "--output", run, "--max-images", 4, "--epochs", 1, "--resume")
    assert again.exit_code == 0, again.output
    assert (run / "weights.safetensors").read_bytes() == before


def test_a_run_goes_on_alone_and_remembers_every_command(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    first = ["hue", "train", "--dataset", str(photos), "--output", str(folder), "--max-images", "2", "--epochs", "1"]
    monkeypatch.setattr("sys.argv", first)
    assert train(*first[2:], "--seed", 5).exit_code == 0
    start = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (start["command"], start["resumed"]) == (first, [])

    for more in ([], ["--max-minutes", "9", "--device", "cpu"]):
        monkeypatch.setattr("sys.argv", ["hue", "train", "--output", str(folder), "--resume", *more])
        result = hue("train", "--output", folder, "--resume", *more)
        assert result.exit_code == 0, result.output
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert facts["command"] == first
    assert [command[5:] for command in facts["resumed"]] == [[], ["--max-minutes", "9", "--device", "cpu"]]
    assert facts["options"]["dataset"] == [str(photos)]
    assert (facts["options"]["seed"], facts["options"]["max_minutes"]) == (5, 9.0)
    assert facts["recipe"] == start["recipe"]
    assert facts["recipe"]["name"] == "residual"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--epochs", "3"],
            r"--epochs 3: the run in \S+ was started with --epochs 1\. Resume it without this option.*",
        ),
        (["--seed", "1"], r"--seed 1: the run in \S+ was started without it\. .*"),
        (
            ["--model", "cnn-curriculum"],
            r"--model cnn-curriculum: the run in \S+ was started with --model residual\. .*",
        ),
        (["--dataset", "others"], r"\S+: the run was started with 4 photos of digest [0-9a-f]{12} \(train\), and .*"),
        (["--val", "others"], r"\S+: the run was started with 4 photos of .* --val if they have moved, .*"),
    ],
)
def test_what_a_run_was_started_with_does_not_change(
    run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("others").mkdir()
    for path in photos.iterdir():
        Path("others", f"other {path.name}").write_bytes(path.read_bytes())
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    text = one_sentence(hue("train", "--output", run, "--resume", *options), exit_code=1)

    assert re.fullmatch(said, text), text
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_photos_that_have_moved_are_the_same_photos(run: Path, photos: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(photos, tmp_path / "moved")
    result = hue("train", "--output", run, "--dataset", moved, "--resume")
    assert result.exit_code == 0, result.output


def test_a_run_goes_on_as_it_began_after_its_recipe_has_changed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(run, tmp_path / "r")
    began = json.loads((folder / "run.json").read_text(encoding="utf-8"))["recipe"]
    newer = RECIPES["residual"]
    monkeypatch.setitem(
        RECIPES, "residual", replace(newer, optim=replace(newer.optim, lr=1.0), departures=("Another rate.",))
    )

    result = hue("train", "--output", folder, "--resume")

    assert result.exit_code == 0, result.output
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["recipe"] == began


def test_a_run_without_a_record_does_not_go_on(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "r")
    for text in ("{", "[]", '{"options": {}}'):
        (folder / "run.json").write_text(text, encoding="utf-8")
        said = one_sentence(hue("train", "--output", folder, "--resume"), exit_code=1)
        assert said.startswith(f"{folder / 'run.json'}: expected the record of an interrupted run (")


def when(condition: Callable[[], bool], act: Callable[[], object], seconds: float = 240) -> threading.Thread:
    """Wait for a condition in the background, then act."""

    def wait() -> None:
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_goes_on(photos: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "r"
    arguments = ("--dataset", photos, "--output", folder, "--max-images", 2, "--epochs", 3)
    waiting = when((folder / "weights.safetensors").exists, lambda: os.kill(os.getpid(), number))
    result = train(*arguments)
    waiting.join()
    assert result.exit_code == 130, result.output
    assert f"Warning: stopped early; go on with: --output {folder} --resume" in result.stderr
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert facts["finished"] is False
    assert 0 < facts["steps"] < 3
    result = train(*arguments, "--resume")
    assert result.exit_code == 0, result.output
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (facts["finished"], facts["steps"]) == (True, 3)


def test_a_killed_run_goes_on(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    arguments = ["--dataset", str(photos), "--output", str(folder), "--max-images", "4", "--epochs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hue_cli", "train", "--model", "residual", *SMALL, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    when(lambda: (folder / "state.safetensors").exists() or process.poll() is not None, process.kill).join()
    assert process.wait() == -signal.SIGKILL
    result = train(*arguments, "--resume")
    assert result.exit_code == 0, result.output
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (facts["finished"], facts["steps"]) == (True, 4)


def test_a_run_begins_with_another_s_weights(run: Path, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    options = ("--dataset", photos, "--max-images", 2, "--epochs", 1, "--lr", 1e-9)
    result = train(*options, "--output", folder, "--init", run)
    assert result.exit_code == 0, result.output
    before, after = load_file(run / "weights.safetensors"), load_file(folder / "weights.safetensors")
    kernels = [name for name in before if before[name].dim() == 4]
    assert all(torch.allclose(before[name], after[name], atol=1e-7) for name in kernels)
    facts, origin = (json.loads((path / "run.json").read_text(encoding="utf-8")) for path in (folder, run))
    assert facts["init"] == {
        "weights": str(run),
        "sha256": hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest(),
        "recipe": "residual",
        "digest": origin["digest"],
        "steps": 2,
    }
    assert facts["encoder_weights"] == origin["encoder_weights"]

    again = hue("train", "--output", folder, "--resume")
    assert again.exit_code == 0, again.output
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["init"] == facts["init"]


@pytest.mark.parametrize(
    ("init", "said"),
    [
        (
            "hue-s",
            r"--init hue-s: expected a run folder of `hue train` or its weights\.safetensors\. ONNX files and .*",
        ),
        ("other", r"--init other: expected weights of the very network .* found those of recipe 'residual': .*"),
        ("alone.safetensors", r"--init alone\.safetensors: expected weights .* found others: .*"),
        ("text.safetensors", r"text\.safetensors: expected weights as `hue train` writes them, found none .*"),
    ],
)
def test_weights_of_another_network_are_refused(
    run: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, "other")
    shutil.copy(run / "weights.safetensors", "alone.safetensors")
    Path("text.safetensors").write_text("no weights")
    result = hue("train", "--model", "cnn-curriculum", "--dataset", photos, "--output", "r", "--init", init)
    text = one_sentence(result, exit_code=result.exit_code)
    assert re.fullmatch(said, text), text
    assert not Path("r").exists()


def test_tars_from_a_shell_s_wildcard(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(photos.iterdir())
    for name, members in (("a", files[:3]), ("b", files[3:5]), ("v", files[5:])):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            for path in members:
                tar.add(path, path.name)
    monkeypatch.chdir(tmp_path)
    result = train("--val", "v.tar", "--output", "r", "--epochs", 1, "--dataset", "a.tar", "b.tar")
    assert result.exit_code == 0, result.output
    facts = json.loads(Path("r", "run.json").read_text(encoding="utf-8"))
    assert facts["dataset"] == "a.tar, b.tar"
    assert (facts["photos"]["train"], facts["photos"]["val"]) == (5, 1)
    # Windows' shells leave wildcards to the program.
    assert _expand(["[ab].tar", "v.tar", "x*.tar"]) == ("a.tar", "b.tar", "v.tar", "x*.tar")
    assert _expand([f"{tmp_path}/?.tar"]) == tuple(str(tmp_path / name) for name in ("a.tar", "b.tar", "v.tar"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Nothing to train on. Name it: --dataset kaggle, --dataset FOLDER or --dataset photos.tar."),
        (["--dataset", "nowhere"], r"nowhere: expected a folder of photos, a tar or a photo, found nothing there\..*"),
        (["--dataset", ".", "--model", "resnet"], r"No recipe is called 'resnet'\. There are: .*residual.*"),
        (["--dataset", ".", "--max-minutes", "0"], r"--max-minutes 0: expected more than 0\."),
        (["--dataset", ".", "--lr", "0"], r"--lr 0: expected more than 0\."),
        (["--dataset", ".", "--size", "100"], r"--size 100: residual-curriculum takes multiples of 16 from 176 .*"),
        (
            ["--dataset", ".", "--epochs", "3"],
            r"--epochs 3: residual-curriculum has 4 stages, one epoch each or more\.",
        ),
        (["--dataset", ".", "--precision", "float8"], r"--precision float8: expected auto, float32 or bfloat16\."),
        (["--dataset", ".", "--device", "tpu"], r"--device tpu: expected auto, cpu, cuda, cuda:N or mps\."),
        (["--dataset", ".", "--output", "r"], r"\.?: ?expected two colour photos or more, .* found 0\..*"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = one_sentence(hue("train", *arguments))
    assert re.fullmatch(said, text), text
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_that_cannot_be_had_is_one_sentence() -> None:
    text = one_sentence(hue("train", "--dataset", "kaggle"), exit_code=1)
    assert text.startswith("The data set 'kaggle' could not be fetched: Kaggle cannot be reached. ")
    assert text.endswith(" --dataset FOLDER.")


@pytest.mark.parametrize(
    "arguments", [["--epochs", "0"], ["--seed", "-1"], ["--seed", str(2**32)], ["--batch-size", "x"]]
)
def test_numbers_out_of_range_are_usage(arguments: list[str]) -> None:
    result = hue("train", "--dataset", ".", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_nothing_to_resume(photos: Path, tmp_path: Path) -> None:
    said = one_sentence(train("--dataset", photos, "--output", tmp_path / "r", "--resume"), exit_code=1)
    assert said.endswith("expected an interrupted run, found none. Name its folder with --output.")
    assert not (tmp_path / "r").exists()


def test_a_run_folder_that_cannot_be_made_costs_no_reading(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = one_sentence(train("--dataset", photos, "--output", tmp_path / "file" / "r"), exit_code=1)
    assert "the run cannot be written (Not a directory)" in said
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        said = one_sentence(train("--dataset", photos, "--output", tmp_path / "locked" / "r"), exit_code=1)
        assert "the run cannot be written (Permission denied)" in said


def test_a_full_disk_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        result = train("--dataset", photos, "--output", tmp_path / "r", "--max-images", 2, "--epochs", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "state.safetensors: cannot be written (File too large)" in one_sentence(result, exit_code=1)


def test_names_that_are_no_text_are_trained_on(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    try:
        for number, path in enumerate(sorted(photos.iterdir())[:2]):
            (folder / os.fsdecode(b"caf\xe9 %d.png" % number)).write_bytes(path.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    (folder / os.fsdecode(b"caf\xe9 bad.png")).write_bytes(b"")
    result = train("--dataset", folder, "--output", tmp_path / "r", "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert r"left out caf\udce9 bad.png: no picture in a format that hue reads" in result.stderr


def test_a_damaged_tar_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.tar").write_bytes(b"\x1f\x8b not a tar")
    said = one_sentence(train("--dataset", tmp_path / "cut.tar", "--output", tmp_path / "r"))
    assert "cut.tar: expected a readable tar, found a damaged one" in said
    assert not (tmp_path / "r").exists()


def test_the_examples_of_the_manual(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "commands" / "train.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("photos").symlink_to(photos)
    for line in block.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "hue"
        result = hue(*arguments)
        assert result.exit_code == 0, result.output
    assert "Next: hue export runs/first -o model.onnx" in result.stderr


def test_the_manual_s_options_exist() -> None:
    page = (ROOT / "docs" / "commands" / "train.md").read_text(encoding="utf-8")
    known = set(re.findall(r"--[a-z-]+", hue("train", "--help").output))
    assert set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", page)) <= known
    assert f"Default: {DEFAULT_MODEL}." in " ".join(hue("train", "--help").output.replace("│", " ").split())


def test_the_list_shows_every_system() -> None:
    (report,) = (json.loads(line) for line in hue("train", "--list", "--json").stdout.splitlines())
    systems = {system["name"]: system for system in report["systems"]}
    assert list(systems) == list(RECIPES)
    assert systems["residual"] == {
        "name": "residual",
        "parameters": 3_366_067,
        "gmac": 1.57,
        "size": "176",
        "epochs": 100,
        "batch": 16,
        "loss": "1-msssim",
        "lr": "0.001 cosine",
        "paper": "Residual Autoencoder with Curriculum Learning for Image Colorization",
    }
    shown = hue("train", "--list")
    assert shown.exit_code == 0
    assert all(name in shown.stdout for name in RECIPES)


def test_a_run_is_repeated_by_its_own_file(run: Path, tmp_path: Path) -> None:
    again = hue("train", "--config", run / "run.yaml", "--output", tmp_path / "again")
    assert again.exit_code == 0, again.output
    one, other = (load_file(folder / "weights.safetensors") for folder in (run, tmp_path / "again"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (tmp_path / "again" / "run.yaml").read_text() == (run / "run.yaml").read_text()

    other_seed = hue("train", "--config", run / "run.yaml", "--output", tmp_path / "seed", "--seed", 1)
    assert other_seed.exit_code == 0, other_seed.output
    facts = json.loads((tmp_path / "seed" / "run.json").read_text(encoding="utf-8"))
    assert (facts["seed"], facts["options"]["max_images"], facts["recipe"]["name"]) == (1, 4, "residual")
