"""Which onnxruntime is this, and do its providers really run? Asked in processes of their own: a broken one may crash.

``python -m hue_cli.infer.providers`` prints what onnxruntime says of itself as JSON; with the NAME of a provider it
runs one addition there, and prints what stood in the way.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# An ONNX file of one node, y = x + x, two float32 long: IR version 8, opset 17, made with onnx.helper.
_ADD = bytes.fromhex(
    "080812003a350a0e0a01780a017812017922034164641201675a0f0a0178120a0a08080112040a020802620f0a0179120a0a08080112040a0208"
    "0242040a001011"
)
_SECONDS = 60
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERRORS = 3
"""onnxruntime's severity for errors: they name the library that is missing."""

_REPLACED = "onnxruntime took the CPU in its place"


def run_here(provider: str) -> str:
    """Run an addition on a provider, in this process; returns the reason why not, or nothing where it ran."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(_ERRORS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            if hasattr(onnxruntime, "preload_dlls"):
                onnxruntime.preload_dlls()
            session = onnxruntime.InferenceSession(_ADD, providers=[provider], disable_fallback=1)
        (found,) = session.run(None, {"x": np.array([1, 2], np.float32)})
    except Exception as error:  # onnxruntime's own exceptions share no base class
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    if session.get_providers()[0] != provider:
        return _REPLACED
    return "" if found.tolist() == [2, 4] else f"it says that 1 + 1 and 2 + 2 are {found.tolist()}"


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed onnxruntime.

    Attributes:
        version: as it says itself; empty where it cannot be imported.
        build: its build's description.
        reasons: provider to why it does not run, or nothing where it does; in the order of preference.
        error: why it cannot be imported; empty where it can.
    """

    version: str = ""
    build: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def probe() -> Runtime:
    """Ask onnxruntime what it is, then try its providers side by side."""
    done, said = _outcome(_start())
    if not done:
        return Runtime(error=said)
    facts = json.loads(said)
    running = {name: _start(name) for name in facts["providers"]}
    reasons = {name: _outcome(process)[1] for name, process in running.items()}
    return Runtime(version=facts["version"], build=facts["build"], reasons=reasons)


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # this interpreter, with this module
        [sys.executable, "-m", "hue_cli.infer.providers", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


def _outcome(process: subprocess.Popen[str]) -> tuple[bool, str]:
    """Return whether a process ended well, and what it printed or why it did not."""
    try:
        out, err = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False, f"it gave no answer in {_SECONDS} seconds"
    said = _COLOUR.sub("", err).strip().splitlines()
    because = f" ({said[-1].rpartition(' : ')[2][:300]})" if said else ""  # behind time, place and code
    if process.returncode != 0:
        return False, f"it ended the process with code {process.returncode}{because}"
    return True, out + because if out == _REPLACED else out


def _introduce() -> str:
    import onnxruntime

    facts = {"version": onnxruntime.__version__, "build": "", "providers": onnxruntime.get_available_providers()}
    if hasattr(onnxruntime, "get_build_info"):
        facts["build"] = onnxruntime.get_build_info()
    return json.dumps(facts)


if __name__ == "__main__":
    sys.stdout.write(run_here(sys.argv[1]) if len(sys.argv) > 1 else _introduce())
