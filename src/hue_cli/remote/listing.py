"""What lies below a location, a page at a time: no listing is ever held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from hue_cli.remote.location import Location


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or object.

    Attributes:
        path: in its file system.
        size: in bytes.
        modified: when it was put there, in seconds since 1970 by the storage's clock.
    """

    path: str
    size: int
    modified: float


def entries(folder: Location) -> Iterator[Entry]:
    """Yield everything below a folder, those in one folder by name.

    Amazon S3 and what speaks its protocol are listed in pages of a thousand. Of others, the names in one folder are
    held at a time, not those below it.

    Raises:
        HueError: it cannot be listed.
    """
    pages = _PAGED.get(folder.protocol, _folder_by_folder)
    try:
        yield from pages(folder.system, folder.path)
    except FileNotFoundError:
        return
    except GeneratorExit:
        raise
    except Exception as error:  # each kind of storage raises its own
        raise folder.refused("listed", error) from error


def look_at(location: Location) -> Entry | None:
    """Return a single file or object; None where there is none.

    Raises:
        HueError: the storage does not say.
    """
    try:
        info = location.system.info(location.path)
    except FileNotFoundError:
        return None
    except Exception as error:  # each kind of storage raises its own
        raise location.refused("looked at", error) from error
    return _entry(info) if info["type"] == "file" else None


def is_folder(location: Location) -> bool:
    """Whether there is a folder of this name: with anything in it, where a storage knows no others.

    Raises:
        HueError: the storage does not say.
    """
    try:
        return bool(location.system.isdir(location.path))
    except Exception as error:  # each kind of storage raises its own
        raise location.refused("looked at", error) from error


def _pages_of_s3(system: Any, path: str) -> Iterator[Entry]:
    bucket, _, key = path.partition("/")
    goes_on: dict[str, str] = {}
    while True:
        page = system.call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{key}/" if key else "", **goes_on)
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):  # what consoles make to show an empty folder
                yield Entry(f"{bucket}/{found['Key']}", found["Size"], found["LastModified"].timestamp())
        if not page.get("IsTruncated"):
            return
        goes_on = {"ContinuationToken": page["NextContinuationToken"]}


def _folder_by_folder(system: Any, path: str) -> Iterator[Entry]:
    found = sorted(system.ls(path, detail=True), key=itemgetter("name"))
    for info in found:
        if info["type"] == "file" and info["name"] != path:
            yield _entry(info)
    folders = [info["name"] for info in found if info["type"] == "directory" and not info.get("islink")]
    del found
    for folder in folders:
        if folder.rstrip("/") != path:
            yield from _folder_by_folder(system, folder.rstrip("/"))


_PAGED: dict[str, Callable[[Any, str], Iterator[Entry]]] = {"s3": _pages_of_s3, "s3a": _pages_of_s3}


def _entry(info: dict[str, Any]) -> Entry:
    return Entry(info["name"], int(info["size"] or 0), _modified(info))


def _modified(info: dict[str, Any]) -> float:
    """Return the time of a file's content, under whichever name the file system gives it."""
    for name in ("LastModified", "last_modified", "mtime", "updated", "created"):
        found = info.get(name)
        if isinstance(found, int | float):
            return float(found)
        if isinstance(found, str) and found:
            found = datetime.fromisoformat(found)
        if isinstance(found, datetime):
            return found.timestamp()
    return 0.0
