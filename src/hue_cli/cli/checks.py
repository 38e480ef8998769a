"""What ``hue doctor`` looks at: each check says what it found, whether that is well, and what to do if not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from hue_cli import __version__
from hue_cli.cli.obtain import accept_model
from hue_cli.errors import HueError

_PYTHON = (3, 11)
_LOW_DISK = 1e9
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm")
_CUDA_PARTS = ("cuda-runtime", "cudnn", "cublas", "cufft", "curand")
_VARIABLES = ("HUE_HOME", "HUE_DATA_DIR", "HF_ENDPOINT", "CUDA_VISIBLE_DEVICES", "NO_COLOR")
_SECRETS = ("HF_TOKEN", "HUE_DATA_URL", "HTTPS_PROXY", "HTTP_PROXY")
"""Of these the report says only that they are set: they may hold passwords, and reports are pasted into threads."""

_SECONDS = 120


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing, and nothing that keeps hue from working."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the report.

    Attributes:
        name: what was looked at.
        state: how it is.
        found: in words.
        remedy: what to do; empty where there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


def all_checks() -> Iterator[Check]:
    """Look at everything, in the order in which things build on each other; nothing raises."""
    groups: tuple[Callable[[], Iterator[Check]], ...] = (_base, _runtime, _torch, _cache, _models, _network)
    for group in groups:
        try:
            yield from group()
        except (HueError, OSError) as error:
            yield Check(group.__name__.strip("_"), State.PROBLEM, str(error))


def _base() -> Iterator[Check]:
    yield Check("hue", State.OK, f"{__version__}, in {Path(__file__).parents[1]}")
    is_new = sys.version_info[:2] >= _PYTHON
    yield Check(
        "Python",
        State.OK if is_new else State.PROBLEM,
        f"{platform.python_version()}, {sys.executable}",
        "" if is_new else "hue needs Python 3.11 or newer.",
    )
    yield Check("platform", State.OK, f"{platform.platform()}, {os.cpu_count()} cores")
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    is_wide = encoding.lower().replace("-", "") in ("utf8", "utf16", "utf32", "none")
    yield Check(
        "terminal",
        State.OK if is_wide else State.NOTE,
        f"text as {encoding}",
        "" if is_wide else "Names outside it are shown with question marks. Set PYTHONUTF8=1.",
    )


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _runtime() -> Iterator[Check]:
    wheels = {name: version for name in _RUNTIMES if (version := _installed(name))}
    listed = ", ".join(f"{name} {version}" for name, version in wheels.items()) or "none"
    if len(wheels) > 1:
        wanted = "onnxruntime-gpu" if "onnxruntime-gpu" in wheels else "onnxruntime"
        yield Check(
            "onnxruntime wheels",
            State.PROBLEM,
            f"{listed}: they overwrite each other's files",
            f"pip uninstall -y {' '.join(wheels)} && pip install {wanted}",
        )
    else:
        yield Check("onnxruntime wheels", State.OK if wheels else State.NOTE, listed)

    from hue_cli.infer.providers import probe

    reinstall = f"pip install --force-reinstall {next(iter(wheels), 'onnxruntime')}"
    runtime = probe()
    if runtime.error:
        yield Check("onnxruntime", State.PROBLEM, f"cannot be imported: {runtime.error}", reinstall)
        return
    yield Check("onnxruntime", State.OK, f"{runtime.version} {runtime.build}".strip())
    for provider, reason in runtime.reasons.items():
        name = provider.removesuffix("ExecutionProvider")
        if not reason:
            yield Check(name, State.OK, "runs")
        elif provider == _CPU:
            yield Check(name, State.PROBLEM, f"does not run: {reason}", reinstall)
        elif provider != _CUDA:
            yield Check(name, State.NOTE, "does not run; used only where --provider asks for it")
    yield _cuda(runtime.reasons.get(_CUDA))


def _cuda(reason: str | None) -> Check:
    """Say whether an NVIDIA card can be used; ``reason`` is None where onnxruntime knows no CUDA at all."""
    from hue_cli.infer.session import INSTALL_CUDA, driver_is_there

    parts = [
        f"{name} {version}"
        for part in _CUDA_PARTS
        for name in (f"nvidia-{part}-cu12", f"nvidia-{part}-cu13", f"nvidia-{part}")
        if (version := _installed(name))
    ]
    packages = f"packages: {', '.join(parts)}" if parts else "no CUDA packages in this environment"
    if not driver_is_there():
        return Check("CUDA", State.NOTE, f"no NVIDIA driver was found, so the CPU is used; {packages}")
    if reason is None:
        found = f"there is an NVIDIA driver, but this onnxruntime was built without CUDA; {packages}"
        return Check("CUDA", State.NOTE, found, "pip uninstall -y onnxruntime && pip install onnxruntime-gpu")
    if reason:
        return Check("CUDA", State.PROBLEM, f"there is an NVIDIA driver, but: {reason}; {packages}", INSTALL_CUDA)
    return Check("CUDA", State.OK, f"runs; {packages}")


_ASK_TORCH = (
    "import torch; c = torch.cuda; "
    "cards = [c.get_device_name(i) for i in range(c.device_count())] if c.is_available() else []; "
    "print(torch.__version__, '; cards:', ', '.join(cards) or 'none')"
)


def _torch() -> Iterator[Check]:
    if find_spec("torch") is None:
        found = "not installed; hue colorize does not need it, train, eval and export do"
        yield Check("torch", State.NOTE, found, "pip install '.[train]' in hue's source folder")
        return
    remedy = "pip install --force-reinstall torch"
    try:
        asked = subprocess.run(  # noqa: S603  # this interpreter, with a program of ours
            [sys.executable, "-c", _ASK_TORCH],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield Check("torch", State.PROBLEM, f"gave no answer in {_SECONDS} seconds", remedy)
        return
    if asked.returncode == 0:
        yield Check("torch", State.OK, asked.stdout.strip().replace(" ;", ";"))
    else:
        said = (asked.stderr.strip().splitlines() or [f"code {asked.returncode}"])[-1]
        yield Check("torch", State.PROBLEM, f"cannot be imported: {said}", remedy)


def _cache() -> Iterator[Check]:
    from hue_cli.weights.cache import cache_folder

    folder = cache_folder()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    there = next(each for each in (folder, *folder.parents) if each.exists())
    can_write = os.access(there, os.W_OK)
    yield Check(
        "cache",
        State.OK if can_write else State.NOTE,
        f"{folder}, {size / 1e6:.1f} MB" + ("" if can_write else ", and it cannot be written"),
        ""
        if can_write
        else "Models that are not bundled cannot be fetched: set HUE_HOME to a folder that can be written.",
    )
    free = shutil.disk_usage(there).free
    is_low = free < _LOW_DISK
    yield Check("free disk", State.NOTE if is_low else State.OK, f"{free / 1e9:.1f} GB beside the cache")


def _models() -> Iterator[Check]:
    from hue_cli.weights.resolve import find_index, present_models

    default = find_index().default
    models = present_models()
    if default not in {model.name for model in models}:
        yield Check("models", State.PROBLEM, f"the default, {default}, is not here", f"hue models pull {default}")
    for model in models:
        try:
            accept_model(model.read(), model.name)
        except HueError as error:
            yield Check("model", State.PROBLEM, str(error))
        else:
            yield Check("model", State.OK, f"{model.name} is sound, {model.path}")


def _network() -> Iterator[Check]:
    from hue_cli.offline import offline_switch

    switch = offline_switch()
    yield Check("network", State.NOTE if switch else State.OK, f"{switch} forbids it" if switch else "not forbidden")
    said = [f"{name}={value}" for name in _VARIABLES if (value := os.environ.get(name))]
    said += [f"{name} is set" for name in _SECRETS if os.environ.get(name)]
    yield Check("environment", State.OK, ", ".join(said) or "no variables that hue reads")
