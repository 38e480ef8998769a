"""A hundred million photographs over many workers, simulated event by event, and measured where that can be.

    python benchmarks/simulate_scale.py measure PHOTOS/ -o measured.json   # 1, 2 and 4 workers on this machine
    python benchmarks/simulate_scale.py check measured.json                # the model against them
    python benchmarks/simulate_scale.py run --calibrate measured.json --workers 100 1000 10000

What is measured are workers that take photographs by the handful, as tasks of `--engine ray` do, through the same
stages (read, network, paint, write), each in a process of its own. On a busy machine the wall clock measures the
neighbours; so each worker notes how much of a core it was given, and the model is given the same.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a run is made of.

    Attributes:
        seconds: of one core for a photograph.
        spread: standard deviation of that, as a share of it.
        together: photographs of a task.
        start: seconds until a worker that comes is ready.
        listed: photographs that the listing names in a second; one listing feeds all.
        driver: seconds of the driver for a task; one driver serves all.
        slow, slowness: share of workers that are slow, and how many times.
        failures: of a worker in an hour.
        notice: seconds until a failure is noticed, and its task given to another.
        replace: seconds until another worker stands in.
    """

    seconds: float = 0.25
    spread: float = 0.3
    together: int = 16
    start: float = 60.0
    listed: float = 5000.0
    driver: float = 0.058  # as measured: 3.6 ms a photograph
    slow: float = 0.02
    slowness: float = 3.0
    failures: float = 0.02
    notice: float = 30.0
    replace: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run.

    Attributes:
        seconds: until the last photograph was done.
        rate: photographs a second.
        efficiency: of the workers' time, the share that became results.
        lost: photographs that were begun and lost with a worker.
        failures: of workers.
        tail: seconds between 99 % and all.
    """

    seconds: float
    rate: float
    efficiency: float
    lost: int
    failures: int
    tail: float


def simulate(
    model: Model, photos: int, workers: int, *, seed: int = 0, shares: Sequence[float] | None = None
) -> Outcome:
    """Simulate a run.

    Args:
        model: what it is made of.
        photos: how many.
        workers: of one core each.
        seed: of what is drawn.
        shares: of a core that each worker is given, instead of drawn slowness.
    """
    draw = random.Random(seed)
    drawn = (1 / model.slowness if draw.random() < model.slow else 1.0 for _ in range(workers))
    speeds = list(shares or drawn)
    rate = model.failures / _HOUR
    fails = [draw.expovariate(rate) if rate else math.inf for _ in range(workers)]
    ready = [(model.start, worker) for worker in range(workers)]
    heapq.heapify(ready)
    again: list[tuple[float, int]] = []
    left, named, driver, useful = photos, 0, 0.0, 0.0
    done = lost = failed = 0
    mark = 0.99 * photos
    at_mark = end = 0.0
    # A task is done when its worker has worked it off, and the driver has taken in its rows, one task after another.
    under_way: list[tuple[float, int]] = []
    while done < photos:
        while under_way and (not ready or under_way[0][0] <= ready[0][0] or not (left or again)):
            finish, count = heapq.heappop(under_way)
            driver = max(driver, finish) + model.driver
            done += count
            end = max(end, driver)
            if not at_mark and done >= mark:
                at_mark = end
        if not ready or not (left or again):
            continue
        now, worker = heapq.heappop(ready)
        if again and (again[0][0] <= now or not left):
            noticed, count = heapq.heappop(again)
            begin = max(now, noticed)
        else:
            count = min(model.together, left)
            left -= count
            named += count
            begin = max(now, named / model.listed)
        # Where the driver cannot follow, workers wait for it: what is finished and not taken in is bounded.
        begin = max(begin, driver - workers * model.driver)
        needed = sum_of(draw, model, count) / speeds[worker]
        if begin + needed > fails[worker]:
            failed, lost = failed + 1, lost + count
            heapq.heappush(again, (max(begin, fails[worker]) + model.notice, count))
            back = max(begin, fails[worker]) + model.replace
            fails[worker] = back + draw.expovariate(rate)
            heapq.heappush(ready, (back, worker))
            continue
        useful += needed * speeds[worker]
        heapq.heappush(under_way, (begin + needed, count))
        heapq.heappush(ready, (begin + needed, worker))
    busy = sum(speeds) * end
    return Outcome(
        seconds=end,
        rate=photos / end,
        efficiency=useful / busy,
        lost=lost,
        failures=failed,
        tail=end - at_mark,
    )


def sum_of(draw: random.Random, model: Model, count: int) -> float:
    """Draw the work of a task: a gamma variable with the mean and the deviation of so many photographs."""
    shape = count / model.spread**2
    return draw.gammavariate(shape, model.seconds * count / shape)


# ── Measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _work(paths: Any, output: str, answers: Any) -> None:
    """A worker: takes tasks until there are none, and tells what each took."""
    from hue_cli.infer.naming import Naming
    from hue_cli.infer.session import open_session
    from hue_cli.infer.steps import IfColour, Settings, Steps
    from hue_cli.remote.plan import RemoteJob, RemotePlan
    from hue_cli.remote.task import RemoteTask
    from hue_cli.weights.resolve import resolve_model

    model = resolve_model(None)
    session = open_session(model.read(), model.name, "cpu", threads=1)
    steps = Steps(session, Settings(if_colour=IfColour.RECOLOR), threads=1)
    answers.put(("ready", 0.0, 0.0, 0.0))
    while (names := paths.get()) is not None:
        begun, work = time.monotonic(), time.process_time()
        before = work
        for name in names:
            plan = RemotePlan.make([f"file://{name}"], f"file://{output}/{Path(name).name}", Naming())
            for job in plan.steps():
                assert isinstance(job, RemoteJob)
                task = RemoteTask(job)
                assert task.begin() is None
                prepared = task.read(steps, takes_digests=False)
                (ab,) = steps.predict([prepared])  # type: ignore[list-item]
                task.finish(steps, prepared, ab, takes_digests=False)  # type: ignore[arg-type]
            now = time.process_time()
            answers.put(("photo", begun, now - work, time.monotonic()))
            work = now
        answers.put(("task", begun, time.process_time() - before, time.monotonic()))
    answers.put(("end", 0.0, 0.0, 0.0))


def measure(photos: Sequence[Path], workers: int, together: int) -> dict[str, Any]:
    """Colorize photographs with so many workers; return what it took."""
    context = multiprocessing.get_context("spawn")
    tasks, answers = context.Queue(), context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        processes = [context.Process(target=_work, args=(tasks, folder, answers)) for _ in range(workers)]
        for process in processes:
            process.start()
        for _ in processes:
            answers.get()
        begun = time.monotonic()
        for first in range(0, len(photos), together):
            tasks.put([str(path) for path in photos[first : first + together]])
        for _ in processes:
            tasks.put(None)
        found = list(_until_end(answers, workers))
        wall = time.monotonic() - begun
        for process in processes:
            process.join()
    each = [work for kind, _, work, _ in found if kind == "photo"]
    done = [(at - start, work) for kind, start, work, at in found if kind == "task"]
    share = sum(work for _, work in done) / sum(length for length, _ in done)
    return {
        "workers": workers,
        "photos": len(photos),
        "together": together,
        "wall": wall,
        "seconds": statistics.fmean(each),
        "spread": statistics.pstdev(each) / statistics.fmean(each),
        "share": share,
    }


def _until_end(answers: Any, workers: int) -> Iterator[tuple[str, float, float, float]]:
    ended = 0
    while ended < workers:
        found = answers.get()
        ended += found[0] == "end"
        yield found


def predicted(base: Model, run: dict[str, Any]) -> float:
    """Return the seconds that the model gives for a measured run, from the cost that one worker was measured with."""
    model = replace(base, together=run["together"], start=0.0, listed=1e9, failures=0.0, driver=0.0)
    shares = [run["share"]] * run["workers"]
    runs = [simulate(model, run["photos"], run["workers"], seed=seed, shares=shares) for seed in range(20)]
    return statistics.fmean(each.seconds for each in runs)


def calibrated(runs: Iterable[dict[str, Any]]) -> Model:
    """Return the model with the cost of a photograph that one worker was measured with."""
    (alone,) = (run for run in runs if run["workers"] == 1)
    return replace(Model(), seconds=alone["seconds"], spread=alone["spread"])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    one.add_argument("photos", type=Path)
    one.add_argument("-o", "--output", type=Path, required=True)
    one.add_argument("--count", type=int, default=32)
    one.add_argument("--together", type=int, default=4)
    two = commands.add_parser("check")
    two.add_argument("measured", type=Path)
    three = commands.add_parser("run")
    three.add_argument("--calibrate", type=Path)
    three.add_argument("--photos", type=int, default=100_000_000)
    three.add_argument("--workers", type=int, nargs="+", default=[1000])
    three.add_argument("--seed", type=int, default=0)
    for name, value in asdict(Model()).items():
        three.add_argument(f"--{name}", type=type(value), default=None)
    asked = parser.parse_args()
    if asked.command == "measure":
        photos = sorted(path for path in asked.photos.iterdir() if path.is_file())[: asked.count]
        runs = [measure(photos, workers, asked.together) for workers in (1, 2, 4)]
        asked.output.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
        _check(runs)
    elif asked.command == "check":
        _check(json.loads(asked.measured.read_text(encoding="utf-8")))
    else:
        base = calibrated(json.loads(asked.calibrate.read_text(encoding="utf-8"))) if asked.calibrate else Model()
        given = {name: value for name in asdict(base) if (value := getattr(asked, name)) is not None}
        _tell(replace(base, **given), asked.photos, asked.workers, asked.seed)


def _check(runs: list[dict[str, Any]]) -> None:
    model = calibrated(runs)
    print("workers  core s/photo  share of a core  measured s  model s  model/measured")
    for run in runs:
        model_seconds = predicted(model, run)
        cost = f"{run['seconds']:12.3f}  {run['share']:15.2f}"
        both = f"{run['wall']:10.1f}  {model_seconds:7.1f}  {model_seconds / run['wall']:14.2f}"
        print(f"{run['workers']:7}  {cost}  {both}")


def _tell(model: Model, photos: int, workers: Iterable[int], seed: int) -> None:
    print(json.dumps(asdict(model)))
    print("workers     hours  photos/s  efficiency  failures  lost  tail min")
    for count in workers:
        found = simulate(model, photos, count, seed=seed)
        print(
            f"{count:7}  {found.seconds / _HOUR:8.1f}  {found.rate:8.0f}  {found.efficiency:10.3f}  {found.failures:8}"
            f"  {found.lost:4}  {found.tail / 60:8.1f}"
        )


if __name__ == "__main__":
    main()
