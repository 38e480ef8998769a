"""How fast is ``hue colorize``, and where does the time go?

    python benchmarks/colorize.py --photos 200 --model weights/residual-curriculum/model.onnx

Photographs of mixed sizes are made from the samples in a temporary folder. hue colorizes them; the naive way
(one at a time, scikit-image's Lab, Pillow) does the same with some of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from PIL import Image

from hue_cli.images.resize import crop_to_photo, network_input, network_size
from hue_cli.infer.cores import usable_cores
from hue_cli.infer.folder import FolderColorizer
from hue_cli.infer.job import Status
from hue_cli.infer.plan import Naming, Plan
from hue_cli.infer.session import Session, open_session
from hue_cli.infer.steps import IfColour, Settings, Steps
from hue_cli.weights.resolve import resolve_model

SAMPLES = Path(__file__).parents[1] / "samples"
LONG_SIDES = (640, 1024, 1600, 2400)


def make_photos(folder: Path, count: int) -> float:
    """Fill the folder; return the megapixels in it."""
    folder.mkdir()
    samples = [Image.open(path).convert("L") for path in sorted(SAMPLES.iterdir()) if path.suffix in (".jpg", ".png")]
    total = 0
    for number in range(count):
        sample = samples[number % len(samples)]
        scale = LONG_SIDES[number % len(LONG_SIDES)] / max(sample.size)
        size = (round(sample.width * scale), round(sample.height * scale))
        sample.resize(size, Image.Resampling.BICUBIC).save(folder / f"{number:04}.jpg", quality=90)
        total += size[0] * size[1]
    return total / 1e6


def run_hue(session: Session, folder: Path, workers: int, batch_size: int) -> Steps:
    """Colorize the folder as the command does."""
    steps = Steps(session, Settings(if_colour=IfColour.RECOLOR))
    plan = Plan.make([str(folder)], Naming())
    rows = list(FolderColorizer(steps, batch_size=batch_size, workers=workers).run(plan.steps()))
    if wrong := [row for row in rows if row.status is not Status.DONE]:
        raise SystemExit(f"not done: {wrong}")
    return steps


def run_naive(session: Session, folder: Path) -> None:
    """Colorize the folder as a script of a few lines does."""
    from skimage.color import lab2rgb, rgb2lab

    rule = session.contract
    target = folder.with_name("naive")
    target.mkdir()
    for path in sorted(folder.iterdir()):
        image = Image.open(path).convert("RGB")
        lightness = rgb2lab(np.asarray(image) / 255)[..., 0]
        grey = np.asarray(image.convert("L"))
        size = network_size(*grey.shape, size=rule.size, multiple_of=rule.multiple_of, minimum=rule.minimum)
        ab = crop_to_photo(session.predict(network_input(grey, size)[None])[0], size)
        wide = [np.asarray(Image.fromarray(one).resize(image.size, Image.Resampling.BICUBIC)) for one in ab]
        rgb = lab2rgb(np.dstack([lightness, *wide]))
        Image.fromarray((rgb * 255).astype(np.uint8)).save(target / path.name, quality=92)


def measure(call: Callable[[], object]) -> tuple[float, str]:
    """Return the seconds that a call takes, and a phrase on the cores that it keeps busy."""
    demand = Demand()
    start, busy = time.perf_counter(), time.process_time()
    with demand:
        call()
    seconds = time.perf_counter() - start
    used = (time.process_time() - busy) / seconds
    wanted = f", {used + demand.waited / seconds:.2f} wanted" if demand.waited is not None else ""
    return seconds, f"{used:.2f} of {usable_cores()} cores used{wanted}"


class Demand:
    """How long this process's threads were ready to run but had no core, from Linux's scheduler.

    On a machine that does other work too, the cores used and the time waited for one together say how many
    cores the process would have kept busy.
    """

    def __init__(self) -> None:
        self.waited: float | None = None
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _sample(self) -> dict[str, int]:
        found = {}
        for task in Path("/proc/self/task").glob("*/schedstat"):
            with suppress(OSError):  # a thread that has just ended
                found[task.parent.name] = int(task.read_text().split()[1])
        return found

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self._last |= self._sample()

    def __enter__(self) -> None:
        self._first = self._sample()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._first:
            self.waited = sum(waited - self._first.get(task, 0) for task, waited in self._last.items()) / 1e9


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--naive-photos", type=int, default=40, help="how many photographs the naive way does")
    parser.add_argument("--model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--batch-size", type=int, default=4)
    options = parser.parse_args()

    model = resolve_model(options.model)
    session = open_session(model.read(), model.name, options.device)
    with tempfile.TemporaryDirectory() as scratch:
        all_mp = make_photos(Path(scratch, "all"), options.photos)
        few_mp = make_photos(Path(scratch, "few"), options.naive_photos)
        ran: list[Steps] = []
        hue_s, hue_cores = measure(
            lambda: ran.append(run_hue(session, Path(scratch, "all"), options.workers, options.batch_size))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-image warns of colours outside the gamut
            naive_s, naive_cores = measure(lambda: run_naive(session, Path(scratch, "few")))

    parts = {name: getattr(ran[0].timings, name) for name in ("decode", "network", "colour", "encode")}
    print(f"{model.name} on {session.device}: {options.photos} photographs, {all_mp:.0f} megapixels")
    for name, photos, mp, seconds, cores in (
        ("hue", options.photos, all_mp, hue_s, hue_cores),
        ("naive", options.naive_photos, few_mp, naive_s, naive_cores),
    ):
        print(f"{name:6}{photos / seconds:7.1f} photos/s{mp / seconds:7.1f} MP/s   {cores}")
    whole = sum(parts.values())
    print("hue's time: " + ", ".join(f"{name} {100 * part / whole:.0f} %" for name, part in parts.items()))
    print(f"ratio {(all_mp / hue_s) / (few_mp / naive_s):.1f}, by megapixels")


if __name__ == "__main__":
    main()
