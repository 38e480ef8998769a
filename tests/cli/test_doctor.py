"""``hue doctor`` finds what is broken, says what to do, and breaks at nothing itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hue_cli.cli import checks
from hue_cli.cli.app import app
from hue_cli.infer import providers, session
from hue_cli.infer.providers import Runtime
from hue_cli.weights import resolve

SOUND = Runtime(version="1.0", reasons={"CUDAExecutionProvider": "no library", "CPUExecutionProvider": ""})
Doctor = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Doctor:
    """Runs the command on a machine without torch, with a driver or without; returns its exit code and checks."""
    monkeypatch.setenv("HUE_HOME", str(tmp_path))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(checks, "find_spec", lambda _name: None)

    def run(runtime: Runtime = SOUND, *, driver: bool = False, wheels: tuple[str, ...] = ("onnxruntime",)) -> Any:
        monkeypatch.setattr(providers, "probe", lambda: runtime)
        monkeypatch.setattr(session, "driver_is_there", lambda: driver)

        def version(name: str) -> str:
            if name in wheels:
                return "1.0"
            raise metadata.PackageNotFoundError

        monkeypatch.setattr(metadata, "version", version)
        result = CliRunner().invoke(app, ["doctor", "--json"])
        report = json.loads(result.stdout)
        assert report["sound"] == (result.exit_code == 0)
        return result.exit_code, {check["name"]: check for check in report["checks"]}

    return run


def test_a_sound_machine_without_a_card_is_sound(doctor: Doctor) -> None:
    code, found = doctor()

    assert code == 0
    assert found["CPU"]["state"] == "ok"
    assert found["CUDA"]["state"] == "note"
    assert "so the CPU is used" in found["CUDA"]["found"]
    assert "does not need it" in found["torch"]["found"]
    assert found["model"]["state"] == "ok"
    assert found["network"]["state"] == "ok"


def test_a_card_that_cannot_be_used_is_a_problem_with_a_remedy(doctor: Doctor) -> None:
    code, found = doctor(driver=True)

    assert code == 1
    assert "there is an NVIDIA driver, but: no library" in found["CUDA"]["found"]
    assert "pip install" in found["CUDA"]["remedy"]


def test_a_card_that_runs_is_ok_with_its_packages(doctor: Doctor) -> None:
    runtime = Runtime(version="1.0", reasons={"CUDAExecutionProvider": "", "CPUExecutionProvider": ""})

    code, found = doctor(runtime, driver=True, wheels=("onnxruntime-gpu", "nvidia-cudnn-cu13"))

    assert code == 0
    assert found["CUDA"]["found"] == "runs; packages: nvidia-cudnn-cu13 1.0"


def test_a_runtime_without_cuda_beside_a_card_is_worth_a_note(doctor: Doctor) -> None:
    code, found = doctor(Runtime(version="1.0", reasons={"CPUExecutionProvider": ""}), driver=True)

    assert code == 0
    assert "built without CUDA" in found["CUDA"]["found"]
    assert "onnxruntime-gpu" in found["CUDA"]["remedy"]


def test_two_wheels_that_overwrite_each_other_are_named_with_the_way_out(doctor: Doctor) -> None:
    code, found = doctor(wheels=("onnxruntime", "onnxruntime-gpu"))

    wheels = found["onnxruntime wheels"]
    assert code == 1
    assert wheels["state"] == "problem"
    assert wheels["remedy"] == "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"


@pytest.mark.parametrize(
    ("runtime", "name"),
    [
        (Runtime(error="it ended the process with code -11"), "onnxruntime"),
        (Runtime(version="1.0", reasons={"CPUExecutionProvider": "it gave no answer in 60 seconds"}), "CPU"),
    ],
)
def test_a_broken_runtime_is_a_problem(doctor: Doctor, runtime: Runtime, name: str) -> None:
    code, found = doctor(runtime)

    assert code == 1
    assert found[name]["state"] == "problem"
    assert "pip install --force-reinstall onnxruntime" in found[name]["remedy"]


def test_a_broken_index_is_one_problem_and_the_rest_is_still_looked_at(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resolve, "weight_folders", lambda: [tmp_path])

    code, found = doctor()

    assert code == 1
    assert "Install hue again" in found["models"]["found"]
    assert "network" in found


def test_switches_are_shown_and_secrets_are_not(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    _, found = doctor()

    assert found["network"] == {
        "name": "network",
        "state": "note",
        "found": "HF_HUB_OFFLINE=1 forbids it",
        "remedy": "",
    }
    assert f"HUE_HOME={tmp_path}" in found["environment"]["found"]
    assert "HF_TOKEN is set" in found["environment"]["found"]
    assert "secret" not in json.dumps(found)


def test_people_get_lines_and_a_last_word(doctor: Doctor) -> None:
    doctor()
    sound = CliRunner().invoke(app, ["doctor"])
    doctor(driver=True)
    unsound = CliRunner().invoke(app, ["doctor"])

    assert sound.stdout.endswith("Everything that hue colorize needs is here.\n")
    assert (unsound.exit_code, unsound.stderr) == (1, "Error: 1 problem found.\n")
    assert "→" in unsound.stdout


def test_the_cpu_really_runs() -> None:
    """Asked of the real onnxruntime, in real processes."""
    runtime = providers.probe()

    assert runtime.reasons["CPUExecutionProvider"] == ""
    assert runtime.version
    assert providers.run_here("CPUExecutionProvider") == ""


def test_a_crash_and_a_long_wait_are_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell = tmp_path / "python"
    monkeypatch.setattr(providers, "_SECONDS", 0.2)
    for program, reason in (
        ("kill -11 $$", "it ended the process with code -11"),
        ("echo 'E : FAIL : no libcuda' >&2; exit 3", "it ended the process with code 3 (no libcuda)"),
        ("exec sleep 30", "it gave no answer in 0.2 seconds"),
    ):
        shell.write_text(f"#!/bin/sh\n{program}\n")
        shell.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(shell))
        assert providers.probe().error == reason


@pytest.mark.slow
def test_torch_is_asked_in_a_process_of_its_own() -> None:
    (check,) = checks._torch()

    assert check.state is checks.State.OK
    assert "; cards: " in check.found
