"""Which files are colorized, and where each result goes.

The walk is lazy, folder by folder: work begins before a large tree has been listed. What a run remembers of
each photograph is a fingerprint of its name and of its result's, so that none is done twice and no two share a result.
"""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hue_cli.errors import ImageError, UsageError
from hue_cli.images.mark import can_hold_mark, made_by_hue
from hue_cli.images.photo import EXTENSIONS, colour_extension, is_image_name, is_unread_name
from hue_cli.images.walk import walk_pictures
from hue_cli.infer.job import Job, Row, Skip, Status
from hue_cli.infer.naming import Naming, needs_folder


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder of the command line.

    Attributes:
        path: where it is.
        place: where it belongs below an output folder: its name, or what a pattern left open of its path.
    """

    path: Path
    place: Path


@dataclass(frozen=True, slots=True)
class _Found:
    source: Path
    output: Path
    among_results: bool = False


@dataclass
class Plan:
    """The inputs of a command line, sorted out.

    Attributes:
        naming: how results are named.
        files: photographs that were named one by one or by a pattern.
        folders: roots that are walked.
        unread: what fits a pattern and is a picture of a format that hue does not read.
        ignored: files that are no pictures by their names, counted during the walk.
    """

    naming: Naming
    files: list[Input] = field(default_factory=list)
    folders: list[Input] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    ignored: int = 0
    _claimed: set[int] = field(default_factory=set)
    _renamed: dict[int, Path] = field(default_factory=dict)

    @classmethod
    def make(cls, inputs: Sequence[str], naming: Naming) -> Plan:
        """Sort out files, folders and patterns.

        Raises:
            UsageError: an input does not exist, or the naming cannot work for these inputs.
        """
        plan = cls(naming=naming)
        for text in inputs:
            for found in _find(text):
                if found.path.is_dir():
                    plan.folders.append(found)
                elif found.path == Path(text) or is_image_name(found.path):
                    plan.files.append(found)
                elif is_unread_name(found.path):
                    plan.unread.append(found.path)
                else:
                    plan.ignored += 1
        plan._check()
        return plan

    def _check(self) -> None:
        naming = self.naming
        naming.check_suffix(is_beside=naming.output is None)
        if self._writes_one_file():
            naming.check_picture()
        elif naming.output is not None and not naming.output.is_dir():
            if naming.output.exists():
                raise UsageError(f"{naming.output}: is a file, but several results need a folder.")
            if naming.names_file() and (self.files or self.folders):
                raise needs_folder(naming.output)
        for folder in self.folders:
            self._check_folder(folder)

    def _check_folder(self, folder: Input) -> None:
        """Refuse results among photographs: over them, or in a folder of theirs that would be left out of the walk."""
        root = self.output_root(folder)
        if _real(root) == _real(folder.path) and not self.naming.suffix:
            raise UsageError(
                f"{root}: results would be written over their photographs. Name another folder, or add a --suffix."
            )
        for results in self._results:
            if _is_below(results, _real(folder.path)):
                for path in (here.path / name for here in walk_pictures(Path(results)) for name in here.pictures):
                    if not made_by_hue(path):
                        raise UsageError(
                            f"{results}: lies in {folder.path} and holds pictures without hue's mark, such as "
                            f"{path}, that may be originals. Name an output folder that is empty, or elsewhere."
                        )

    def _writes_one_file(self) -> bool:
        """Whether ``--output`` names a file: one photograph, and a name with a file's extension."""
        output = self.naming.output
        if output is None or self.folders or len(self.files) != 1 or output.is_dir():
            return False
        return self.naming.names_file()

    def steps(self) -> Iterator[Job | Row]:
        """Yield jobs, and rows for what needs no job: skipped, or impossible to name."""
        for found in self._found():
            yield found if isinstance(found, Row) else self._step(found)

    def planned(self) -> Generator[Row]:
        """Yield a row for each photograph as a dry run reports it; nothing is read or written."""
        for step in self.steps():
            yield step if isinstance(step, Row) else Row(source=step.source, output=step.output, status=Status.PLANNED)

    def count(self) -> int:
        """Return how many steps there will be, by walking the folders once."""
        before = self.ignored
        total = sum(1 for _ in self._found())
        self.ignored = before
        return total

    def output_root(self, folder: Input) -> Path:
        """Return the folder that mirrors an input folder.

        Raises:
            UsageError: the folder has no name to add a suffix to.
        """
        naming, path = self.naming, folder.path
        if naming.output is not None:
            alone = len(self.folders) == 1 and not self.files
            return naming.output if alone else naming.output / folder.place
        whole = Path(os.path.abspath(path))  # "." and ".." have names too  # noqa: PTH100
        if not whole.name:
            raise UsageError(f"{path}: name an output folder with --output.")
        return (path if path.name else whole).with_name(whole.name + naming.any_suffix)

    @cached_property
    def _results(self) -> frozenset[str]:
        """Real paths of the folders that results go to; walks leave them out."""
        roots = {_real(self.output_root(folder)) for folder in self.folders}
        return frozenset(roots if self.naming.output is None else {*roots, _real(self.naming.output)})

    @cached_property
    def _identities(self) -> frozenset[tuple[int, int]]:
        """Device and number of each file that was named."""
        return frozenset(filter(None, (_identity(given.path) for given in self.files)))

    def _found(self) -> Iterator[_Found | Row]:
        """Yield every photograph once, however many inputs lead to it."""
        files = (_Found(given.path, self._output_of(given)) for given in self.files)
        every = itertools.chain(files, map(Row.of_unread, self.unread), *map(self._walk, self.folders))
        if len(self.files) + len(self.folders) == 1:
            yield from every  # a walk comes past each file once
            return
        seen: set[int] = set()
        for found in every:
            source = _fingerprint(os.path.abspath(found.source))  # noqa: PTH100 - links must not be followed
            if source not in seen:
                seen.add(source)
                yield found

    def _output_of(self, given: Input) -> Path:
        output = self.naming.output
        if output is None:
            return given.path.with_name(self._name(given.path, self.naming.any_suffix))
        if self._writes_one_file():
            return output
        return output / given.place.parent / self._name(given.path, self.naming.suffix or "")

    def _name(self, source: Path, suffix: str) -> str:
        """Return the name of a result in its folder."""
        return f"{source.stem}{suffix}{self.naming.extension or colour_extension(source)}"

    def _walk(self, folder: Input) -> Iterator[_Found | Row]:
        """Yield pictures below a folder in a stable order, without the results that go there."""
        root = self.output_root(folder)
        # Beside the photographs, the suffix went to the folder's name.
        suffix = "" if self.naming.output is None else self.naming.suffix or ""
        unreadable: list[Row] = []

        def note(error: OSError) -> None:
            message = f"{error.filename}: the folder cannot be read ({error.strerror})."
            unreadable.append(Row(source=Path(error.filename), status=Status.FAILED, message=message))

        last = {Path(results).name for results in self._results}

        def is_result(path: Path) -> bool:
            # Not Path.is_symlink, which does not stand paths that are too long.
            return (path.name in last or os.path.islink(path)) and _real(path) in self._results  # noqa: PTH114

        for here in walk_pictures(folder.path, leaves_out=is_result, on_unreadable=note):
            for link in here.links:
                message = "is a link to a folder, which is not followed; name it to colorize what is there"
                yield Row(source=here.path / link, status=Status.SKIPPED, skip=Skip.LINK, message=message)
            below = here.path.relative_to(folder.path)
            among_results = self._is_among_results(folder.path, below)
            for name in here.pictures:
                yield _Found(here.path / name, root / below / self._name(Path(name), suffix), among_results)
            for name in here.unread:
                yield Row.of_unread(here.path / name)
            self.ignored += here.others
        yield from unreadable

    def _step(self, found: _Found) -> Job | Row:
        naming, source, output = self.naming, found.source, found.output
        if (found.among_results or self._is_named_like_a_result(source)) and _is_own(source):
            message = "looks like a colour version that hue made; named alone, with --if-color recolor, it is colorized"
            return Row(source=source, status=Status.SKIPPED, skip=Skip.OWN, message=message)
        compare = None
        try:
            output = self._claim(source, output)
            if naming.compare:
                compare = self._claim(source, output.with_name(f"{output.stem}_compare{output.suffix}"), renames=False)
        except ImageError as error:
            return Row(source=source, status=Status.FAILED, message=str(error))
        if naming.overwrite:
            return Job(source=source, output=output, compare=compare, overwrites=True)
        keeps_output = os.path.lexists(output)
        if compare is not None and os.path.lexists(compare):
            compare = None
        if keeps_output and compare is None:
            return Row.of_existing(source, output)
        return Job(source=source, output=output, compare=compare, keeps_output=keeps_output)

    def _is_named_like_a_result(self, source: Path) -> bool:
        """Whether a file has the suffix and the file without it is beside: a second run finds the first one's."""
        suffix = self.naming.any_suffix
        if not suffix or (len(self.files) == 1 and not self.folders):
            return False
        for ending in (suffix, f"{suffix}_compare"):
            plain = source.stem.removesuffix(ending)
            if plain not in ("", source.stem) and any(
                _identity(source.with_name(plain + extension)) for extension in (source.suffix, *EXTENSIONS)
            ):
                return True
        return False

    def _is_among_results(self, folder: Path, below: Path) -> bool:
        """Whether a folder in the walk has the suffix, or one that it lies in, and the one without it is beside."""
        suffix = self.naming.any_suffix
        alone = len(self.folders) == 1 and not self.files
        # Paths are made where the name asks for it: a deep folder has many above it.
        depths = [at for at, name in enumerate(below.parts, 1) if name.removesuffix(suffix) not in ("", name)]
        trail = [folder.joinpath(*below.parts[:depth]) for depth in ([] if alone else [0]) + depths]
        return bool(suffix) and any(
            path.name.removesuffix(suffix) not in ("", path.name)
            and path.with_name(path.name.removesuffix(suffix)).is_dir()
            for path in trail
        )

    def _claim(self, source: Path, output: Path, *, renames: bool = True) -> Path:
        """Give each source an output of its own that is no input.

        Where the extension changes, ``a.gif`` and ``a.png`` meet in ``a.png``; the one that changes becomes
        ``a_gif.png``.

        Raises:
            ImageError: no name is left, or the output would write over a photograph.
        """
        if renames and output.suffix.lower() != source.suffix.lower() and not self._writes_one_file():
            rival = source.with_name(f"{source.stem}{output.suffix}")
            if _identity(rival) or _fingerprint(_key(output)) in self._claimed:
                output = output.with_name(f"{output.stem}_{source.suffix[1:].lower()}{output.suffix}")
        fingerprint = _fingerprint(_key(output))
        if fingerprint in self._claimed:
            other = self._renamed.get(fingerprint, "a photograph before it")
            raise ImageError(
                f"{source}: its colour version would be called {output}, as that of {other} is. Rename one of the "
                "two, or colorize this one in a run of its own, with another --output."
            )
        if self._is_input(source, output):
            raise ImageError(
                f"{source}: its colour version {output} would write over a photograph. Choose another --output."
            )
        self._claimed.add(fingerprint)
        if output.suffix != source.suffix:  # few, so that they can be named
            self._renamed[fingerprint] = source
        return output

    def _is_input(self, source: Path, output: Path) -> bool:
        """Whether an output is a photograph of this command line, and would be lost."""
        identity = _identity(output)
        if identity is None or identity == _identity(source):
            return identity is not None
        if not self.naming.overwrite:
            return False  # nothing that is there is written over
        is_input = identity in self._identities or any(
            self._walks(_real(folder.path), output) for folder in self.folders
        )
        return is_input and not made_by_hue(output)

    def _walks(self, folder: str, output: Path) -> bool:
        """Whether the walk of a folder comes past a file: all below it, but for folders of results within."""
        path = _real(output)
        pruned = any(_is_below(results, folder) and _is_below(path, results) for results in self._results)
        return _is_below(path, folder) and not pruned


def _find(text: str) -> list[Input]:
    """Return what an input names: itself where it exists, else what fits it as a pattern.

    Raises:
        UsageError: nothing does.
    """
    if os.path.lexists(text):
        return [Input(Path(text), Path(Path(os.path.abspath(text)).name))]  # "." has a name too  # noqa: PTH100
    start = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), Path(text).parts[:-1]))
    # Not Path.glob, which refuses absolute patterns.
    names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207
    if not names:
        raise UsageError(f"{text}: there is no such file or folder, and no file fits it as a pattern.")
    return [Input(Path(name), Path(name).relative_to(start)) for name in names]


def _is_own(path: Path) -> bool:
    """Whether hue made a file with a result's name, as far as its format can tell."""
    return made_by_hue(path) or not can_hold_mark(path)


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _is_below(path: str, folder: str) -> bool:
    return path != folder and Path(path).is_relative_to(folder)


def _key(path: Path) -> str:
    """Return a path as it is compared: file systems of macOS and Windows take ``A`` for ``a``."""
    return os.path.normcase(os.path.abspath(path)).casefold()  # noqa: PTH100 - links must not be followed


def _fingerprint(text: str) -> int:
    """Return 64 bits that stand for a name; of a million names, two share theirs once in 40 million runs."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(text), digest_size=8).digest())


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and number of a file, by which two names of it are known; None where there is none.

    Unlike :meth:`Path.is_file`, it stands names that are too long.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
