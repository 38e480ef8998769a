"""The pipeline: every photograph gets its row, in any order, and the same result as alone."""

from __future__ import annotations

import io
import struct
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.read import count_pixels
from hue_cli.images.tint import tint
from hue_cli.infer.batching import Batcher
from hue_cli.infer.claim import claim
from hue_cli.infer.disk import Disk
from hue_cli.infer.folder import FolderColorizer
from hue_cli.infer.job import Job, Row, Skip, Status
from hue_cli.infer.naming import Naming
from hue_cli.infer.plan import Plan
from hue_cli.infer.session import Session, open_session
from hue_cli.infer.steps import IfColour, Prepared, Settings, Steps
from hue_cli.infer.task import Task
from hue_cli.stopping import DroppedError


@pytest.fixture(scope="module")
def session(tiny_model: Path) -> Session:
    return open_session(tiny_model.read_bytes(), "tiny", "cpu", threads=1)


def make_photos(folder: Path, count: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(count):
        height, width = rng.integers(1, 200, 2)
        grey = rng.integers(0, 256, (height, width), dtype=np.uint8)
        Image.fromarray(grey).save(folder / f"{number:03}.png")


def make_black_photos(folder: Path, count: int) -> None:
    """Of 80 by 80 pixels each."""
    folder.mkdir()
    for number in range(count):
        Image.new("L", (80, 80)).save(folder / f"{number:02}.png")


def run(session: Session, folder: Path, out: Path, *, batch_size: int = 4, workers: int = 2) -> list[Row]:
    plan = Plan.make([str(folder)], Naming(output=out))
    return list(FolderColorizer(Steps(session, Settings()), batch_size=batch_size, workers=workers).run(plan.steps()))


def pictures(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: np.asarray(Image.open(path)) for path in sorted(folder.iterdir())}


def test_batched_is_the_same_as_one_by_one(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 30)
    many = run(session, tmp_path / "in", tmp_path / "many", batch_size=8, workers=3)
    single = run(session, tmp_path / "in", tmp_path / "single", batch_size=1, workers=1)
    assert {row.status for row in (*many, *single)} == {Status.DONE}
    assert len(many) == len(single) == 30
    first, second = pictures(tmp_path / "many"), pictures(tmp_path / "single")
    assert first.keys() == second.keys()
    for name, picture in first.items():
        np.testing.assert_array_equal(picture, second[name], err_msg=name)


def test_colours_are_those_of_the_network(session: Session, tmp_path: Path) -> None:
    """A flat photograph of lightness L gets a* = 0.1 L* + 5 and b* = 30 − 0.4 L*, as the tiny model says."""
    import skimage.color

    (tmp_path / "in").mkdir()
    Image.new("L", (70, 40), 119).save(tmp_path / "in" / "a.png")  # L* = 50.0
    run(session, tmp_path / "in", tmp_path / "out")
    lab = skimage.color.rgb2lab(pictures(tmp_path / "out")["a.png"])
    assert lab.reshape(-1, 3).mean(axis=0) == pytest.approx((50.0, 10.0, 10.0), abs=0.3)


def most_under_way(session: Session, folder: Path, out: Path, *, batch_size: int, workers: int) -> int:
    """Colorize a folder of 40, and return how many photographs were begun and not done at once, at most."""
    plan = Plan.make([str(folder)], Naming(output=out))
    begun = done = most = 0

    def counted() -> Iterator[Job | Row]:
        nonlocal begun
        for step in plan.steps():
            begun += 1
            yield step

    for row in FolderColorizer(Steps(session, Settings()), batch_size=batch_size, workers=workers).run(counted()):
        assert row.status is Status.DONE
        most = max(most, begun - done)
        done += 1
    assert done == 40
    return most


def test_how_much_is_under_way_is_bounded(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_photos(tmp_path / "in", 40)
    assert most_under_way(session, tmp_path / "in", tmp_path / "out", batch_size=2, workers=2) <= 2 * (2 + 2) + 1
    # Large photographs are bounded by their pixels instead.
    monkeypatch.setattr("hue_cli.infer.folder._PIXELS_UNDER_WAY", 1)
    assert len(run(session, tmp_path / "in", tmp_path / "out2")) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such bound")
def test_no_more_is_under_way_than_there_are_files_for(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photos(tmp_path / "in", 40)
    for files, most in (30, 3), (8, 1):
        monkeypatch.setattr("resource.getrlimit", lambda _, files=files: (files, 4096))
        out = tmp_path / str(files)
        assert most_under_way(session, tmp_path / "in", out, batch_size=1, workers=20) <= most + 1


def test_pixels_under_way_are_bounded_before_they_are_decoded(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many threads as would like to may not decode more at once than fits."""
    make_black_photos(tmp_path / "in", 12)
    Image.new("L", (200, 200)).save(tmp_path / "in" / "large.png")
    monkeypatch.setattr("hue_cli.infer.folder._PIXELS_UNDER_WAY", 3 * 80 * 80)
    now: list[int] = []
    sums: list[int] = []
    lock = threading.Lock()

    class Recording(Steps):
        def prepare(self, source: Path | bytes, name: str | None = None) -> Prepared:
            assert isinstance(source, Path)
            with lock:
                now.append(200 * 200 if source.stem == "large" else 80 * 80)
                sums.append(sum(now))
            time.sleep(0.01)
            return super().prepare(source, name)

        def encode(self, prepared: Prepared, *rest: Any) -> None:
            super().encode(prepared, *rest)
            with lock:
                now.remove(prepared.photo.grey.size)

    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    rows = list(FolderColorizer(Recording(session, Settings()), batch_size=4, workers=8).run(plan.steps()))
    assert [row.status for row in rows] == [Status.DONE] * 13
    assert max(total for total in sums if total != 200 * 200) == 3 * 80 * 80
    assert sums.count(200 * 200) == 1


def test_what_has_ended_makes_room_for_the_next(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_black_photos(tmp_path / "in", 8)
    monkeypatch.setattr("hue_cli.infer.folder._PIXELS_UNDER_WAY", 2 * 80 * 80)
    two = threading.Barrier(2, timeout=10)

    class Meeting(Steps):
        def prepare(self, source: Path | bytes, name: str | None = None) -> Prepared:
            two.wait()  # raises where a photograph is alone
            return super().prepare(source, name)

    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    rows = list(FolderColorizer(Meeting(session, Settings()), batch_size=1, workers=2).run(plan.steps()))
    assert [row.status for row in rows] == [Status.DONE] * 8


def test_giants_are_counted_before_the_first_is_read(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 250_000_000)
    header = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 30_000, 20_000, 8, 0, 0, 0, 0)
    giant = b"\x89PNG\r\n\x1a\n" + header + struct.pack(">II", zlib.crc32(header[4:]), 0) + b"IDAT"
    assert count_pixels(giant) == 0
    Steps(session, Settings(max_pixels=700_000_000))
    with warnings.catch_warnings(action="ignore"):
        assert count_pixels(giant) == 600_000_000


@pytest.mark.parametrize("step", ["prepare", "paint", "encode"])
@pytest.mark.parametrize("error", [MemoryError(), struct.error("argument out of range"), IndexError("no such plane")])
def test_whatever_goes_wrong_with_a_photograph_costs_one_row(
    session: Session, tmp_path: Path, step: str, error: Exception
) -> None:
    make_photos(tmp_path / "in", 5)
    lock, calls = threading.Lock(), iter(range(99))
    steps = Steps(session, Settings())
    whole = getattr(steps, step)

    def stumble(*arguments: Any) -> Any:
        with lock:
            number = next(calls)
        if number == 2:
            raise error
        return whole(*arguments)

    setattr(steps, step, stumble)
    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    rows = list(FolderColorizer(steps, batch_size=2, workers=2).run(plan.steps()))
    (failed,) = [row for row in rows if row.status is Status.FAILED]
    assert len(rows) == 5
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert str(failed.source) in failed.message
    assert ("memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}") in failed.message


def test_a_system_without_threads_to_spare_is_no_fault_of_the_format(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    make_photos(tmp_path / "in", 1)
    monkeypatch.setattr("hue_cli.infer.steps.encode", encode)
    (row,) = run(session, tmp_path / "in", tmp_path / "out")
    assert "can't start new thread" in row.message
    assert "--format" not in row.message


def test_a_run_that_is_told_to_stop_reports_what_it_finished(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 40)
    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    colorizer = FolderColorizer(Steps(session, Settings()), batch_size=4, workers=4)
    rows = list(colorizer.run(plan.steps(), lambda: len(list((tmp_path / "out").glob("*.png"))) > 2))
    assert 3 <= len(rows) < 40
    assert {row.output for row in rows} == set((tmp_path / "out").iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hue")]


def test_a_run_that_ends_begins_nothing_ahead_while_it_waits(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photos(tmp_path / "in", 9)
    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    must_stop, closed = threading.Event(), threading.Event()
    real, in_time = Steps.encode, []

    def encode(*arguments: Any, **keywords: Any) -> Any:
        must_stop.set()
        in_time.append(closed.wait(5))
        return real(*arguments, **keywords)

    def ahead(disk: Disk) -> Generator[Task | Row]:
        try:
            yield from disk.tasks(plan.steps())
        finally:
            closed.set()

    monkeypatch.setattr(Steps, "encode", encode)
    colorizer = FolderColorizer(Steps(session, Settings()), batch_size=1, workers=1)
    with closing(Disk()) as disk:
        (row,) = colorizer.run_tasks(ahead(disk), must_stop.is_set)
    assert row.status is Status.DONE
    assert in_time == [True]


def test_closing_the_run_ends_it_with_whole_files_only(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 40)
    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out"))
    rows = FolderColorizer(Steps(session, Settings()), batch_size=2, workers=2).run(plan.steps())
    next(rows)
    rows.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hue")]
    written = list((tmp_path / "out").iterdir())
    assert 1 <= len(written) < 40
    assert all(path.suffix == ".png" and Image.open(path).convert("RGB") for path in written)
    assert len(
        [row for row in run(session, tmp_path / "in", tmp_path / "out") if row.status is Status.DONE]
    ) == 40 - len(written)


OUT_OF_MEMORY = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. "
    "Name:'node_conv2d' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* "
    "onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for "
    "requested buffer of size 1073741824\n"
)


class Stumbling(Session):
    """A session that runs out of memory on batches, or on everything, as the real one says it."""

    def __init__(self, inner: Session, most: int, message: str = OUT_OF_MEMORY) -> None:
        super().__init__(inner._inner, name="tiny", contract=inner.contract, device="cpu")
        self.most = most
        self.message = message
        self.tried: list[int] = []

    def predict(self, lightness: np.ndarray) -> np.ndarray:
        self.tried.append(len(lightness))
        if len(lightness) > self.most:
            raise RuntimeError(self.message)
        if (lightness == 0).all():
            return np.full((len(lightness), 2, *lightness.shape[2:]), np.nan, np.float32)
        return super().predict(lightness)


def test_out_of_memory_halves_the_batch_and_never_gives_a_grey_picture(session: Session, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    grey = np.random.default_rng(5).integers(60, 200, (60, 80), dtype=np.uint8)
    for number in range(32):
        Image.fromarray(grey).save(tmp_path / "in" / f"{number:02}.png")
    short = Stumbling(session, 2)
    assert {row.status for row in run(short, tmp_path / "in", tmp_path / "out", batch_size=8)} == {Status.DONE}
    for picture in pictures(tmp_path / "out").values():
        assert np.ptp(picture.astype(int), axis=2).mean() > 5
    assert sum(number for number in short.tried if number <= 2) == 32
    assert len([number for number in short.tried if number > 2]) <= 3  # once is enough for each size

    for message, remedy in ((OUT_OF_MEMORY, "try a smaller --size, or --device cpu"), ("no such kernel", "")):
        rows = run(Stumbling(session, 0, message), tmp_path / "in", tmp_path / "none")
        assert {row.status for row in rows} == {Status.FAILED}
        assert all(message.strip()[:60] in row.message and str(row.source) in row.message for row in rows)
        assert all((remedy in row.message) == bool(remedy) or not remedy for row in rows)
        assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_memory_for_one_run_at_a_time_is_enough(session: Session, tmp_path: Path, batch_size: int) -> None:
    class Narrow(Session):
        """Has memory for one photograph."""

        inside = 0
        most = 0
        refused = 0
        lock = threading.Lock()

        def predict(self, lightness: np.ndarray) -> np.ndarray:
            with self.lock:
                self.inside += len(lightness)
                is_too_much = self.inside > 1
                self.refused += is_too_much
            try:
                time.sleep(0.005)
                if is_too_much:
                    raise RuntimeError(OUT_OF_MEMORY)
                return super().predict(lightness)
            finally:
                with self.lock:
                    self.inside -= len(lightness)

    (tmp_path / "in").mkdir()
    pages = [Image.new("L", (32, 24), 60 + shade) for shade in range(4)]
    for number in range(12):
        pages[0].save(tmp_path / "in" / f"{number}.tif", save_all=True, append_images=pages[1:])
    narrow = Narrow(session._inner, name="tiny", contract=session.contract, device="cpu")
    rows = run(narrow, tmp_path / "in", tmp_path / "out", batch_size=batch_size, workers=4)
    assert {row.status for row in rows} == {Status.DONE}
    assert narrow.refused > 0
    # Four at once, then two, then one; batches besides, in halves; and those under way meanwhile. There are 48 pages.
    assert narrow.refused <= 16


def test_one_bad_moment_leaves_half_of_the_room(session: Session) -> None:
    class Moment(Session):
        """Is short of memory as soon as eight runs are inside, for those eight."""

        def __init__(self, inner: Session) -> None:
            super().__init__(inner._inner, name="tiny", contract=inner.contract, device="cpu")
            self.together = threading.Barrier(8)
            self.is_over = False

        def predict(self, lightness: np.ndarray) -> np.ndarray:
            if not self.is_over:
                self.together.wait(10)
                self.is_over = True
                raise RuntimeError(OUT_OF_MEMORY)
            return super().predict(lightness)

    steps = Steps(Moment(session), Settings())
    picture = io.BytesIO()
    Image.new("L", (64, 64), 100).save(picture, "PNG")
    prepared = [steps.prepare(picture.getvalue(), str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda one: steps.predict([one])[0], prepared))
    assert all(isinstance(ab, np.ndarray) for ab in results)
    assert steps._room._most == 4 * prepared[0].lightness.size


def test_a_photograph_that_the_network_fails_on_takes_no_other_with_it(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 12)

    class Picky(Session):
        def predict(self, lightness: np.ndarray) -> np.ndarray:
            if (lightness[:, 0, 0, 0] == grey_to_lightness(np.array([[200]], np.uint8))).any():
                raise RuntimeError("cannot")
            return super().predict(lightness)

    Image.new("L", (64, 64), 200).save(tmp_path / "in" / "bad.png")
    Image.new("L", (64, 64), 100).save(tmp_path / "in" / "good.png")
    picky = Picky(session._inner, name="tiny", contract=session.contract, device="cpu")
    rows = run(picky, tmp_path / "in", tmp_path / "out", batch_size=8)
    failed = {Path(row.source).name for row in rows if row.status is Status.FAILED}
    assert "bad.png" in failed
    assert "good.png" not in failed


def test_a_network_that_gives_no_numbers_fails_that_photograph_alone(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 4)
    Image.new("L", (64, 64), 0).save(tmp_path / "in" / "black.png")
    rows = run(Stumbling(session, 99), tmp_path / "in", tmp_path / "out", batch_size=1)
    assert {Path(row.source).name for row in rows if row.status is Status.FAILED} == {"black.png"}


def test_comparison_shows_grey_beside_colour(session: Session, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    grey = np.random.default_rng(2).integers(0, 256, (30, 40), dtype=np.uint8)
    Image.fromarray(np.dstack([grey, grey[::-1]]), "LA").save(tmp_path / "in" / "a.png")
    plan = Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out", compare=True))
    list(FolderColorizer(Steps(session, Settings()), batch_size=1, workers=1).run(plan.steps()))
    found = pictures(tmp_path / "out")
    both = found["a_compare.png"]
    np.testing.assert_array_equal(both[:, :40, :3], np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(both[:, 40:], found["a.png"])


def test_strength_scales_chroma(session: Session) -> None:
    grey = np.full((20, 20), 119, np.uint8)
    ab = np.full((2, 4, 4), 10, np.float32)
    assert (tint(grey, ab, strength=0) == 119).all()
    half, full = tint(grey, ab, strength=0.5).astype(int), tint(grey, ab).astype(int)
    assert np.ptp(half[0, 0]) * 2 == pytest.approx(np.ptp(full[0, 0]), abs=2)


def test_batcher_keeps_shapes_apart_and_order_within() -> None:
    batcher: Batcher[int] = Batcher(2)
    for number, shape in enumerate([(1, 1), (2, 2), (1, 1), (1, 1)]):
        batcher.add(shape, number)
    assert batcher.take(partial=False) == [0, 2]
    assert batcher.take(partial=False) == []
    assert sorted(batcher.take(partial=True) + batcher.take(partial=True)) == [1, 3]
    assert batcher.take(partial=True) == []
    assert len(batcher) == 0


def test_a_photograph_that_vanishes_costs_one_row_and_leaves_no_folder(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 3)

    def vanishing() -> Iterator[Job | Row]:
        for step in Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out")).steps():
            Path(step.source).unlink()
            yield step

    rows = list(FolderColorizer(Steps(session, Settings()), batch_size=2, workers=2).run(vanishing()))
    assert [row.status for row in rows] == [Status.FAILED] * 3
    assert all(f"{row.source}: the file cannot be read (No such file" in row.message for row in rows)
    assert not (tmp_path / "out").exists()


def test_what_another_run_makes_or_has_just_made_is_left_to_it(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 3)
    held = claim(tmp_path / "out" / "000.png")
    assert held is not None

    def overtaken() -> Iterator[Job | Row]:
        for step in Plan.make([str(tmp_path / "in")], Naming(output=tmp_path / "out")).steps():
            if Path(step.source).name == "001.png":
                (tmp_path / "out" / "001.png").write_bytes(b"made by the other run")
            yield step

    rows = list(FolderColorizer(Steps(session, Settings()), batch_size=2, workers=2).run(overtaken()))
    assert {Path(row.source).name: row.skip for row in rows} == {
        "000.png": Skip.BUSY, "001.png": Skip.EXISTS, "002.png": None,
    }  # fmt: skip
    held.release()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"001.png", "002.png"}


class Halting(Steps):
    """Steps in whose course the run is told to stop, or to drop what is in hand."""

    def __init__(self, session: Session, if_colour: IfColour = IfColour.SKIP) -> None:
        super().__init__(session, Settings(if_colour=if_colour), check=self.stop)
        self.stops_at = self.drops_at = ""
        self.seen: list[str] = []
        self.network_ran = threading.Event()

    def at(self, step: str) -> None:
        self.seen.append(step)

    def must_stop(self) -> bool:
        return self.stops_at in self.seen

    def stop(self) -> None:
        if self.drops_at in self.seen:
            raise DroppedError

    def prepare(self, source: Path | bytes, name: str | None = None) -> Prepared:
        prepared = super().prepare(source, name)
        self.at("read")
        if self.leaves_alone(prepared):
            self.network_ran.wait(10)
        return prepared

    def predict(self, batch: Any, **options: Any) -> list[Any]:
        self.at("network")
        self.network_ran.set()
        return super().predict(batch, **options)

    def encode(self, *arguments: Any) -> None:
        super().encode(*arguments)
        self.at("encoded")


def halted(
    steps: Halting, folder: Path, out: Path, *, batch_size: int, workers: int = 1, compare: bool = False
) -> list[Row]:
    plan = Plan.make([str(folder)], Naming(output=out, compare=compare))
    return list(FolderColorizer(steps, batch_size=batch_size, workers=workers).run(plan.steps(), steps.must_stop))


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_photograph_that_was_only_read_is_left(session: Session, tmp_path: Path, batch_size: int) -> None:
    make_photos(tmp_path / "in", 3)
    steps = Halting(session)
    steps.stops_at = "read"
    assert halted(steps, tmp_path / "in", tmp_path / "out", batch_size=batch_size) == []
    assert steps.seen == ["read"]
    assert not (tmp_path / "out").exists()


def test_a_photograph_in_colour_that_is_copied_meanwhile_has_its_row(session: Session, tmp_path: Path) -> None:
    make_photos(tmp_path / "in", 1)
    colours = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "in" / "a.png")
    steps = Halting(session, IfColour.KEEP)
    steps.stops_at = "network"
    rows = halted(steps, tmp_path / "in", tmp_path / "out", batch_size=2, workers=2)
    assert Skip.COPIED in {row.skip for row in rows}
    assert {Path(str(row.output)) for row in rows} == set((tmp_path / "out").iterdir())


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("compare", [False, True])
def test_what_is_dropped_leaves_neither_row_nor_file(
    session: Session, tmp_path: Path, batch_size: int, compare: bool
) -> None:
    make_photos(tmp_path / "in", 1)
    steps = Halting(session)
    steps.drops_at = steps.stops_at = "encoded"
    assert halted(steps, tmp_path / "in", tmp_path / "out", batch_size=batch_size, compare=compare) == []
    assert steps.seen[:3] == ["read", "network", "encoded"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("extension", ["png", "jpg", "tif"])
def test_a_picture_is_dropped_before_its_next_strip(session: Session, tmp_path: Path, extension: str) -> None:
    (tmp_path / "in").mkdir()
    Image.new("L", (70, 40), 119).save(tmp_path / "in" / f"a.{extension}")
    steps = Halting(session)
    steps.drops_at = steps.stops_at = "network"
    assert halted(steps, tmp_path / "in", tmp_path / "out", batch_size=1) == []
    assert steps.seen == ["read", "network"]


def test_pages_are_dropped_before_the_next_is_seen_by_the_network(session: Session, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    page = Image.new("L", (70, 40), 119)
    page.save(tmp_path / "in" / "a.tif", save_all=True, append_images=[page])
    steps = Halting(session)

    def check() -> None:
        if "checked" in steps.seen:
            raise DroppedError
        steps.at("checked")

    steps.check, steps.stops_at = check, "checked"
    assert halted(steps, tmp_path / "in", tmp_path / "out", batch_size=1) == []
    assert steps.seen == ["read", "network", "checked"]
