"""Preparing a folder of one's own photos for training, as paper 001 did: divided, resized, padded, over all cores.

References:
    Paper 001, section on the data: "I split them at random such that 90% were used for training and 10% for
    validation. The images were resized to 2000x2000 squares with zero-padding."
"""

from __future__ import annotations

import io
import json
import multiprocessing
import signal
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path, PurePosixPath

from PIL import Image, ImageCms

from hue_cli.data.manifest import Entry, Manifest, sha256_of
from hue_cli.data.photos import Place, decode, locate
from hue_cli.data.splits import Shares, Side
from hue_cli.errors import HueError, ImageError, UsageError
from hue_cli.images.photo import EXTENSIONS, WRITABLE
from hue_cli.images.profile import is_srgb
from hue_cli.images.write import remove_stale_parts, replacing

SETTINGS = "prepare.json"
"""File of the result that says how it was made, so that another run goes on in the same way or not at all."""

_MARK = "hue_prepare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is done to each photo.

    Attributes:
        size: longest side in pixels; larger photos are reduced to it, smaller ones are left as they are.
        pad: put each in the middle of a black square of that side.
        split: shares of the sides.
        seed: another one gives another random split.
        image_format: JPEG, PNG or WEBP, as Pillow names them.
        quality: of JPEG and WebP, 1 to 100.
    """

    size: int = 2000
    pad: bool = False
    split: Shares
    seed: int = 0
    image_format: str = "JPEG"
    quality: int = 95


class Status(StrEnum):
    """How a photo ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A photo to prepare.

    Attributes:
        name: path below its folder, or ``TAR:MEMBER``.
        side: what it is for.
        place: where it lies; None if it is refused.
        file: where its result goes, below the output folder.
        refused: why it is not even read.
    """

    name: str
    side: Side
    place: Place | None = None
    file: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a photo.

    Attributes:
        source: its name.
        status: how it ended.
        side: what it is for.
        message: why it failed.
        entry: the result, as the manifest lists it; None if there is none.
    """

    source: str
    status: Status
    side: Side
    message: str = ""
    entry: Entry | None = None

    def to_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        entry = {} if self.entry is None else {"file": self.entry.file, "sha256": self.entry.sha256}
        return {"source": self.source, "status": self.status, "side": self.side, "message": self.message, **entry}


def plan(source: Path, target: Path, settings: Settings) -> list[Job]:
    """Return what is to do, and make the output folder ready for it.

    Args:
        source: a folder, a tar that is not compressed, or a photo.
        target: the output folder: new, empty, or one that was begun with the same settings.
        settings: what is done to each photo.

    Raises:
        UsageError: these do not fit each other.
        DatasetError: the source does not exist, or is damaged.
    """
    if source.is_dir() and (source.resolve() == target.resolve() or source.resolve() in target.resolve().parents):
        raise UsageError(f"{target}: lies among the photos of {source}; the next run would prepare its own results.")
    bad: list[tuple[str, str]] = []
    places = list(locate([source], on_bad=lambda *each: bad.append(each)))
    if any(place.offset is None for place in places):
        raise UsageError(f"{source}: is compressed, and can only be read in order. Decompress it first.")
    jobs = [_job(place, settings) for place in places]
    jobs += [Job(name=name, side=settings.split.side(name, settings.seed), refused=reason) for name, reason in bad]
    if not jobs:
        raise UsageError(f"{source}: expected photos, found no file that looks like one.")
    _claim(target, settings)
    return jobs


def _job(place: Place, settings: Settings) -> Job:
    # Of a member of a tar, the tar's own name says nothing; its path may say anything.
    path = PurePosixPath(place.name.removeprefix(f"{place.path.name}:"))
    side = settings.split.side(path.as_posix(), settings.seed)
    if path.is_absolute() or ".." in path.parts:
        return Job(name=place.name, side=side, refused="its name leads out of the folder")
    fits = EXTENSIONS.get(path.suffix.lower()) == settings.image_format
    # Added, not exchanged: a.png and a.webp must not become one a.jpg.
    name = path.name if fits else path.name + WRITABLE[settings.image_format]
    return Job(
        name=place.name, side=side, place=place, file=(PurePosixPath(side.value) / path.with_name(name)).as_posix()
    )


def _claim(target: Path, settings: Settings) -> None:
    """Write the settings into the output folder; refuse one that was begun with others."""
    path = target / SETTINGS
    wanted = {**asdict(settings), "split": str(settings.split)}
    try:
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            other = [f"{name} {before.get(name)}" for name in wanted if before.get(name) != wanted[name]]
            if other:
                raise UsageError(
                    f"{target}: was begun with other settings ({', '.join(other)}). Give the same, or another folder."
                )
            return
        if target.exists() and any(target.iterdir()):
            raise UsageError(f"{target}: expected a new or empty folder, or one that `hue data prepare` began.")
        target.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write((json.dumps({_MARK: 1, **wanted}, indent=1) + "\n").encode())
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: cannot be used ({error}). Name another folder.") from error


def run(jobs: Iterable[Job], target: Path, settings: Settings, *, workers: int, overwrite: bool) -> Generator[Row]:
    """Prepare photos; yield a row for each, in the order in which they end.

    Args:
        jobs: of :func:`plan`.
        target: the output folder.
        settings: what is done to each.
        workers: processes; 1 works in this one.
        overwrite: make again what is there already.

    Raises:
        HueError: a worker was killed.
    """
    if workers == 1:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            for job in jobs:
                yield prepare(job, target, settings, overwrite=overwrite)
        return
    # Spawned, not forked, on every system: a fork copies the locks of threads that it does not copy.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _calm)
    try:
        waiting: set[Future[Row]] = set()
        rest = iter(jobs)
        while True:
            with _signals_held_back():
                waiting |= {
                    pool.submit(prepare, job, target, settings, overwrite=overwrite)
                    for job in islice(rest, 4 * workers - len(waiting))
                }
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    except BrokenProcessPool as error:
        raise HueError(
            "A worker process was killed, most likely for want of memory. What is done is kept; the same command with "
            "fewer --workers goes on."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Start workers deaf to Ctrl-C, which a terminal sends to all: they inherit what is held back here."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows; there :func:`_calm` has to do
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _calm() -> None:
    """Make a worker leave Ctrl-C to its parent, and decoders' warnings of odd metadata unsaid."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore", module=r"PIL\.")


def prepare(job: Job, target: Path, settings: Settings, *, overwrite: bool) -> Row:
    """Prepare one photo, unless its result is there; whatever is wrong with it becomes its row."""
    if job.place is None:
        return _failed(job, job.refused)
    path = target / job.file
    try:
        if path.exists() and not overwrite:
            return Row(source=job.name, status=Status.SKIPPED, side=job.side, entry=_entry(job.file, path, job.side))
        image = fit(_to_srgb(decode(job.place.read(), settings.size)), settings.size, pad=settings.pad)
        with replacing(path) as stream:
            stream.write(_encode(image, settings))
        return Row(source=job.name, status=Status.DONE, side=job.side, entry=_entry(job.file, path, job.side))
    except MemoryError:
        return _failed(job, "there is not enough memory for it")
    except OSError as error:
        return _failed(job, error.strerror or str(error))
    except (ImageError, ValueError) as error:
        return _failed(job, str(error))


def _failed(job: Job, message: str) -> Row:
    return Row(source=job.name, status=Status.FAILED, side=job.side, message=message)


def _entry(file: str, path: Path, side: Side) -> Entry:
    return Entry(file=file, size=path.stat().st_size, sha256=sha256_of(path), side=side)


def fit(image: Image.Image, size: int, *, pad: bool) -> Image.Image:
    """Reduce an RGB image until its long side is ``size``; with ``pad``, put it in the middle of a black square."""
    scale = size / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if not pad:
        return image
    square = Image.new("RGB", (size, size))
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert colours out of the photo's own profile: the result carries none, and would be taken for sRGB."""
    icc = image.info.get("icc_profile")
    if not isinstance(icc, bytes) or icc[16:20] != b"RGB " or is_srgb(icc):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image  # damaged: as if there were none
    assert converted is not None
    return converted


def _encode(image: Image.Image, settings: Settings) -> bytes:
    """Return the file, without the photo's metadata: no place, no camera, no orientation that was applied."""
    options: dict[str, object] = {"quality": settings.quality}
    match settings.image_format:
        case "JPEG":
            options["subsampling"] = 0  # colour is what these photos are for
        case "PNG":
            options = {"compress_level": 4}
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    stream = io.BytesIO()
    clean.save(stream, settings.image_format, **options)
    return stream.getvalue()


def finish(rows: Iterable[Row], target: Path, settings: Settings) -> Manifest:
    """List what was prepared in a manifest.

    Raises:
        ImageError: it cannot be written.
    """
    entries = sorted((row.entry for row in rows if row.entry is not None), key=lambda entry: entry.file)
    rule = f"{settings.split}, by the hash of the name, seed {settings.seed}"
    manifest = Manifest(name=target.resolve().name, root=target, rule=rule, entries=tuple(entries))
    manifest.write(target)
    for folder in _folders(target):
        remove_stale_parts(folder)
    return manifest


def _folders(target: Path) -> Iterator[Path]:
    yield target
    yield from (path for path in target.rglob("*") if path.is_dir())
