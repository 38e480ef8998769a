"""How fast is ``hue colorize``, against the floor below it and the naive way above it?

    python benchmarks/colorize.py
    python benchmarks/colorize.py --quick

Photographs of 0.3, 1, 12 and 50 megapixels, a folder of mixed ones of about 1 megapixel and an album of all sizes are
made from the samples, with film grain. Each way to go through them runs in a process of its own, several times by
turns, and the best counts:

- ``hue``: the pipeline of the command.
- ``floor``: decode and encode alone, with Pillow, on all cores.
- ``floor+net``: the same, and the network on ready inputs, in batches.
- ``naive``: what a script of twenty lines does: one at a time, scikit-image's Lab, onnxruntime as it comes, Pillow.

Only ratios mean something elsewhere. Those of CPU time hold on a machine that does other work too; those of time on the
clock, and so what overlaps, do not. A second line says of hue: photographs a second, how many cores it kept busy, and
the shares of its threads' time in each step.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hue_cli.images.resize import crop_to_photo, network_input, network_size
from hue_cli.infer.contract import INPUT_NAME, Contract
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.folder import FolderColorizer
from hue_cli.infer.job import Status
from hue_cli.infer.memory import keep_freed_memory
from hue_cli.infer.naming import Naming
from hue_cli.infer.plan import Plan
from hue_cli.infer.session import Session, open_session
from hue_cli.infer.steps import Settings, Steps
from hue_cli.weights.resolve import resolve_model

SAMPLES = Path(__file__).parents[1] / "samples"
QUALITY = 92
GRAIN = 6.0
STEPS = ("decode", "network", "colour", "encode")
BATCH = 4
MIXED = ((1224, 816), (816, 1224), (1000, 1000), (1155, 866))
ALBUM = ((640, 480), (1155, 866), (866, 1155), (2048, 1365), (800, 600), (1000, 1000), (3000, 2000), (480, 640))


@dataclass(frozen=True, slots=True)
class Case:
    """A folder of photographs.

    Attributes:
        name: in the table.
        sizes: widths and heights, in turn.
        photos: how many.
        naive_photos: how many of them the naive way does.
    """

    name: str
    sizes: tuple[tuple[int, int], ...]
    photos: int
    naive_photos: int


CASES = (
    Case("0.3 MP", ((640, 480),), 24, 8),
    Case("1 MP", ((1155, 866),), 16, 6),
    Case("12 MP", ((4000, 3000),), 4, 1),
    Case("mixed", MIXED, 500, 16),
    Case("album", ALBUM, 200, 8),
    # The last: what this process needs to make them would count as peak memory of those that it starts afterwards.
    Case("50 MP", ((8660, 5774),), 2, 1),
)
QUICK = (
    Case("1 MP", ((1155, 866),), 8, 2),
    Case("12 MP", ((4000, 3000),), 2, 1),
    Case("mixed", MIXED, 24, 4),
    Case("album", ALBUM, 16, 2),
)


def make_photos(folder: Path, case: Case) -> None:
    """Fill a folder: every third photograph in RGB, as scanners save them, the others in grey."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    samples = [Image.open(path).convert("L") for path in sorted(SAMPLES.iterdir()) if path.suffix in (".jpg", ".png")]
    for number in range(case.photos):
        width, height = case.sizes[number % len(case.sizes)]
        sample = samples[number % len(samples)].resize((width, height), Image.Resampling.BICUBIC)
        grain = rng.standard_normal((512, 512), np.float32) * GRAIN
        tiled = np.tile(grain, (height // 512 + 1, width // 512 + 1))[:height, :width]
        image = Image.fromarray(np.clip(np.asarray(sample) + tiled, 0, 255).astype(np.uint8))
        (image.convert("RGB") if number % 3 == 0 else image).save(folder / f"{number:04}.jpg", quality=90)


def decode_and_encode(path: Path, target: Path) -> None:
    """Do what no colorizer can leave out."""
    with Image.open(path) as image:
        image.convert("RGB").save(target / path.name, quality=QUALITY)


def run_hue(steps: Steps, photos: list[Path], target: Path) -> None:
    """Colorize as the command does."""
    keep_freed_memory()
    colorizer = FolderColorizer(steps, batch_size=steps.session.batch_size, workers=usable_cores())
    rows = list(colorizer.run(Plan.make([str(photos[0].parent)], Naming(output=target)).steps()))
    if wrong := [row for row in rows if row.status is not Status.DONE]:
        raise SystemExit(f"not done: {wrong}")


def run_floor(photos: list[Path], target: Path) -> None:
    """Decode and encode on all cores."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(lambda path: decode_and_encode(path, target), photos))


def run_network(session: Session, inputs: list[np.ndarray]) -> None:
    """Run the network alone, on batches of like size."""
    by_shape: dict[tuple[int, ...], list[np.ndarray]] = {}
    for one in inputs:
        by_shape.setdefault(one.shape, []).append(one)
    for group in by_shape.values():
        for start in range(0, len(group), BATCH):
            session.predict(np.stack(group[start : start + BATCH]))


def run_naive(content: bytes, contract: Contract, photos: list[Path], target: Path) -> None:
    """Colorize as a script of a few lines does."""
    import onnxruntime
    from skimage.color import lab2rgb, rgb2lab

    warnings.simplefilter("ignore")  # scikit-image warns of colours outside the gamut
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for path in photos:
        image = Image.open(path).convert("RGB")
        lightness = rgb2lab(np.asarray(image) / 255)[..., 0]
        grey = np.asarray(image.convert("L"))
        size = network_size(*grey.shape, size=contract.size, multiple_of=contract.multiple_of, minimum=contract.minimum)
        (ab,) = session.run(None, {INPUT_NAME: network_input(grey, size)[None]})
        wide = [
            np.asarray(Image.fromarray(one).resize(image.size, Image.Resampling.BICUBIC))
            for one in crop_to_photo(ab[0], size)
        ]
        rgb = lab2rgb(np.dstack([lightness, *wide]))
        Image.fromarray((rgb * 255).astype(np.uint8)).save(target / path.name, quality=QUALITY)


def child(way: str, folder: Path, count: int, model: str | None, device: str) -> None:
    """Go one way through a folder, and print what it took for each photograph."""
    photos = sorted(folder.iterdir())[:count]
    file = resolve_model(model)
    content = file.read()
    session = open_session(content, file.name, device)
    steps = Steps(open_session(content, file.name, device, threads=1), Settings())
    rule = session.contract
    inputs = []
    if way == "floor+net":
        for path in photos:
            grey = np.asarray(Image.open(path).convert("L"))
            size = network_size(*grey.shape, size=rule.size, multiple_of=rule.multiple_of, minimum=rule.minimum)
            inputs.append(network_input(grey, size))
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        ways: dict[str, list[Callable[[], None]]] = {
            "hue": [lambda: run_hue(steps, photos, target / "out")],
            "floor": [lambda: run_floor(photos, target)],
            "floor+net": [lambda: run_floor(photos, target), lambda: run_network(session, inputs)],
            "naive": [lambda: run_naive(content, rule, photos, target)],
        }
        start, busy = time.perf_counter(), time.process_time()
        for step in ways[way]:
            step()
        clock, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    spent = {step: getattr(steps.timings, step) for step in STEPS}
    print(json.dumps({"clock": clock / count, "cpu": cpu / count, "peak": peak / 1e6} | spent))


def measure(way: str, folder: Path, count: int, options: argparse.Namespace) -> dict[str, float]:
    """Run a way in a process of its own."""
    command: list[Any] = [sys.executable, __file__, "--way", way, "--folder", folder, "--count", count]
    command += ["--device", options.device, *(["--model", options.model] if options.model else [])]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as the command sets it; a BLAS's threads get in the way
    found = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True, env=environment)
    result: dict[str, float] = json.loads(found.stdout)
    return result


def compare(case: Case, folder: Path, options: argparse.Namespace) -> None:
    """Measure all ways through a case by turns, and print a line."""
    counts = {"hue": case.photos, "floor": case.photos, "floor+net": case.photos, "naive": case.naive_photos}
    best: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for way, count in counts.items():
            found = measure(way, folder, count, options)
            best[way] = min(found, best.get(way, found), key=lambda one: one["clock"])
    hue = best["hue"]
    cells = [f"{case.name:8}{case.photos:5}"]
    for key in ("clock", "cpu"):
        cells.append(f"{hue[key] / best['floor'][key]:8.2f}{hue[key] / best['floor+net'][key]:8.2f}")
        cells.append(f"{best['naive'][key] / hue[key]:8.1f}")
    cells.append(f"   {hue['peak']:6.0f}{best['floor+net']['peak']:8.0f}{best['naive']['peak']:8.0f}")
    print("".join(cells))
    spent = sum(hue[step] for step in STEPS)
    shares = ", ".join(f"{step} {hue[step] / spent:.0%}" for step in STEPS)
    speed = f"{1 / hue['clock']:.1f} photographs/s, {hue['cpu'] / hue['clock']:.2f} cores busy"
    print(f"{'':8}{speed}: {shares}", flush=True)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer cases and photographs")
    parser.add_argument("--case", action="append", help="only this one, such as '12 MP'")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model")
    parser.add_argument("--device", default="cpu")
    for hidden in ("--way", "--folder", "--count"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        child(options.way, Path(options.folder), int(options.count), options.model, options.device)
        return
    cases = QUICK if options.quick else CASES
    names = [case.name for case in cases]
    for name in options.case or ():
        if name not in names:
            parser.error(f"--case {name!r}: expected one of {', '.join(map(repr, names))}")
    others = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    print(f"{usable_cores()} cores; {others:.1f} other threads ready to run when it began")
    print(f"{'':13}{'time on the clock':>24}{'CPU time':>24}   {'peak memory, MB':>22}")
    columns = f"{'floor':>8}{'+net':>8}{'naive':>8}"
    print(f"{'':8}{'n':>5}{columns}{columns}   {'hue':>6}{'floor':>8}{'naive':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            if options.case and case.name not in options.case:
                continue
            folder = Path(scratch, case.name)
            make_photos(folder, case)
            compare(case, folder, options)
    print("floor, +net: how many times as long hue takes; naive: how many times as long as hue it takes")


if __name__ == "__main__":
    main()
