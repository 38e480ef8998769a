"""``hue models`` for what is here, without a hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app

ROOT = Path(__file__).resolve().parents[3]


def _hue(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_the_list_shows_every_released_model(home: Path) -> None:
    index = json.loads((ROOT / "weights" / "index.json").read_text(encoding="utf-8"))

    table = _hue("list").stdout
    rows = {row["name"]: row for row in map(json.loads, _hue("list", "--json").stdout.splitlines())}

    assert set(rows) == set(index["models"])
    for name, row in rows.items():
        assert name in table
        assert row["default"] == (name == index["default"])
        assert row["sha256"] == index["models"][name]["sha256"]
        assert Path(row["path"]).is_file()
    assert f"{rows[index['default']]['metrics']['psnr']:.4g}" in table


def test_the_list_needs_no_network_library_and_no_runtime(home: Path) -> None:
    program = (
        "import sys; from hue_cli.cli.app import main; sys.argv = ['hue', 'models', 'list']\n"
        "try: main()\n"
        "finally: print('heavy:', *sorted({'huggingface_hub', 'onnxruntime', 'torch'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)

    assert found.stdout.splitlines()[-1].strip() == "heavy:", found.stderr


def test_a_narrow_terminal_gets_blocks_instead_of_columns(home: Path) -> None:
    environment = {**os.environ, "COLUMNS": "40", "TTY_COMPATIBLE": "1", "NO_COLOR": "1"}

    found = subprocess.run(
        [sys.executable, "-m", "hue_cli", "models", "list"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert "model: hue-s (default)\nwhere: bundled\n" in found.stdout
    assert "\x1b[" not in found.stdout


def test_info_tells_the_contract(home: Path, tiny_model: Path) -> None:
    text = _hue("info", tiny_model).stdout
    facts = json.loads(_hue("info", tiny_model, "--json").stdout)

    assert "multiple of    16" in text
    assert facts["licence"] == "Apache-2.0"
    assert facts["bytes"] == tiny_model.stat().st_size
    assert json.loads(_hue("info", "hue-s", "--json").stdout)["where"] == "bundled"
    assert json.loads(_hue("info", "hf:somebody/tiny", "--json").stdout) == {
        "name": "hf:somebody/tiny",
        "where": "hub",
        "hub": "hf:somebody/tiny@main",
    }


def test_the_path_is_one_line_for_programs(home: Path) -> None:
    (line,) = _hue("path", "residual-curriculum").stdout.splitlines()

    assert Path(line).is_file()
    assert _hue("path", "hf:somebody/tiny").exit_code == 1


def test_what_came_with_hue_is_not_removed(home: Path) -> None:
    result = _hue("remove", "hue-s")

    assert result.exit_code == 1
    assert "came with hue and is not in the cache" in result.stderr
    assert Path(_hue("path", "hue-s").stdout.strip()).is_file()


def test_verify_tells_programs_what_is_wrong(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no graph")

    result = _hue("verify", "hue-s", bad, "--json")

    sound, unsound = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert (sound["sound"], unsound["sound"]) == (True, False)
    assert "cannot open" in unsound["error"]


def test_a_removed_model_leaves_the_cache_empty(loopback: Any, home: Path, good: bytes) -> None:
    commit = loopback.commit("somebody/tiny", {"onnx/model.onnx": good})
    loopback.names["somebody/tiny"]["v1"] = commit
    for name in ("hf:somebody/tiny", "hf:somebody/tiny@v1"):
        assert _hue("pull", name).exit_code == 0

    assert _hue("remove", "hf:somebody/tiny").stdout == "hf:somebody/tiny: removed (0.0 MB)\n"
    assert _hue("verify", "hf:somebody/tiny@v1").exit_code == 0, "two names may stand for one file"
    assert _hue("remove", "hf:somebody/tiny@v1").exit_code == 0
    assert list(home.rglob("*.onnx")) == []
    assert not (home / "hub").exists()
    assert _hue("remove", "hf:somebody/tiny@v1").exit_code == 1


@pytest.mark.parametrize("value", ["models list", "models info hue"])
def test_shells_complete_the_names_of_models(home: Path, value: str) -> None:
    environment = {**os.environ, "_HUE_COMPLETE": "complete_bash", "COMP_WORDS": f"hue {value}", "COMP_CWORD": "3"}

    found = subprocess.run(
        [sys.executable, "-m", "hue_cli"], env=environment, capture_output=True, encoding="utf-8", check=False
    )

    assert ("hue-s" in found.stdout.split()) == ("info" in value)
