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
    for where, folders, names in os.walk(root, onerror=on_unreadable):
        here = Path(where)
        folders[:] = sorted(name for name in folders if not leaves_out(here / name))
        pictures, unread = [], []
        for name in sorted(names):
            path = PurePath(name)
            if is_image_name(path):
                pictures.append(name)
            elif is_unread_name(path):
                unread.append(name)
        links = [name for name in folders if (here / name).is_symlink()]
        yield Folder(here, pictures, unread, len(names) - len(pictures) - len(unread), links)
