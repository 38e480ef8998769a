"""Who may import whom: the guards hold, and each of them fails when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hue_cli.cli.app import _TRAIN_EXTRA

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "numpy", "onnxruntime", "onnx", "PIL", "skimage", "scipy", "huggingface_hub")


def _run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    source = os.pathsep.join(filter(None, [str(cwd / "src"), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": source, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def _lint_imports(cwd: Path) -> subprocess.CompletedProcess[str]:
    start = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return _run("-c", start, "--no-cache", cwd=cwd)


def _ruff(cwd: Path, path: str) -> subprocess.CompletedProcess[str]:
    return _run("-m", "ruff", "check", "--no-cache", "--output-format", "concise", path, cwd=cwd)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its configuration, free to be broken."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _append(copy: Path, module: str, line: str) -> None:
    path = copy / "src" / "hue_cli" / module
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")


def test_the_rooms_import_downwards_only() -> None:
    found = _lint_imports(ROOT)

    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        pytest.param(
            "color/space.py", "import hue_cli.recipes.schema", "Rooms import downwards only BROKEN", id="upwards"
        ),
        pytest.param("export/graph.py", "import hue_cli.train", "Rooms import downwards only BROKEN", id="sideways"),
        pytest.param("infer/contract.py", "import torch", "What colorizes never reaches torch BROKEN", id="torch"),
        pytest.param(
            "weights/__init__.py",
            "def lazy() -> None:\n    import torch",
            "What colorizes never reaches torch BROKEN",
            id="torch-in-a-body",
        ),
        *(
            pytest.param(
                "weights/__init__.py",
                f"def lazy() -> None:\n    import {package}",
                "What colorizes never reaches torch BROKEN",
                id=package,
            )
            for package in ("safetensors", "tensorboard", "kagglehub", "torchmetrics")
        ),
        pytest.param(
            "recipes/schema.py",
            "def lazy() -> None:\n    from hue_cli.color import lab_torch",
            "What colorizes never reaches torch BROKEN",
            id="torch-through-another-room",
        ),
    ],
)
def test_lint_imports_reports_a_breach(copy: Path, module: str, line: str, broken: str) -> None:
    _append(copy, module, line)

    found = _lint_imports(copy)

    assert found.returncode == 1
    assert broken in " ".join(found.stdout.split())


def test_both_guards_name_every_package_of_the_extra() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    (forbidden,) = (each for each in tools["importlinter"]["contracts"] if each["type"] == "forbidden")
    banned = tools["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]

    assert set(forbidden["forbidden_modules"]) >= _TRAIN_EXTRA
    assert set(banned) >= _TRAIN_EXTRA


@pytest.mark.parametrize("package", sorted(_TRAIN_EXTRA))
def test_ruff_knows_every_package_of_the_extra(copy: Path, package: str) -> None:
    _append(copy, "infer/contract.py", f"import {package}")

    assert "TID253" in _ruff(copy, "src/hue_cli/infer/contract.py").stdout


def test_a_new_room_must_find_its_place_in_the_order(copy: Path) -> None:
    room = copy / "src" / "hue_cli" / "attic"
    room.mkdir()
    (room / "__init__.py").write_text('"""A room that no layer names."""\n', encoding="utf-8")

    found = _lint_imports(copy)

    assert found.returncode == 1
    assert "attic" in found.stdout


@pytest.mark.parametrize("line", ["import torch", "from hue_cli.models.build import build_network", "import skimage"])
@pytest.mark.parametrize("module", ["cli/report.py", "infer/contract.py", "color/lab.py"])
def test_ruff_reports_a_heavy_import_at_the_top(copy: Path, module: str, line: str) -> None:
    before = _ruff(copy, f"src/hue_cli/{module}")
    _append(copy, module, line)

    found = _ruff(copy, f"src/hue_cli/{module}")

    assert "TID253" not in before.stdout
    assert f"{module}" in found.stdout
    assert "TID253" in found.stdout


def test_ruff_lets_commands_import_in_their_body_and_torch_rooms_at_the_top(copy: Path) -> None:
    _append(copy, "cli/report.py", "def lazy() -> object:\n    import torch\n\n    return torch")
    _append(copy, "train/__init__.py", "import torch")

    for module in ("cli/report.py", "train/__init__.py"):
        assert "TID253" not in _ruff(copy, f"src/hue_cli/{module}").stdout


def test_ruff_reports_a_print(copy: Path) -> None:
    _append(copy, "infer/contract.py", 'print("loaded")')

    assert "T201" in _ruff(copy, "src/hue_cli/infer/contract.py").stdout


def test_ruff_reports_a_public_name_without_its_sentence(copy: Path) -> None:
    _append(copy, "infer/contract.py", "def load() -> None:\n    pass")

    assert "D103" in _ruff(copy, "src/hue_cli/infer/contract.py").stdout


@pytest.mark.slow
def test_mypy_reports_a_network_family_that_nothing_builds(copy: Path) -> None:
    """The closed union at work: a spec without its case in ``build_network`` does not type-check."""
    specs = copy / "src" / "hue_cli" / "recipes" / "specs.py"
    text = specs.read_text(encoding="utf-8")
    new = '@dataclass(frozen=True, slots=True, kw_only=True)\nclass NewSpec:\n    """New."""\n\n    depth: int\n\n\n'
    union = "NetSpec = "
    assert union in text
    specs.write_text(text.replace(union, f"{new}{union}NewSpec | "), encoding="utf-8")
    # The models alone, and nothing of torch followed: seconds, not a minute.
    found = _run("-m", "mypy", "--follow-imports=silent", "--no-incremental", "src/hue_cli/models/build.py", cwd=copy)

    assert found.returncode == 1, found.stdout + found.stderr
    assert 'incompatible type "NewSpec"; expected "Never"' in found.stdout


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["colorize", "--help"], ["export", "--help"], ["data", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from hue_cli.cli.app import main\n"
        f"sys.argv = ['hue', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    print('heavy:', *sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )

    found = _run("-c", program)

    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1].strip() == "heavy:"


def test_the_package_itself_imports_next_to_nothing() -> None:
    found = _run("-c", "import hue_cli, sys; print(*sorted(n for n in sys.modules if n.startswith('hue_cli')))")

    assert found.stdout.split() == ["hue_cli"]
