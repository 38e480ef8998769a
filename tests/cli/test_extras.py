"""The base install has no extras: a command that needs one says in one sentence what to install."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hue_cli.cli.app import _TRAIN_EXTRA, error_edge

ROOT = Path(__file__).resolve().parents[2]
_IMPORTED_AS = {"scikit-image": "skimage", "torch-fidelity": "torch_fidelity"}
_IN_THE_BASE = {"pyyaml"}  # the hub's client needs it too

# None makes an import fail as it does where the package is not installed.
_WITHOUT = "import sys; sys.modules.update(dict.fromkeys({packages!r})); from hue_cli.cli.app import main; main()"


def test_every_package_of_the_extra_has_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {each.split(">")[0].strip() for each in extras["train"]} - _IN_THE_BASE

    assert {_IMPORTED_AS.get(name, name) for name in names} == _TRAIN_EXTRA
    for package in sorted(_TRAIN_EXTRA):
        with pytest.raises(SystemExit) as ended, error_edge("train"):
            raise ModuleNotFoundError(name=package)
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"`hue train` needs the package '{package}'" in said
        assert "pip install '.[train]'" in said


def test_a_package_that_no_extra_brings_is_a_bug_and_keeps_its_traceback() -> None:
    with pytest.raises(ModuleNotFoundError), error_edge("train"):
        raise ModuleNotFoundError(name="colorsys2")


@pytest.mark.parametrize(
    "line",
    [
        "train --dataset .",
        "eval --dataset .",
        "export hue-s",
        "models push . hf:somebody/model",
        "data fetch coco",
    ],
)
def test_commands_that_need_it_name_themselves(line: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(packages=sorted(_TRAIN_EXTRA)), *line.split()],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert found.returncode == 2, found.stderr
    words = [word for word in line.split() if word.isalpha() and word not in ("coco",)]
    assert f"`hue {' '.join(words)}` needs the package" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("line", ["colorize --help", "models list", "models verify hue-s", "data list"])
def test_the_rest_does_without(line: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(packages=sorted(_TRAIN_EXTRA)), *line.split()],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert found.returncode == 0, found.stderr
