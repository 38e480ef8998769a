"""How results are named, and which names are those of files."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from PIL import Image

from hue_cli.errors import UsageError
from hue_cli.images.photo import EXTENSIONS, UNREAD, WRITABLE, is_image_name

DEFAULT_SUFFIX = "_color"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How results are named.

    Attributes:
        output: file or folder that the user named; None puts results beside the photographs.
        output_is_folder: the user put a slash at its end, so that it is a folder whatever it is called.
        suffix: added to names; None is ``_color`` beside the photographs and nothing in a folder of their own.
        extension: of the format that the user named, with its dot; None keeps the photograph's where it holds colour.
        overwrite: make again what is there.
        compare: also name a picture of grey beside colour.
    """

    output: Path | None = None
    output_is_folder: bool = False
    suffix: str | None = None
    extension: str | None = None
    overwrite: bool = False
    compare: bool = False

    def names_file(self) -> bool:
        """Whether the output is called like a file, and is not said to be a folder; one may be there all the same."""
        return self.output is not None and not self.output_is_folder and is_file_name(self.output)

    def check_picture(self, called: object = None) -> None:
        """Refuse an output file that hue cannot write, or whose name says another format than was asked for.

        Args:
            called: what the user calls it, where that is no path.

        Raises:
            UsageError: either.
        """
        if self.output is None:
            return
        called = called or self.output
        image_format = EXTENSIONS.get(self.output.suffix.lower())
        if image_format not in WRITABLE:
            writable = ", ".join(ending for ending, name in EXTENSIONS.items() if name in WRITABLE)
            remedy = _as_folder(called) if self.names_file() else ""
            raise UsageError(f"{called}: hue does not write this format. It writes: {writable}.{remedy}")
        if self.extension and image_format != EXTENSIONS[self.extension]:
            raise UsageError(f"{called}: --format asks for {EXTENSIONS[self.extension]}, the name for another.")

    def check_suffix(self, *, is_beside: bool) -> None:
        """Refuse a suffix that is no part of a name, or that would put results in their photographs' place.

        Args:
            is_beside: whether results go beside their photographs.

        Raises:
            UsageError: either.
        """
        if self.suffix is not None and (set(self.suffix) & {"/", "\\", "\0"}):
            raise UsageError(f"--suffix {self.suffix!r}: a suffix is part of a name and holds no slash.")
        if self.suffix == "" and is_beside:
            raise UsageError("--suffix '' without --output would write over the photographs. Name an output folder.")

    @property
    def any_suffix(self) -> str:
        """The suffix by which results beside photographs are known."""
        return DEFAULT_SUFFIX if self.suffix is None else self.suffix


def needs_folder(output: object) -> UsageError:
    """Return the refusal of a file's name where a folder must be named."""
    return UsageError(f"{output}: is a file's name, but several results need a folder.{_as_folder(output)}")


def _as_folder(output: object) -> str:
    return f" If a folder of this name is meant, end it with a slash: {output}/"


def is_file_name(path: PurePath) -> bool:
    """Whether a name ends as those of files do; ``photos.2024`` and ``v1.5`` do not."""
    # Most folders have no extension, and are spared the import of Pillow's plug-ins.
    return is_image_name(path) or (path.suffix != "" and path.suffix.lower() in _file_extensions())


@cache
def _file_extensions() -> frozenset[str]:
    # Python's own lists, not the system's, which differ and take ".1" for a page of a manual.
    known = mimetypes.MimeTypes()
    lists = (Image.registered_extensions(), *known.types_map, known.encodings_map, UNREAD, (".svgz",))
    return frozenset(extension.lower() for extensions in lists for extension in extensions)


def says_folder(text: str) -> bool:
    """Whether a name as it was typed ends with a slash."""
    return text.endswith(tuple(filter(None, (os.sep, os.altsep))))
