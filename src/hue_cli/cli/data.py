"""``hue data``: list, fetch, prepare and look at data sets."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack, closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hue_cli.cli.options import JsonOpt, QuietOpt, VerboseOpt
from hue_cli.cli.report import Mode, ProgressBar, Reporter
from hue_cli.errors import FetchError, UsageError

if TYPE_CHECKING:
    from hue_cli.data.catalogue import NamedSet
    from hue_cli.data.manifest import Manifest
    from hue_cli.data.prepare import Row
    from hue_cli.data.survey import Survey

data = typer.Typer(
    help="Data sets: what there is by name, what lies here, and photos of one's own made ready.\n\n**Example**\n\n"
    "    hue data list",
    no_args_is_help=True,
)


class Format(StrEnum):
    """Formats that ``--format`` takes."""

    JPG = "jpg"
    PNG = "png"
    WEBP = "webp"


_FORMATS = {Format.JPG: "JPEG", Format.PNG: "PNG", Format.WEBP: "WEBP"}


class _Listener:
    """Shows a fetch: bars on a terminal, a line for each tenth elsewhere."""

    def __init__(self, reporter: Reporter, stack: ExitStack) -> None:
        from hue_cli.data.listener import Lines

        self._reporter = reporter
        self._stack = stack
        self._lines = Lines(reporter.note)
        self._what = ""
        self._bar: ProgressBar | None = None
        self._done = 0

    def note(self, text: str) -> None:
        """See :class:`hue_cli.data.listener.Listener`."""
        self._reporter.note(text)

    def warn(self, text: str) -> None:
        """See :class:`hue_cli.data.listener.Listener`."""
        self._reporter.warn(text)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """See :class:`hue_cli.data.listener.Listener`."""
        if not self._reporter.shows_progress:
            self._lines.progress(what, done, total)
            return
        if what != self._what or self._bar is None:
            self._stack.close()
            self._bar = self._stack.enter_context(self._reporter.progress(total, what, percent=True))
            self._what, self._done = what, 0
        self._bar.advance(max(0, done - self._done), MiB=f"{done / 2**20:,.0f} of {(total or 0) / 2**20:,.0f}")
        self._done = max(done, self._done)


@data.command("list")
def list_sets(*, json_report: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """List the data sets that have a name, and which of them are here.

    **Examples**

        hue data list

        hue data list --json
    """
    from hue_cli.data.catalogue import SETS
    from hue_cli.data.fetch import locate_set

    reporter = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    rows = []
    for each in SETS:
        folder = locate_set(each)
        if json_report:
            reporter.emit_json({**_facts(each), "here": None if folder is None else str(folder)})
        size = _size(each)
        rows.append(
            (
                each.name,
                each.photos,
                "unknown" if size is None else _mebibytes(size),
                each.terms,
                ", ".join(each.papers),
                "no" if folder is None else str(folder),
            )
        )
    reporter.table("Data sets", ("name", "photos", "download", "terms", "paper", "here"), rows)


@data.command("info")
def info(
    what: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A data set's name, a folder, a tar or a photo.")],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Read every photo that a manifest lists again.")] = False,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Say what a data set is, or what lies in a folder: counts, sizes, split, digests.

    **Examples**

        hue data info coco

        hue data info photos/ --json

        hue data info prepared/ --verify

    The exit code is 1 if a photo cannot be read, or is not what the manifest says.
    """
    from hue_cli.data.catalogue import NAMES, find_set
    from hue_cli.data.fetch import find
    from hue_cli.data.manifest import read_manifest

    reporter = Reporter(Mode.choose(quiet=quiet, json_report=json_report))
    path = Path(what).expanduser()
    by_name = what in NAMES and not os.path.lexists(what)
    facts: dict[str, object] = _facts(find_set(what)) if by_name else {"path": str(path)}
    manifest = find(what, _Listener(reporter, ExitStack())) if by_name else read_manifest(path)
    if manifest is None and verify:
        raise UsageError(f"--verify: no manifest says what {what} should be.")
    wrong: list[str] = []
    if manifest is not None:
        wrong = _look_again(reporter, manifest, verify=verify)
        facts |= {**_listed(manifest), "wrong" if verify else "missing": wrong}
    elif by_name:
        facts["here"] = None
    else:
        found = _look(reporter, path)
        wrong = [name for name, _ in found.bad]
        facts |= _surveyed(found)
    if json_report:
        reporter.emit_json(facts)
    for name, value in facts.items():  # no table: digests are there to be copied
        reporter.result(f"{name:<14}{_shown(value)}")
    if by_name and manifest is None:
        reporter.note(f"It is not here. Fetch it: hue data fetch {what}")
    if wrong:
        raise typer.Exit(1)


def _look(reporter: Reporter, path: Path) -> Survey:
    """Read the photos of a folder that nothing is known of."""
    from hue_cli.data.survey import survey

    with reporter.progress(None, "reading photos") as bar:
        found = survey([path], lambda _name: bar.advance())
    for name, reason in found.bad:
        reporter.warn(f"{name}: left out, it cannot be read ({reason}).")
    return found


def _look_again(reporter: Reporter, manifest: Manifest, *, verify: bool) -> list[str]:
    """Return the photos of a manifest that are not what it says; without ``verify`` only their sizes are looked at."""
    with reporter.progress(manifest.size, "reading photos", percent=True) as bar:
        wrong = manifest.verify(bar.advance) if verify else manifest.missing()
    for file in wrong:
        reporter.error(f"{manifest.root / file}: is missing, or not what the manifest says.")
    return wrong


@data.command("fetch")
def fetch_sets(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Data sets, as `hue data list` names them.")],
    *,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="A mirror's folder. Default: HUE_DATA_URL, else the publisher."),
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option("--sha256", metavar="HEX", help="Digest that the archive must have, instead of the known one."),
    ] = None,
    keep_archive: Annotated[
        bool, typer.Option("--keep-archive", help="Leave the archive on the disk, in HUE_DATA_DIR/archives.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched, and do nothing.")] = False,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
) -> None:
    """Fetch data sets by name: verified, unpacked, divided as their paper did, and listed in a manifest.

    What is here already is left alone. A transfer that broke off goes on where it stopped. `HUE_OFFLINE=1` forbids
    the network; an archive that was put into `HUE_DATA_DIR/archives` by hand is used all the same.

    **Examples**

        hue data fetch coco

        hue data fetch mirflickr25k --dry-run

        hue data fetch places365 ade20k --base-url https://mirror.example.org/data

    The exit code is 0 if all are here now, 1 if one could not be had, 2 if the command line was wrong.
    """
    from hue_cli.data.catalogue import Kaggle, find_set
    from hue_cli.data.fetch import Options, describe, fetch

    reporter = Reporter(Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report))
    sets = [find_set(name) for name in names]
    if sha256 is not None and (len(sets) != 1 or isinstance(sets[0].origin, Kaggle)):
        raise UsageError("--sha256: is the digest of one archive; name the one data set, and none of Kaggle's.")
    options = Options(base_url=base_url, sha256=sha256, keep_archive=keep_archive)
    if dry_run:
        for each in sets:
            if json_report:
                reporter.emit_json(_facts(each))
            reporter.result(describe(each, options))
        return
    failed = False
    for each in sets:
        try:
            with ExitStack() as stack:
                manifest = fetch(each.name, _Listener(reporter, stack), options)
        except FetchError as error:
            failed = True
            reporter.error(str(error))
            if json_report:
                reporter.emit_json({"name": each.name, "error": str(error)})
            continue
        if json_report:
            reporter.emit_json({"name": each.name, **_listed(manifest)})
        counts = ", ".join(f"{count:,} {side}" for side, count in manifest.counts.items() if count)
        reporter.result(f"{each.name}: {counts} photos in {manifest.root}, manifest {manifest.digest}")
    if failed:
        raise typer.Exit(1)


@data.command("prepare")
def prepare_photos(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A folder of photos, or a tar of them.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the results; made if need be.")],
    *,
    size: Annotated[int, typer.Option("--size", min=16, max=20000, help="Longest side of a result, in pixels.")] = 2000,
    split: Annotated[
        str, typer.Option("--split", metavar="A/B[/C]", help="Shares for training, validation and test, in percent.")
    ] = "90/10",
    pad: Annotated[bool, typer.Option("--pad", help="Make squares: black around what does not fill them.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random split.")] = 0,
    output_format: Annotated[Format, typer.Option("--format", help="Format of the results.")] = Format.JPG,
    quality: Annotated[int, typer.Option("--quality", "-q", min=1, max=100, help="Of JPEG and WebP.")] = 95,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Processes. Default: one a core.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make again what is there already.")] = False,
    json_report: JsonOpt = False,
    quiet: QuietOpt = False,
    verbose: VerboseOpt = False,
) -> None:
    """Make photos ready for training: divide them at random, reduce them, pad them to squares, over all cores.

    Results lie in `OUT/train`, `OUT/val` and, if the split has three shares, `OUT/test`, with a manifest that
    `hue train --dataset OUT` and `hue eval --dataset OUT` heed. Photos are turned upright and brought to sRGB; their
    metadata is left out. What is there already is skipped, so that a run that was interrupted goes on. A photo's
    side depends on its name and the seed alone: photos that are added later move no other.

    **Examples**

        hue data prepare photos/ prepared/ --size 2000 --split 90/10 --pad

        hue data prepare scans.tar prepared/ --size 512 --split 80/10/10 --format webp --quality 90

    The exit code is 0 if every photo was done or skipped, 1 if any failed, 2 if the command line was wrong.
    """
    from hue_cli.data.prepare import Settings, finish, plan, run
    from hue_cli.data.splits import Shares
    from hue_cli.infer.cores import usable_cores

    reporter = Reporter(Mode.choose(quiet=quiet, verbose=verbose, json_report=json_report))
    settings = Settings(
        size=size, pad=pad, split=Shares.parse(split), seed=seed, image_format=_FORMATS[output_format], quality=quality
    )
    jobs = plan(source.expanduser(), target.expanduser(), settings)
    processes = min(workers or usable_cores(), len(jobs))
    begun, counts = time.monotonic(), Counter[str]()
    rows: list[Row] = []
    working = run(jobs, target.expanduser(), settings, workers=processes, overwrite=overwrite)
    with closing(working), reporter.progress(len(jobs), "preparing") as bar:
        for row in working:
            rows.append(row)
            counts[row.status.value] += 1
            _report_row(reporter, row)
            bar.advance(1, **({"failed": counts["failed"]} if counts["failed"] else {}))
    manifest = finish(rows, target.expanduser(), settings)
    seconds = time.monotonic() - begun
    if json_report:
        summary = {name: counts[name] for name in ("done", "skipped", "failed")}
        reporter.emit_json({"summary": {**summary, "seconds": round(seconds, 3), **_listed(manifest)}})
    sides = ", ".join(f"{count:,} {side}" for side, count in manifest.counts.items() if count)
    skipped = f" Skipped {counts['skipped']:,} that were there already." if counts["skipped"] else ""
    rate = f" in {seconds:.1f} s ({counts['done'] / seconds:.1f}/s, {processes} processes)" if counts["done"] else ""
    reporter.result(f"Prepared {counts['done']:,} photos{rate}.{skipped} {target}: {sides or 'nothing'}.")
    if counts["failed"]:
        reporter.warn(f"{counts['failed']:,} of {len(jobs):,} failed and were left out.")
        raise typer.Exit(1)


def _report_row(reporter: Reporter, row: Row) -> None:
    if reporter.mode is Mode.JSON:
        reporter.emit_json(row.to_dict())
    elif row.message:
        reporter.error(f"{row.source}: {row.message}.")
    elif row.entry is not None:
        reporter.detail(f"{row.source} → {row.entry.file}: {row.status}")


def _facts(wanted: NamedSet) -> dict[str, object]:
    """Return what is known of a data set in advance."""
    from hue_cli.data.catalogue import Archive

    origin = wanted.origin
    return {
        "name": wanted.name,
        "title": wanted.title,
        "shows": wanted.shows,
        "photos": wanted.photos,
        "page": wanted.page,
        "source": origin.url if isinstance(origin, Archive) else f"kagglehub: {origin.handle}",
        "download": _size(wanted),
        "known_digest": origin.digest if isinstance(origin, Archive) else None,
        "split": wanted.rule,
        "terms": wanted.terms,
        "papers": list(wanted.papers),
    }


def _size(wanted: NamedSet) -> int | None:
    from hue_cli.data.catalogue import Archive

    return wanted.origin.size if isinstance(wanted.origin, Archive) else None


def _listed(manifest: Manifest) -> dict[str, object]:
    """Return what a manifest says."""
    return {
        "here": str(manifest.root),
        "counts": dict(manifest.counts),
        "rule": manifest.rule,
        "bytes": manifest.size,
        "manifest": manifest.digest,
        "archives": [
            {"url": each.url, "size": each.size, "sha256": each.sha256, "checked": each.checked}
            for each in manifest.archives
        ],
    }


def _surveyed(found: Survey) -> dict[str, object]:
    """Return what a survey found."""
    keys = ("smallest", "median", "largest")
    return {
        "photos": found.photos,
        "bytes": found.size,
        "short_side": dict(zip(keys, found.short_side, strict=True)),
        "long_side": dict(zip(keys, found.long_side, strict=True)),
        "suffixes": dict(found.suffixes),
        "digest": found.digest,
        "bad": [{"file": name, "reason": reason} for name, reason in found.bad],
    }


def _shown(value: object) -> str:
    """Return a fact as people read it."""
    match value:
        case None:
            return "–"
        case int():
            return f"{value:,}"
        case dict():
            return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
        case list():
            return "; ".join(_shown(each) for each in value) or "–"
    return str(value)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
