"""The list of a data set's photos: each with its digest and the side it is on, as ``manifest.json``.

::

    {"hue_manifest": 1, "name": "coco", "root": ".", "rule": "val2017: 4,000 train + 1,000 val",
     "digest": "…", "archives": [{"url": "…", "size": 815585330, "sha256": "…", "checked": "sha256:…"}],
     "photos": [{"file": "val2017/000000000139.jpg", "size": 161811, "sha256": "…", "side": "train"}, …]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from hue_cli.data.splits import Side, tally
from hue_cli.errors import DatasetError
from hue_cli.images.write import replacing

MANIFEST = "manifest.json"
_MARK = "hue_manifest"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One photo.

    Attributes:
        file: path below the manifest's root, with ``/``.
        size: bytes.
        sha256: of the file, hexadecimal.
        side: what it is for.
    """

    file: str
    size: int
    sha256: str
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """An archive that photos came from.

    Attributes:
        url: where it was fetched.
        size: bytes.
        sha256: of the archive, hexadecimal; None for Kaggle's, which kagglehub unpacks itself.
        checked: the digest that it had to match before it was used; None where none was known.
    """

    url: str
    size: int | None
    sha256: str | None
    checked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A data set as it lies here.

    Attributes:
        name: of the data set.
        root: the folder that files are named below.
        rule: how sides were chosen, in words.
        entries: the photos, sorted by file.
        archives: where they came from; empty for a folder that was here already.
    """

    name: str
    root: Path
    rule: str
    entries: tuple[Entry, ...]
    archives: tuple[Provenance, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over file, digest and side of every photo: the same data, divided in the same way."""
        lines = (f"{entry.sha256} {entry.side} {entry.file}\n" for entry in self.entries)
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many photos each side has."""
        return tally(entry.side for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all photos."""
        return sum(entry.size for entry in self.entries)

    def paths(self, side: Side) -> tuple[Path, ...]:
        """Return the files of a side."""
        return tuple(self.root / entry.file for entry in self.entries if entry.side is side)

    def check(self) -> None:
        """See that every photo is there and has its size, which is quick; :meth:`verify` reads them.

        Raises:
            DatasetError: one is not.
        """
        if missing := self.missing():
            others = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
            raise DatasetError(
                f"{self.root / missing[0]}{others}: expected as the manifest of {self.name!r} says, found missing or "
                "of another size. Fetch or prepare the data set again."
            )

    def missing(self) -> list[str]:
        """Return the files that are not there, or not of their size."""
        return [entry.file for entry in self.entries if not _has_size(self.root / entry.file, entry.size)]

    def is_whole(self) -> bool:
        """Whether :meth:`missing` finds nothing."""
        return not self.missing()

    def verify(self, on_photo: Callable[[int], None] = lambda _bytes: None) -> list[str]:
        """Read every photo; return the files that are missing or not what they were."""
        wrong = []
        for entry in self.entries:
            try:
                if sha256_of(self.root / entry.file) != entry.sha256:
                    wrong.append(entry.file)
            except OSError:
                wrong.append(entry.file)
            on_photo(entry.size)
        return wrong

    def write(self, folder: Path) -> None:
        """Write ``manifest.json`` into a folder, whole or not at all.

        Raises:
            ImageError: it cannot be written.
        """
        root = "." if self.root == folder else str(self.root.resolve())
        head = {
            _MARK: _VERSION,
            "name": self.name,
            "root": root,
            "rule": self.rule,
            "digest": self.digest,
            "counts": self.counts,
            "archives": [asdict(archive) for archive in self.archives],
        }
        # A line a photo: people read and compare these files.
        photos = ",\n".join(json.dumps(asdict(entry)) for entry in self.entries)
        text = json.dumps(head, indent=1)[:-2] + f',\n "photos": [\n{photos}\n]}}\n'
        with replacing(folder / MANIFEST) as stream:
            stream.write(text.encode())


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def is_manifest(path: Path) -> bool:
    """Whether a file is a manifest of hue's; others have the right to that name too."""
    try:
        with path.open("rb") as stream:
            return f'"{_MARK}"'.encode() in stream.read(64)
    except OSError:
        return False


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest that lies in a folder; None where there is none of hue's.

    Raises:
        DatasetError: it is damaged, or its photos are not those that its digest is of.
    """
    path = folder / MANIFEST
    if not is_manifest(path):
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            name=str(data["name"]),
            root=folder / data["root"],
            rule=str(data["rule"]),
            entries=tuple(
                Entry(
                    file=_inside(each["file"]), size=int(each["size"]), sha256=each["sha256"], side=Side(each["side"])
                )
                for each in data["photos"]
            ),
            archives=tuple(Provenance(**each) for each in data["archives"]),
        )
        version, digest = data[_MARK], data["digest"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path}: the list of photos cannot be read ({error!r}). Delete it, and fetch or prepare the data again."
        ) from error
    if version != _VERSION:
        raise DatasetError(f"{path}: expected a list of photos of version {_VERSION}, found {version}. Update hue.")
    if manifest.digest != digest:
        raise DatasetError(
            f"{path}: the list of photos was changed: expected digest {digest}, found {manifest.digest}. "
            "Restore it, or delete it and fetch or prepare the data again."
        )
    return manifest


def _inside(file: str) -> str:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{file!r} lies outside")
    return file


def make_manifest(
    name: str,
    root: Path,
    sides: Mapping[str, Side],
    rule: str,
    *,
    archives: Iterable[Provenance] = (),
    on_photo: Callable[[int], None] = lambda _bytes: None,
) -> Manifest:
    """Read the photos of a folder and list them.

    Args:
        name: of the data set.
        root: the folder.
        sides: of each file below it.
        rule: how they were chosen, in words.
        archives: where they came from.
        on_photo: told the bytes of each that was read.

    Raises:
        DatasetError: one cannot be read.
    """
    entries = []
    for file, side in sorted(sides.items()):
        path = root / file
        try:
            size, digest = path.stat().st_size, sha256_of(path)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be read ({error.strerror or error}).") from error
        entries.append(Entry(file=file, size=size, sha256=digest, side=side))
        on_photo(size)
    return Manifest(name=name, root=root, rule=rule, entries=tuple(entries), archives=tuple(archives))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
