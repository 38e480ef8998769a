"""From the name of a data set to its photos on the disk, listed and divided."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from hue_cli.data.catalogue import Archive, Kaggle, NamedSet, find_set
from hue_cli.data.home import data_home
from hue_cli.data.kaggle import fetch_version, kept_versions
from hue_cli.data.listener import Listener
from hue_cli.data.manifest import MANIFEST, Manifest, Provenance, make_manifest, read_manifest, sha256_of
from hue_cli.errors import FetchError, ImageError, UsageError
from hue_cli.offline import offline_switch

ARCHIVES = "archives"
"""Folder below the data home in which archives gather; one that was put there by hand is used."""
BASE_URL = "HUE_DATA_URL"
"""Environment variable that names a mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to fetch.

    Attributes:
        base_url: folder of a mirror that holds the archive under its usual name.
        sha256: digest that the archive must have instead of the one that hue knows.
        keep_archive: leave the archive on the disk.
    """

    base_url: str | None = None
    sha256: str | None = None
    keep_archive: bool = False


def locate_set(wanted: NamedSet) -> Path | None:
    """Return the folder in which a data set lies, fetched or unpacked by hand; None where it is not here.

    Nothing is read but names.
    """
    own = data_home() / wanted.name
    candidates = [own]
    if isinstance(wanted.origin, Kaggle):
        candidates += kept_versions(wanted.origin)
    if (own / MANIFEST).is_file():
        return own
    return next((folder for folder in candidates if wanted.divide(_files(folder))), None)


def find(name: str, listener: Listener | None = None) -> Manifest | None:
    """Return a data set that lies here, without asking the network.

    One that hue did not fetch itself is listed now, which reads all its photos once.

    Raises:
        DatasetError: no data set has this name, or what lies here is damaged.
    """
    wanted = find_set(name)
    own = data_home() / name
    manifest = read_manifest(own)
    if manifest is not None:
        return manifest
    folder = locate_set(wanted)
    return None if folder is None else _adopt(wanted, folder, listener)


def _adopt(wanted: NamedSet, folder: Path, listener: Listener | None) -> Manifest:
    """List the photos of a folder that hue did not fill."""
    if listener:
        listener.note(f"listing the photos of {wanted.name} in {folder} …")
    sides = wanted.divide(_files(folder))
    if listener and len(sides) < wanted.taken:
        listener.warn(f"{folder}: expected {wanted.taken:,} photos of {wanted.name}, found {len(sides):,}")
    origin = wanted.origin
    archives = [Provenance(url=wanted.page, size=None, sha256=None, checked=None)] if isinstance(origin, Kaggle) else []
    manifest = make_manifest(wanted.name, folder, sides, wanted.rule, archives=archives)
    # A shared folder may be read-only: the list is made anew then, and is the same.
    with suppress(ImageError):
        manifest.write(data_home() / wanted.name)
    return manifest


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, relative to it."""
    for parent, _, names in os.walk(folder):
        below = Path(parent).relative_to(folder).as_posix()
        yield from names if below == "." else (f"{below}/{name}" for name in names)


def describe(wanted: NamedSet, options: Options | None = None) -> str:
    """Return what would be fetched, from where, how large it is and under which terms: several lines."""
    origin = wanted.origin
    options = options or Options()
    if isinstance(origin, Kaggle):
        source, size, digest = f"{wanted.page}, with kagglehub", "size unknown in advance", "none is published"
    else:
        url, length, known = _source(origin, options)
        source, digest = url, known.replace(":", " ")
        size = "size unknown in advance" if length is None else f"{length / 2**20:,.0f} MiB"
    taken = "" if wanted.taken == wanted.photos else f"{wanted.taken:,} of its "
    return (
        f"{wanted.name}: {wanted.title}, {taken}{wanted.photos:,} photos ({wanted.shows})\n"
        f"  from    {source}\n"
        f"  size    {size}; digest: {digest}\n"
        f"  split   {wanted.rule}\n"
        f"  terms   {wanted.terms}"
    )


def _source(origin: Archive, options: Options) -> tuple[str, int | None, str]:
    """Return URL, size and digest of an archive.

    Raises:
        UsageError: the mirror is no web address, or the digest is none.
    """
    base = options.base_url or os.environ.get(BASE_URL)
    if base and (urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname):
        raise UsageError(f"{base}: expected the address of a mirror, such as https://mirror.example.org/data.")
    url = f"{base.rstrip('/')}/{origin.file}" if base else origin.url
    if options.sha256 is None:
        return url, origin.size, origin.digest
    digest = options.sha256.strip().lower().removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise UsageError(f"--sha256 {options.sha256}: expected 64 hexadecimal digits.")
    return url, None, f"sha256:{digest}"


def fetch(name: str, listener: Listener, options: Options | None = None) -> Manifest:
    """Return a data set, fetching it if it is not here.

    What it is and under which terms is said before; where the network may not be asked, nothing is.

    Raises:
        FetchError: it cannot be had, or is not what it should be; the message says how to put it in place by hand.
        DatasetError: no data set has this name, or what lies here is damaged.
        UsageError: an option makes no sense.
    """
    from filelock import FileLock

    wanted, options = find_set(name), options or Options()
    recorded = find(name, listener)
    if recorded is not None and recorded.is_whole():
        return recorded
    home = data_home()
    home.mkdir(parents=True, exist_ok=True)
    # Of several processes that want it (torchrun starts one a GPU), the first fetches and the others wait.
    with FileLock(home / f".{name}.lock"):
        recorded = find(name)
        if recorded is not None:
            if recorded.is_whole():
                return recorded
            listener.warn(f"{recorded.root}: photos of {name} are missing or changed; fetching them again")
        listener.note(describe(wanted, options))
        if isinstance(wanted.origin, Kaggle):
            return _from_kaggle(wanted, wanted.origin, recorded, listener)
        return _from_archive(wanted, wanted.origin, recorded, listener, options)


def _compare(recorded: Manifest | None, found: Manifest) -> None:
    """See that what was fetched again is what was fetched first.

    Raises:
        FetchError: it is not.
    """
    if recorded is not None and recorded.digest != found.digest:
        path = data_home() / found.name / MANIFEST
        raise FetchError(
            f"The data set {found.name!r} is not what it was: expected the photos that {path} lists (digest "
            f"{recorded.digest}), found others (digest {found.digest}). To take the new ones, delete that file and "
            "fetch again."
        )


def _from_kaggle(wanted: NamedSet, origin: Kaggle, recorded: Manifest | None, listener: Listener) -> Manifest:
    own = data_home() / wanted.name
    remedy = f"Download {wanted.page} by hand and unpack it to {own}, or name photos of your own: --dataset FOLDER."
    if switch := offline_switch():
        raise FetchError(f"The data set {wanted.name!r} is not here, and {switch} forbids to fetch it. {remedy}")
    root = fetch_version(wanted.name, origin, remedy)
    sides = wanted.divide(_files(root))
    if not sides:
        raise FetchError(f"{root}: expected photos in {' and '.join(wanted.folders)}, found none. {remedy}")
    archives = [Provenance(url=wanted.page, size=None, sha256=None, checked=None)]
    manifest = make_manifest(wanted.name, root, sides, wanted.rule, archives=archives)
    _compare(recorded, manifest)
    manifest.write(own)
    if recorded is None:
        listener.note(
            f"{wanted.name}: nobody publishes its digest, so what came is trusted this first time; recorded: "
            f"{manifest.digest}"
        )
    return manifest


def _from_archive(
    wanted: NamedSet, origin: Archive, recorded: Manifest | None, listener: Listener, options: Options
) -> Manifest:
    # Imported here, because they need packages of the extra, which listing and dividing do not.
    from hue_cli.data.download import Remote, download, public
    from hue_cli.data.unpack import unpack

    home = data_home()
    url, size, digest = _source(origin, options)
    if options.sha256 is None and recorded is not None and recorded.archives and recorded.archives[0].sha256:
        digest = f"sha256:{recorded.archives[0].sha256}"  # stricter than an MD5, and what was used before
        size = recorded.archives[0].size
    remote = Remote(
        url=url, file=origin.file, size=size, digest=digest, unpacked=round(origin.size * wanted.taken / wanted.photos)
    )
    archives = home / ARCHIVES
    archives.mkdir(exist_ok=True)
    archive = download(remote, archives, listener)
    provenance = Provenance(
        url=public(url), size=archive.path.stat().st_size, sha256=sha256_of(archive.path), checked=digest
    )
    with _staged(home / wanted.name) as staging:
        entries = unpack(archive.path, staging, wanted.divide, partial(listener.progress, "unpacking"))
        manifest = Manifest(name=wanted.name, root=staging, rule=wanted.rule, entries=entries, archives=(provenance,))
        _compare(recorded, manifest)
        manifest.write(staging)
    if not archive.was_here and not options.keep_archive:
        archive.path.unlink()
    found = read_manifest(home / wanted.name)
    assert found is not None
    return found


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """Give a new folder that takes the target's place when the block ends well, and vanishes when not.

    Raises:
        FetchError: something else lies at the target.
    """
    if target.exists() and any(target.iterdir()) and read_manifest(target) is None:
        raise FetchError(
            f"{target}: expected nothing there, or the data set; found other files. Move them away, or set "
            "HUE_DATA_DIR to another folder."
        )
    for stale in target.parent.glob(f".{target.name}-*.part"):  # of a run that was killed; the lock is held
        shutil.rmtree(stale, ignore_errors=True)
    staging = target.parent / f".{target.name}-{secrets.token_hex(8)}.part"
    staging.mkdir()
    try:
        yield staging
        if target.exists():
            shutil.rmtree(target)
        staging.replace(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
