"""Which files are colorized, and where each result goes.

The walk is lazy: a folder of a hundred thousand photographs is never listed in memory.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hue_cli.errors import ImageError, UsageError
from hue_cli.images.photo import EXTENSIONS, WRITABLE, colour_extension, is_image_name

DEFAULT_SUFFIX = "_color"


class Status(StrEnum):
    """What became of a file."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file's row in the report.

    Attributes:
        source, output: the photograph and its colour version; no output where none could be named.
        status: what became of it.
        message: why, for what was skipped or failed.
        warnings: what may surprise about the result.
        stale: whether the output that was found is older than its photograph.
        height, width: in pixels, where it was read.
    """

    source: Path
    status: Status
    output: Path | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    stale: bool = False
    height: int | None = None
    width: int | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the row as plain data for JSON."""
        return {
            "source": str(self.source),
            "output": None if self.output is None else str(self.output),
            "status": self.status.value,
            "message": self.message,
            "warnings": list(self.warnings),
            "height": self.height,
            "width": self.width,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A photograph to colorize.

    Attributes:
        source, output: where from and where to.
        compare: where the picture of grey beside colour goes, if it is wanted.
        keeps_output: the output is there and stays as it is; only the comparison is missing.
    """

    source: Path
    output: Path
    compare: Path | None = None
    keeps_output: bool = False

    @property
    def output_format(self) -> str:
        """Pillow's name of the output's format."""
        return EXTENSIONS[self.output.suffix.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How results are named.

    Attributes:
        output: file or folder that the user named; None puts results beside the photographs.
        suffix: added to names; None is ``_color`` beside the photographs and nothing in a folder of their own.
        extension: of the format that the user named, with its dot; None keeps the photograph's where it holds colour.
        overwrite: make again what is there.
        compare: also name a picture of grey beside colour.
    """

    output: Path | None = None
    suffix: str | None = None
    extension: str | None = None
    overwrite: bool = False
    compare: bool = False


@dataclass(slots=True)
class Plan:
    """The inputs of a command line, sorted out.

    Attributes:
        naming: how results are named.
        files: photographs that were named one by one or by a pattern.
        folders: roots that are walked.
        ignored: files that are no pictures by their names, counted during the walk.
    """

    naming: Naming
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    ignored: int = 0
    _claimed: set[str] = field(default_factory=set)
    _unreadable: list[tuple[Path, OSError]] = field(default_factory=list)

    @classmethod
    def make(cls, inputs: Sequence[str], naming: Naming) -> Plan:
        """Sort out files, folders and patterns.

        Raises:
            UsageError: an input does not exist, or the naming cannot work for these inputs.
        """
        plan = cls(naming=naming)
        for text in inputs:
            # Not Path.glob, which refuses absolute patterns.
            names = [text] if os.path.lexists(text) else sorted(glob.glob(text, recursive=True))  # noqa: PTH207
            found = [Path(name) for name in names]
            if not found:
                raise UsageError(f"{text}: there is no such file or folder, and no file fits it as a pattern.")
            for path in found:
                if path.is_dir():
                    plan.folders.append(path)
                elif path == Path(text) or is_image_name(path):
                    plan.files.append(path)
                else:
                    plan.ignored += 1
        plan._check()
        return plan

    def _check(self) -> None:
        naming = self.naming
        if naming.suffix is not None and (set(naming.suffix) & {"/", "\\", "\0"}):
            raise UsageError(f"--suffix {naming.suffix!r}: a suffix is part of a name and holds no slash.")
        if naming.suffix == "" and naming.output is None:
            raise UsageError("--suffix '' without --output would write over the photographs. Name an output folder.")
        if self._single_file_output() and naming.output is not None:
            if naming.output.suffix.lower() not in EXTENSIONS or self._format_of(naming.output) not in WRITABLE:
                raise UsageError(f"{naming.output}: hue does not write this format. It writes: {_writable()}.")
            if naming.extension and self._format_of(naming.output) != EXTENSIONS[naming.extension]:
                raise UsageError(
                    f"{naming.output}: --format asks for {EXTENSIONS[naming.extension]}, the name for another."
                )
        elif naming.output is not None and naming.output.exists() and not naming.output.is_dir():
            raise UsageError(f"{naming.output}: is a file, but several results need a folder.")

    def _single_file_output(self) -> bool:
        """Whether ``--output`` names a file: one photograph, and a name with an image's extension."""
        output = self.naming.output
        if output is None or self.folders or len(self.files) != 1 or output.is_dir():
            return False
        return is_image_name(output)

    @staticmethod
    def _format_of(path: Path) -> str:
        return EXTENSIONS[path.suffix.lower()]

    def steps(self) -> Iterator[Job | Row]:
        """Yield jobs, and rows for what needs no job: skipped, or impossible to name."""
        for source in self.files:
            yield self._step(source, self._beside(source))
        for folder in self.folders:
            root = self.output_root(folder)
            for source in self._walk(folder, root):
                yield self._step(source, root / source.parent.relative_to(folder) / self._name(source, None))
            while self._unreadable:
                where, error = self._unreadable.pop()
                message = f"{where}: the folder cannot be read ({error.strerror})."
                yield Row(source=where, status=Status.FAILED, message=message)

    def planned(self) -> Generator[Row]:
        """Yield a row for each photograph as a dry run reports it; nothing is read or written."""
        for step in self.steps():
            yield step if isinstance(step, Row) else Row(source=step.source, output=step.output, status=Status.PLANNED)

    def count(self) -> int:
        """Return how many steps there will be, by walking the folders once."""
        before = self.ignored
        total = len(self.files) + sum(
            1 for folder in self.folders for _ in self._walk(folder, self.output_root(folder))
        )
        self.ignored = before
        self._unreadable.clear()
        return total

    def output_root(self, folder: Path) -> Path:
        """Return the folder that mirrors an input folder.

        Raises:
            UsageError: the folder has no name to add a suffix to.
        """
        naming = self.naming
        whole = Path(os.path.abspath(folder))  # "." and ".." have names too  # noqa: PTH100
        if naming.output is not None:
            alone = len(self.folders) == 1 and not self.files
            return naming.output if alone else naming.output / whole.name
        if not whole.name:
            raise UsageError(f"{folder}: name an output folder with --output.")
        suffix = DEFAULT_SUFFIX if naming.suffix is None else naming.suffix
        return folder.parent / f"{folder.name}{suffix}" if folder.name else whole.parent / f"{whole.name}{suffix}"

    def _beside(self, source: Path) -> Path:
        naming = self.naming
        if naming.output is None:
            return source.parent / self._name(source, DEFAULT_SUFFIX)
        return naming.output if self._single_file_output() else naming.output / self._name(source, None)

    def _name(self, source: Path, default_suffix: str | None) -> str:
        """Return the name of a result in its folder."""
        suffix = self.naming.suffix if self.naming.suffix is not None else default_suffix or ""
        if self.naming.suffix is not None and self.naming.output is None and default_suffix is None:
            suffix = ""  # the suffix went to the folder's name
        return f"{source.stem}{suffix}{self.naming.extension or colour_extension(source)}"

    def _walk(self, folder: Path, root: Path) -> Iterator[Path]:
        """Yield pictures below a folder in a stable order, without what hue itself writes there."""
        own = _real(root)

        def note(error: OSError) -> None:
            self._unreadable.append((Path(error.filename), error))

        for where, folders, names in os.walk(folder, onerror=note):
            folders[:] = sorted(name for name in folders if _real(Path(where, name)) != own)
            for name in sorted(names):
                path = Path(where, name)
                if is_image_name(path) and path.is_file():
                    yield path
                else:
                    self.ignored += 1

    def _step(self, source: Path, output: Path) -> Job | Row:
        if self._is_own_output(source):
            return Row(source=source, status=Status.SKIPPED, message="is itself a colour version that hue made")
        compare = None
        try:
            output = self._claim(source, output)
            if self.naming.compare:
                compare = self._claim(source, output.with_name(f"{output.stem}_compare{output.suffix}"))
        except ImageError as error:
            return Row(source=source, status=Status.FAILED, message=str(error))
        kept = not self.naming.overwrite and os.path.lexists(output)
        if kept and (compare is None or compare.exists()):
            older = _modified(output) < _modified(source)
            message = "is there already, but older than its photograph" if older else "is there already"
            return Row(source=source, output=output, status=Status.SKIPPED, message=message, stale=older)
        return Job(source=source, output=output, compare=compare, keeps_output=kept)

    def _is_own_output(self, source: Path) -> bool:
        """Whether a file carries the suffix and the file without it is beside: a second run finds the first one's."""
        suffix = DEFAULT_SUFFIX if self.naming.suffix is None else self.naming.suffix
        if not suffix or (len(self.files) == 1 and not self.folders):
            return False
        for ending in (suffix, f"{suffix}_compare"):
            if source.stem.endswith(ending) and source.stem != ending:
                plain = source.stem.removesuffix(ending)
                if any(source.with_name(plain + extension).is_file() for extension in (source.suffix, *EXTENSIONS)):
                    return True
        return False

    def _claim(self, source: Path, output: Path) -> Path:
        """Give each source an output of its own that is no input.

        Where the extension changes, ``a.gif`` and ``a.png`` meet in ``a.png``; the one that changes becomes
        ``a_gif.png``.

        Raises:
            ImageError: no name is left, or the output would write over a photograph.
        """
        if output.suffix.lower() != source.suffix.lower() and not self._single_file_output():
            rival = source.with_name(f"{source.stem}{output.suffix}")
            if rival.is_file() or _key(output) in self._claimed:
                output = output.with_name(f"{output.stem}_{source.suffix[1:].lower()}{output.suffix}")
        if _key(output) in self._claimed:
            raise ImageError(f"{source}: another photograph's colour version is already called {output}. Use --suffix.")
        if self._is_input(source, output):
            raise ImageError(f"{source}: its colour version {output} would write over a photograph. Use --output.")
        self._claimed.add(_key(output))
        return output

    def _is_input(self, source: Path, output: Path) -> bool:
        if not os.path.lexists(output):
            return False
        if _same(source, output):
            return True
        if not self.naming.overwrite or self._is_own_output(output):
            return False  # nothing there is written over, or what is was made by hue
        return any(self._walks(folder, output) for folder in self.folders) or any(
            _same(path, output) for path in self.files
        )

    def _walks(self, folder: Path, output: Path) -> bool:
        """Whether the walk of a folder comes past a file: all below it, but for a folder of results within."""
        root = self.output_root(folder)
        pruned = _inside(root, folder) and _real(root) != _real(folder) and _inside(output, root)
        return _inside(output, folder) and not pruned


def _writable() -> str:
    return ", ".join(ending for ending, name in EXTENSIONS.items() if name in WRITABLE)


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _key(path: Path) -> str:
    """Return a path as it is compared: file systems of macOS and Windows take ``A`` for ``a``."""
    return os.path.normcase(os.path.abspath(path)).casefold()  # noqa: PTH100 - links must not be followed


def _inside(path: Path, folder: Path) -> bool:
    return Path(_real(path)).is_relative_to(_real(folder))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
