"""What a photograph costs each filed model: `python benchmarks/models.py [NAME…]`, into weights/*.json.

Processor time of one thread, not time by the clock: it hardly moves when other programs want the same cores. The
least of several runs, since whatever disturbs a run makes it longer.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

from hue_cli.infer.contract import INPUT_NAME

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
RUNS = 7


def milliseconds(folder: Path) -> float:
    """Time one photograph at the size at which the model colorizes."""
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["contract"]["size"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    lightness = np.random.default_rng(0).uniform(0, 100, (1, 1, size, size)).astype(np.float32)
    taken = []
    for _ in range(RUNS + 1):  # the first one also plans memory
        began = time.process_time()
        session.run(None, {INPUT_NAME: lightness})
        taken.append(time.process_time() - began)
    return 1000 * min(taken[1:])


def machine() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    """Time the models that are named, or all, and keep what was measured of the others on the same machine."""
    path = WEIGHTS / "speed.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = before.get("ms", {}) if before.get("machine") == machine() else {}
    folders = sorted(file.parent for file in WEIGHTS.glob("*/model.onnx"))
    wanted = sys.argv[1:] if found else []
    for folder in folders:
        if not wanted or folder.name in wanted:
            found[folder.name] = round(milliseconds(folder), 1)
            print(f"{folder.name}: {found[folder.name]} ms")
    kept = {name: found[name] for name in sorted(found)}
    path.write_text(json.dumps({"machine": machine(), "ms": kept}, indent=2) + "\n", encoding="utf-8")
    index = WEIGHTS / "index.json"
    listed = json.loads(index.read_text(encoding="utf-8"))
    for name, entry in listed["models"].items():
        if name in kept:
            entry["speed"] = f"{kept[name]:.0f} ms of a core"
    index.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
