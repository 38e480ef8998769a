"""An ONNX file of hue, open in onnxruntime on the device that was asked for."""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hue_cli.errors import DeviceError, WeightsError
from hue_cli.infer.contract import COLORIZER, INPUT_NAME, OUTPUT_NAME, Contract
from hue_cli.infer.cores import usable_cores

INSTALL_CUDA = "Install what CUDA needs with: pip install '.[cuda]' in hue's source folder — or use --device cpu."
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
PROVIDERS = {
    "cpu": _CPU,
    "cuda": _CUDA,
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Short names of onnxruntime's providers."""
_BATCH_SIZE_CPU, _BATCH_SIZE = 1, 16
_SILENT = 4
"""onnxruntime's severity for fatal errors only; hue says what matters in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What ``--device`` asks for: ``auto``, ``cpu`` or ``cuda`` with the number of the card."""

    kind: str
    number: int = 0

    @classmethod
    def parse(cls, text: str) -> Device:
        """Read ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

        Raises:
            DeviceError: it is none of them.
        """
        match = re.fullmatch(r"(auto|cpu|cuda)(?::(\d{1,3}))?", text.strip().lower())
        if match is None or (match[2] and match[1] != "cuda"):
            raise DeviceError(f"--device {text}: expected auto, cpu, cuda or cuda:N.")
        return cls(kind=match[1], number=int(match[2] or 0))


class Session:
    """A network that is ready to run.

    Attributes:
        name: of the model.
        contract: what the file says about itself.
        device: ``cpu``, ``cuda:N`` or the provider that was asked for.
        choice: a sentence on why this device, where it was hue's to choose; else empty.
    """

    def __init__(self, inner: Any, *, name: str, contract: Contract, device: str, choice: str = "") -> None:
        self._inner = inner
        self.name = name
        self.contract = contract
        self.device = device
        self.choice = choice

    @property
    def batch_size(self) -> int:
        """How many photographs a run of the network takes best.

        One on a CPU: runs side by side, on a thread each, take two thirds to three quarters of the time of one run
        that threads share, and a batch gains nothing there.
        """
        return _BATCH_SIZE_CPU if self.device == "cpu" else _BATCH_SIZE

    def predict(self, lightness: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colorize a batch.

        Args:
            lightness: ``(N, 1, H, W)`` float32, L* in [0, 100]; H and W obey the contract.

        Returns:
            ``(N, 2, H, W)`` float32, a* and b* in CIE units.

        Raises:
            WeightsError: the network gives another shape or type.
        """
        (ab,) = self._inner.run([OUTPUT_NAME], {INPUT_NAME: lightness})
        expected = (len(lightness), 2, *lightness.shape[2:])
        if ab.shape != expected or ab.dtype != np.float32:
            raise WeightsError(
                f"{self.name}: expected {OUTPUT_NAME!r} of shape {expected} and type float32, found {ab.shape} and "
                f"{ab.dtype}. Export the model again with this hue."
            )
        result: NDArray[np.float32] = ab
        return result

    def check(self) -> None:
        """Run the network once, on the smallest picture that it takes.

        Raises:
            WeightsError: it does not run, or gives another shape or type than it should.
        """
        rule = self.contract
        side = rule.multiple_of * math.ceil(rule.minimum / rule.multiple_of)
        try:
            self.predict(np.zeros((1, 1, side, side), np.float32))
        except WeightsError:
            raise
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise WeightsError(f"{self.name}: the network does not run ({_first_line(error)}).") from error


def open_session(
    content: bytes, name: str, device: str = "auto", threads: int | None = None, provider: str | None = None
) -> Session:
    """Open a model.

    Args:
        content: of the ONNX file.
        name: of the model, for messages.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: that share a run of the network on the CPU; None is one for each core.
        provider: one of :data:`PROVIDERS`, or onnxruntime's own name of another; it runs what it can, and the CPU
            the rest. Then the device is its own affair.

    Raises:
        DeviceError: the device cannot be used; says why and what to install.
        WeightsError: the file is not a model of hue, or damaged.
    """
    if provider is not None:
        return _open_on(content, name, provider, device, threads)
    wanted = Device.parse(device)
    choice = ""
    with _quiet() as noise:
        import onnxruntime

        onnxruntime.set_default_logger_severity(_SILENT)
        inner = None
        if wanted.kind != "cpu":
            inner, reason = _try_cuda(content, name, wanted.number, threads, noise)
            if inner is None and wanted.kind == "cuda":
                raise DeviceError(f"--device {device}: {reason} {INSTALL_CUDA}")
            choice = f"Using cuda:{wanted.number}." if inner is not None else f"Using the CPU: {reason}"
        on = f"cuda:{wanted.number}" if inner is not None else "cpu"
        if inner is None:
            inner = _create(content, name, [_CPU], threads)
    contract = _check(inner, name)
    session = Session(inner, name=name, contract=contract, device=on, choice=choice)
    session.check()
    return session


def _open_on(content: bytes, name: str, provider: str, device: str, threads: int | None) -> Session:
    """Open a model on a provider that was named."""
    if device != "auto":
        raise DeviceError(f"--provider {provider} chooses its device itself; leave --device {device} out.")
    with _quiet() as noise:
        import onnxruntime

        onnxruntime.set_default_logger_severity(_SILENT)
        there = onnxruntime.get_available_providers()
        wanted = PROVIDERS.get(provider.lower(), provider)
        if wanted not in there:
            raise DeviceError(
                f"--provider {provider}: this onnxruntime ({onnxruntime.__version__}) was built without it. It has: "
                f"{', '.join(there)}. Install the build of onnxruntime that brings it."
            )
        if hasattr(onnxruntime, "preload_dlls"):
            with contextlib.suppress(Exception):  # what is missing shows below
                onnxruntime.preload_dlls()
        inner = _create(content, name, [wanted] if wanted == _CPU else [wanted, _CPU], threads)
        if wanted not in inner.get_providers():
            raise DeviceError(
                f"--provider {provider}: onnxruntime could not load its libraries "
                f"({noise.last_line() or 'it gave no reason'})."
            )
    short = next((short for short, whole in PROVIDERS.items() if whole == wanted), wanted)
    session = Session(inner, name=name, contract=_check(inner, name), device=short)
    session.check()
    return session


def _create(content: bytes, name: str, providers: list[Any], threads: int | None = None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    # Always said: where it is left to onnxruntime, each thread is tied to a core, also to one that is not for us.
    options.intra_op_num_threads = threads or usable_cores()
    # Threads that spin while they wait would take the cores from decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, sess_options=options, providers=providers)
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise WeightsError(f"{name}: onnxruntime cannot open this model ({_first_line(error)}).") from error


def _try_cuda(content: bytes, name: str, number: int, threads: int | None, noise: _Noise) -> tuple[Any, str]:
    """Return a session on the card, or None and the reason why not."""
    import onnxruntime

    if _CUDA not in onnxruntime.get_available_providers():
        return None, "this onnxruntime was built without CUDA."
    if not driver_is_there():
        return None, "no NVIDIA driver was found."
    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.suppress(Exception):  # what is missing shows below, when the session has no CUDA
            onnxruntime.preload_dlls()
    # The exhaustive search of the default would run again for each new shape of a photograph.
    settings = {"device_id": str(number), "cudnn_conv_algo_search": "HEURISTIC"}
    try:
        inner = _create(content, name, [(_CUDA, settings), _CPU], threads)
    except WeightsError as error:
        _create(content, name, [_CPU])  # raises where the model and not the device is at fault
        return None, f"onnxruntime could not start CUDA ({_first_line(error.__cause__ or error)})."
    if _CUDA in inner.get_providers():
        return inner, ""
    return None, f"onnxruntime could not load its CUDA libraries ({noise.last_line() or 'it gave no reason'})."


def driver_is_there() -> bool:
    """Return whether the driver of an NVIDIA card can be loaded."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _check(inner: Any, name: str) -> Contract:
    """Return the file's contract.

    Raises:
        WeightsError: metadata, inputs or outputs are not those of hue.
    """
    contract = Contract.from_metadata(inner.get_modelmeta().custom_metadata_map, name)
    if contract.kind != COLORIZER:
        raise WeightsError(
            f"{name}: an {contract.kind} file, made by `hue export --end-to-end` for phones, browsers and other "
            "programs: it takes 8-bit pictures and gives them back in colour. For hue colorize, export "
            f"{contract.recipe!r} without --end-to-end."
        )
    inputs = [(value.name, len(value.shape)) for value in inner.get_inputs()]
    outputs = [(value.name, len(value.shape)) for value in inner.get_outputs()]
    if inputs != [(INPUT_NAME, 4)] or outputs != [(OUTPUT_NAME, 4)]:
        raise WeightsError(
            f"{name}: expected one input {INPUT_NAME!r} and one output {OUTPUT_NAME!r} with four dimensions, "
            f"found {inputs} and {outputs}. Export the model again with this hue."
        )
    return contract


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


class _Noise:
    """What libraries wrote to the process's standard error, kept for a reason to quote."""

    def __init__(self) -> None:
        self.descriptor: int | None = None

    def last_line(self) -> str:
        if self.descriptor is None:
            return ""
        size = os.lseek(self.descriptor, 0, os.SEEK_END)
        os.lseek(self.descriptor, max(0, size - 4096), os.SEEK_SET)
        lines = os.read(self.descriptor, 4096).decode(errors="replace").strip().splitlines()
        return lines[-1][-300:] if lines else ""


@contextlib.contextmanager
def _quiet() -> Iterator[_Noise]:
    """Catch what onnxruntime's native code and ``preload_dlls`` print while a session opens."""
    import tempfile

    noise = _Noise()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        sink = stack.enter_context(tempfile.TemporaryFile())
        noise.descriptor = sink.fileno()
        try:
            saved = os.dup(2)
        except OSError:  # a process may have no standard error
            yield noise
            return
        os.dup2(sink.fileno(), 2)
        try:
            yield noise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
