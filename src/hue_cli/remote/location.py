"""Where a photograph lies: a path in a file system that fsspec knows, here or in object storage."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hue_cli.errors import HueError, ImageError, MissingExtraError, UsageError
from hue_cli.images.write import replacing

_LOCAL = frozenset(("file", "local"))
_WHOLE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"))
"""Protocols that show an object only once it is whole."""
_EXCLUSIVE = frozenset(("s3", "s3a", "gs", "gcs", "memory"))
"""Protocols that can be told to put an object only where none is."""


def is_url(text: str) -> bool:
    """Whether an input or output of the command line names a file system of fsspec's."""
    return "://" in text


@dataclass(frozen=True, slots=True)
class Location:
    """A file, a folder or an object.

    Attributes:
        protocol: fsspec's name of the file system, such as ``s3``.
        path: in it, with the bucket, without a slash at its end.
        options: of the file system.
    """

    protocol: str
    path: str
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Location:
        """Read a URL, or a path of this machine.

        Raises:
            MissingExtraError: the package that speaks the protocol is not installed.
            UsageError: nobody knows the protocol.
        """
        import fsspec

        protocol = text.partition("://")[0].lower() if is_url(text) else "file"
        if protocol in _LOCAL:
            text = os.path.abspath(Path(text.partition("://")[2] or text).expanduser())  # noqa: PTH100 - follows no link
        try:
            kind: Any = fsspec.get_filesystem_class(protocol)
        except ImportError as error:
            package = error.name or next(iter(str(error).removeprefix("Install ").split()), protocol)
            raise MissingExtraError("colorize", "remote", package) from error
        except ValueError as error:
            raise UsageError(
                f"{text}: expected s3://, gs://, az://, file:// or memory://, found {protocol}://."
            ) from error
        path = str(kind._strip_protocol(text))
        # Listings are kept nowhere: one of ten million objects would not fit.
        options = {**kind._get_kwargs_from_urls(text), "use_listings_cache": False}
        return cls(protocol, path.rstrip("/") or path, tuple(sorted(options.items())))

    @property
    def system(self) -> Any:
        """The file system; one object in each process, whose connections are shared."""
        import fsspec

        return fsspec.filesystem(self.protocol, **dict(self.options))

    @property
    def is_local(self) -> bool:
        """Whether it lies in a file system of this machine."""
        return self.protocol in _LOCAL

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def at(self, path: str) -> Location:
        """Return another path in the same file system."""
        return replace(self, path=path)

    def below(self, relative: str) -> Location:
        """Return what lies below, by its path from here."""
        return self.at(f"{self.path}/{relative}")

    def holds(self, other: Location) -> bool:
        """Whether another location lies below this one."""
        return self._where == other._where and other.path.startswith(f"{self.path}/")

    def is_same(self, other: Location) -> bool:
        """Whether another location is this one."""
        return self._where == other._where and other.path == self.path

    @property
    def _where(self) -> tuple[str, Any]:
        return "file" if self.is_local else self.protocol, self.options

    def __str__(self) -> str:
        """The path on this machine, or the URL."""
        return self.path if self.is_local else f"{self.protocol}://{self.path}"

    def read(self) -> bytes:
        """Fetch the content.

        Raises:
            ImageError: it cannot be fetched.
        """
        try:
            content: bytes = self.system.cat_file(self.path)
        except Exception as error:  # each kind of storage raises its own
            raise ImageError(f"{self}: cannot be fetched ({reason(error)}).") from error
        return content

    def write(self, content: bytes, *, replaces: bool) -> bool:
        """Put content in place, whole, in one step that no reader sees the middle of.

        Args:
            content: of the file or object.
            replaces: write over what is there; else that stays.

        Returns:
            Whether it was written: False where something is there that stays.

        Raises:
            ImageError: it cannot be written.
        """
        try:
            return self._write(content, replaces)
        except ImageError:
            raise
        except Exception as error:  # each kind of storage raises its own
            if _is_taken(error):
                return False
            raise ImageError(f"{self}: cannot be written ({reason(error)}).") from error

    def _write(self, content: bytes, replaces: bool) -> bool:
        system = self.system
        if not replaces and self.protocol not in _EXCLUSIVE and system.exists(self.path):
            return False
        if self.is_local:
            with replacing(Path(self.path)) as stream:
                stream.write(content)
        elif self.protocol in _EXCLUSIVE:
            system.pipe_file(self.path, content, mode="overwrite" if replaces else "create")
        elif self.protocol in _WHOLE:
            system.pipe_file(self.path, content)
        else:
            folder = self.path.rpartition("/")[0]
            part = f"{folder}/.hue-{secrets.token_hex(8)}.part"
            system.makedirs(folder, exist_ok=True)
            system.pipe_file(part, content)
            system.mv(part, self.path)
        return True

    def size(self) -> int:
        """Return the size in bytes.

        Raises:
            ImageError: it cannot be found out.
        """
        try:
            return int(self.system.info(self.path)["size"])
        except Exception as error:  # each kind of storage raises its own
            raise ImageError(f"{self}: cannot be looked at ({reason(error)}).") from error

    def refused(self, what: str, error: Exception) -> HueError:
        """Return the error of a storage that does not let a whole run work."""
        return HueError(
            f"{self}: cannot be {what} ({reason(error)}). Check its name, your credentials, and what they allow."
        )


def reason(error: Exception) -> str:
    """Return what a storage says of a failure, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    lines = str(error).strip().splitlines()
    said = (error.strerror if isinstance(error, OSError) else None) or (lines[0] if lines else type(error).__name__)
    if isinstance(error, PermissionError) and "denied" not in said.lower() and "forbidden" not in said.lower():
        said = f"access denied: {said}"
    return said[:300].rstrip(".")


def _is_taken(error: Exception) -> bool:
    """Whether an object could not be put because there is one: HTTP 412, or 409 while another is being put."""
    said = str(error)
    return isinstance(error, FileExistsError) or any(
        code in said for code in ("PreconditionFailed", "ConditionalRequestConflict", "conditionNotMet")
    )
