"""Taking photos out of a zip or tar that nobody here has packed.

Every name is looked at before anything is written. An archive that holds what an honest one does not (a path that
leads out, a link that does, a device, the same file twice, far more than its size can hold) is refused as a
whole. Nothing but regular files is ever made, and of these only the photos that are wanted.
"""

from __future__ import annotations

import hashlib
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from hue_cli.data.manifest import Entry
from hue_cli.data.photos import MAX_BYTES
from hue_cli.data.splits import Side
from hue_cli.errors import FetchError

MAX_MEMBERS = 1_000_000
"""No data set that hue knows has a tenth of it."""
MAX_RATIO = 20
"""Photographs hardly shrink; an archive that grows to more than so many times its size is a bomb."""
SLACK = 64 * 2**20
"""Bytes that any archive may unpack to, however small it is."""

_CHUNK = 2**20


class _Reader(Protocol):
    """An opened archive."""

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Yield name and size of each regular file; raise :class:`_HostileError` at what should not be there."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open one of them."""
        ...


class _HostileError(Exception):
    """An archive holds what an honest one does not."""


def unpack(
    archive: Path,
    target: Path,
    divide: Callable[[list[str]], Mapping[str, Side]],
    on_photo: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Entry, ...]:
    """Write the wanted photos of an archive below a folder.

    Args:
        archive: zip or tar.
        target: an empty folder.
        divide: given all names, returns those that are wanted, each with its side.
        on_photo: told how many of how many bytes have been written.

    Returns:
        The photos, sorted by file.

    Raises:
        FetchError: the archive is hostile, damaged, or holds no wanted photo, or a photo cannot be written.
    """
    with _explaining(archive), _opened(archive) as reader:
        sizes = _look_through(reader, archive.stat().st_size)
        sides = divide(sorted(sizes))
        if not sides:
            raise FetchError(f"{archive}: expected the data set's photos, found none in it. Fetch another archive.")
        total, done = sum(sizes[file] for file in sides), 0
        entries = []
        # In the archive's order, or a tar would be wound back for each.
        for file in sizes:
            if file in sides:
                digest = _write(reader, file, sizes[file], target)
                entries.append(Entry(file=file, size=sizes[file], sha256=digest, side=sides[file]))
                done += sizes[file]
                on_photo(done, total)
    return tuple(sorted(entries, key=lambda entry: entry.file))


def _look_through(reader: _Reader, packed: int) -> dict[str, int]:
    """Return name and size of every regular file, in the archive's order."""
    most = MAX_RATIO * packed + SLACK
    sizes: dict[str, int] = {}
    total = 0
    for name, size in reader.sizes():
        if name in sizes:
            raise _HostileError(f"it holds {name!r} twice")
        sizes[name] = size
        total += size
        if total > most:
            raise _HostileError(f"its {packed:,} bytes unpack to more than {most:,}")
        if len(sizes) > MAX_MEMBERS:
            raise _HostileError(f"it holds more than {MAX_MEMBERS:,} files")
    return sizes


def _write(reader: _Reader, file: str, size: int, target: Path) -> str:
    """Write one photo; return its SHA-256."""
    if size > MAX_BYTES:
        raise _HostileError(f"{file!r} has {size >> 20} MiB, more than the {MAX_BYTES >> 20} of a photo")
    path = target / file
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), size
    with reader.open(file) as source, path.open("xb") as stream:
        while chunk := source.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _HostileError(f"{file!r} is longer than the archive says")
            digest.update(chunk)
            stream.write(chunk)
    if left:
        raise EOFError(f"{file!r} is cut short")
    return digest.hexdigest()


def _plain(name: str) -> str:
    """Return a name without ``./``; it must stay inside the folder, on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name.partition("/")[0]:
        raise _HostileError(f"{name!r} leads out of the folder")
    return path.as_posix()


@dataclass(frozen=True, slots=True)
class _Zip:
    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]

    def sizes(self) -> Iterator[tuple[str, int]]:
        for member in self.file.infolist():
            # Not filename: zipfile cuts it at a NUL, and shows another system's separators as this one's.
            name = _plain(member.orig_filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _HostileError(f"{member.filename!r} is a link or a device")
            if member.flag_bits & 1:
                raise _HostileError(f"{member.filename!r} is encrypted")
            if not member.is_dir():
                self.members[name] = member
                yield name, member.file_size

    def open(self, name: str) -> IO[bytes]:
        return self.file.open(self.members[name])


@dataclass(frozen=True, slots=True)
class _Tar:
    file: tarfile.TarFile
    members: dict[str, tarfile.TarInfo]

    def sizes(self) -> Iterator[tuple[str, int]]:
        for member in self.file:
            name = _plain(member.name)
            try:
                # Refuses devices, and links that lead out; those that stay inside are merely not made.
                tarfile.data_filter(member, "/archive")
            except tarfile.FilterError as error:
                raise _HostileError(str(error)) from error
            if member.isreg():
                self.members[name] = member
                yield name, member.size

    def open(self, name: str) -> IO[bytes]:
        stream = self.file.extractfile(self.members[name])
        assert stream is not None
        return stream


@contextmanager
def _opened(archive: Path) -> Iterator[_Reader]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield _Zip(file, {})
    else:
        with tarfile.open(archive, "r:*") as tar:
            yield _Tar(tar, {})


@contextmanager
def _explaining(archive: Path) -> Iterator[None]:
    """Turn what goes wrong into a sentence."""
    try:
        yield
    except _HostileError as error:
        raise FetchError(f"{archive}: refused, for {error}. Nothing was unpacked.") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        raise FetchError(
            f"{archive}: expected a zip or tar, found a damaged one ({error}). Delete it and fetch it again."
        ) from error
    except OSError as error:
        raise FetchError(
            f"{error.filename or archive}: cannot be unpacked ({error.strerror or error}). Make room, or set "
            "HUE_DATA_DIR to another disk."
        ) from error
