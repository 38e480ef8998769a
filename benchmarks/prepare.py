"""What do all cores gain ``hue data prepare``? Paper 001 reports 15 times over one process, on its machine.

    python benchmarks/prepare.py --photos 60 --size 2000

Photographs of 12 megapixels are made from the samples in a temporary folder and prepared twice in the same run: in
one process, one after the other, and in as many processes as there are cores. Both times begin with the command's
own planning and end with its manifest, so starting the processes counts. The seconds of processor time beside them
say what the processes cost in themselves, also on a machine that has other things to do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from PIL import Image

from hue_cli.data.manifest import Manifest
from hue_cli.data.prepare import Settings, Status, finish, plan, run
from hue_cli.data.splits import Shares
from hue_cli.infer.cores import usable_cores

SAMPLES = Path(__file__).parents[1] / "samples"
LONG_SIDE = 4000


def make_photos(folder: Path, count: int) -> None:
    """Fill the folder; every photo is another cut of a sample, so that no two files are the same."""
    folder.mkdir()
    paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".jpg", ".png")]
    samples = [Image.open(path).convert("RGB") for path in paths]
    for number in range(count):
        sample = samples[number % len(samples)]
        cut = sample.crop((0, 0, sample.width - number // len(samples), sample.height))
        scale = LONG_SIDE / max(cut.size)
        cut = cut.resize((round(cut.width * scale), round(cut.height * scale)), Image.Resampling.BICUBIC)
        cut.save(folder / f"{number:04}.jpg", quality=90)


def processor_seconds() -> float:
    """Return the time that this process and those that it has started and ended have computed."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(photos: Path, out: Path, settings: Settings, workers: int) -> tuple[float, float, Manifest]:
    """Prepare the folder as the command does; return the seconds, those of processors, and what came of it."""
    begun, computed = time.perf_counter(), processor_seconds()
    rows = list(run(plan(photos, out, settings), out, settings, workers=workers, overwrite=False))
    manifest = finish(rows, out, settings)
    seconds, computed = time.perf_counter() - begun, processor_seconds() - computed
    if wrong := [row for row in rows if row.status is not Status.DONE]:
        raise SystemExit(f"not done: {wrong}")
    return seconds, computed, manifest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=max(2, usable_cores()))
    arguments = parser.parse_args()
    settings = Settings(size=arguments.size, pad=True, split=Shares(train=90, val=10))
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        make_photos(photos, arguments.photos)
        one, one_cpu, alone = measure(photos, Path(folder) / "one", settings, 1)
        many, many_cpu, together = measure(photos, Path(folder) / "many", settings, arguments.workers)
    if alone.digest != together.digest:
        raise SystemExit("one process and many made different files")
    print(f"{arguments.photos} photos of {LONG_SIDE} pixels to {arguments.size}, padded, {usable_cores()} cores usable")
    print(f"   1 process    {one:6.1f} s  {arguments.photos / one:6.1f} photos/s  {one_cpu:6.1f} s of processors")
    print(
        f"  {arguments.workers:2} processes  {many:6.1f} s  {arguments.photos / many:6.1f} photos/s  {many_cpu:6.1f} s "
        "of processors"
    )
    print(f"  speed-up     {one / many:6.2f}")


if __name__ == "__main__":
    main()
