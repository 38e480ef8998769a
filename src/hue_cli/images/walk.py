"""Pictures below a folder, by their names, folder by folder: work can begin before a large tree has been listed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from hue_cli.images.photo import is_image_name, is_unread_name


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a walk.

    Attributes:
        path: of the folder.
        pictures: names of the files that are pictures by their extension, sorted.
        unread: names of those that are pictures of a format that hue does not read, sorted.
        others: how many other files there are.
        links: names of links to folders, sorted. They are not followed, since they may lead round in circles.
    """

    path: Path
    pictures: list[str]
    unread: list[str]
    others: int
    links: list[str]


def walk_pictures(
    root: Path,
    *,
    leaves_out: Callable[[Path], bool] = lambda _folder: False,
    on_unreadable: Callable[[OSError], None] = lambda _error: None,
) -> Iterator[Folder]:
    """Yield a folder and those below it, in a stable order.

    Args:
        root: where the walk begins; followed where it is a link itself.
        leaves_out: whether the walk passes a folder by, with all below it.
        on_unreadable: told of each folder that cannot be read.
    """
    ahead = [iter([root])]  # not os.walk, which calls itself once a level and so breaks off in a hostile tree
    while ahead:
        here = next(ahead[-1], None)
        if here is None:
            ahead.pop()
            continue
        try:
            with os.scandir(here) as entries:
                names, folders = list[str](), dict[str, bool]()
                for entry in entries:
                    if _is_folder(entry):
                        folders[entry.name] = entry.is_symlink()
                    else:
                        names.append(entry.name)
        except OSError as error:
            on_unreadable(error)
            continue
        below = sorted(name for name in folders if not leaves_out(here / name))
        pictures, unread = [], []
        for name in sorted(names):
            path = PurePath(name)
            if is_image_name(path):
                pictures.append(name)
            elif is_unread_name(path):
                unread.append(name)
        links = [name for name in below if folders[name]]
        yield Folder(here, pictures, unread, len(names) - len(pictures) - len(unread), links)
        ahead.append(map(here.joinpath, [name for name in below if not folders[name]]))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
