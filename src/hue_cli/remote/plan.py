"""Which photographs beyond this machine's disks are colorized, and where each result goes.

Everything streams: a photograph is forgotten once its job has been handed on. What is remembered are the results that
are there already, eight bytes each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from hue_cli.errors import UsageError
from hue_cli.images.photo import EXTENSIONS
from hue_cli.infer.job import Row, Skip, Status
from hue_cli.infer.naming import Naming, is_file_name, needs_folder
from hue_cli.remote.listing import Entry, entries, is_folder, look_at
from hue_cli.remote.location import Location
from hue_cli.remote.naming import Namer
from hue_cli.remote.stamp import Found, Results, Stamp, digest_of

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """A photograph to colorize.

    Attributes:
        source, output: where from and where to.
        compare: where the picture of grey beside colour goes, if it is wanted.
        replaces: what is there is written over.
        size: of the photograph's file, in bytes.
    """

    source: Location
    output: Location
    compare: Location | None = None
    replaces: bool = False
    size: int = 0

    @property
    def output_format(self) -> str:
        """Pillow's name of the output's format."""
        return EXTENSIONS[PurePosixPath(self.output.name).suffix.lower()]


@dataclass(frozen=True, slots=True)
class _Input:
    """A folder, and which of what lies below is meant; or a single file.

    Attributes:
        root: the folder, or the file.
        file: the file's entry.
        fits: a pattern for paths.
    """

    root: Location
    file: Entry | None = None
    fits: re.Pattern[str] | None = None


@dataclass
class RemotePlan:
    """The inputs of a command line, sorted out.

    Attributes:
        naming: how results are named; its output is left out.
        output: file or folder that the user named; None puts results beside the photographs.
        settings: of the run, as plain data for JSON; they decide what is done already.
        note: told what a person should know before the work begins.
        ignored: files that are no pictures by their names, counted as the listing goes.
    """

    naming: Naming
    output: Location | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    note: Callable[[str], None] | None = None
    ignored: int = 0
    _inputs: list[_Input] = field(default_factory=list)
    _stamps: dict[str, Stamp] = field(default_factory=dict)

    @classmethod
    def make(cls, inputs: Sequence[str], output: str | None, naming: Naming) -> RemotePlan:
        """Sort out locations and patterns.

        Raises:
            UsageError: an input does not exist, or the naming cannot work for these inputs.
            HueError: the storage refuses.
        """
        plan = cls(naming=naming, output=None if output is None else Location.parse(output))
        plan._inputs = [_find(text) for text in inputs]
        plan._check()
        return plan

    def _check(self) -> None:
        self.naming.check_suffix(is_beside=self.output is None)
        if self.output is not None and self._names_file:
            if not self._writes_one_file():
                raise needs_folder(self.output)
            replace(self.naming, output=Path(self.output.path)).check_picture(self.output)
        roots = [self._root_of(each) for each in self._inputs if each.file is None]
        for each in self._inputs:
            for root in roots if each.file is None else ():
                if root.is_same(each.root) or root.holds(each.root):
                    raise UsageError(f"{root}: results would lie among their photographs. Name another folder.")
        if len({str(root) for root in roots}) < len(roots):
            raise UsageError("Two inputs have one name, and their results would meet in one folder. Use two runs.")

    def _writes_one_file(self) -> bool:
        """Whether ``--output`` names a file: one photograph, and a name with a file's extension."""
        return len(self._inputs) == 1 and self._inputs[0].file is not None and self._names_file

    @cached_property
    def _names_file(self) -> bool:
        """Whether the output is called like a file, and neither is a folder nor said to be one."""
        output = self.output
        if output is None or self.naming.output_is_folder or not is_file_name(PurePosixPath(output.name)):
            return False
        return not is_folder(output)

    def _root_of(self, given: _Input) -> Location:
        """Return the folder that mirrors an input folder."""
        if self.output is not None:
            return self.output if len(self._inputs) == 1 else self.output.below(given.root.name)
        if "/" not in given.root.path.strip("/") and not given.root.is_local:
            raise UsageError(f"{given.root}: is a whole bucket; name a folder for its results with --output.")
        return given.root.at(f"{given.root.path}{self.naming.any_suffix}")

    def stamp(self) -> None:
        """Stamp the folders of results with the settings; once, before the first step.

        Raises:
            HueError: a storage refuses.
        """
        for given in self._inputs:
            if given.file is None and str(root := self._root_of(given)) not in self._stamps:
                self._stamps[str(root)] = self._stamp(root)
        self.note = None

    def steps(self) -> Iterator[RemoteJob | Row]:
        """Yield jobs, and rows for what needs no job; the folders of results are stamped.

        Raises:
            HueError: a storage refuses.
        """
        self.stamp()
        return self._steps(lambda folder: self._stamps[str(folder)])

    def planned(self) -> Generator[Row]:
        """Yield a row for each photograph as a dry run reports it; nothing is fetched or written."""
        for step in self._steps(self._read_stamp):
            if isinstance(step, Row):
                yield step
            else:
                yield Row(source=str(step.source), output=str(step.output), status=Status.PLANNED)

    def count(self) -> int | None:
        """Nobody knows how many steps there will be before they have been listed."""
        return None

    def _steps(self, stamp: Callable[[Location], Stamp | None]) -> Iterator[RemoteJob | Row]:
        for given in self._inputs:
            if given.file is not None:
                yield self._single(given.root, given.file)
                continue
            root = self._root_of(given)
            mark = stamp(root)
            results = Results(entries(root), mark)
            naming = self.naming
            # Beside the photographs, the suffix went to the folder's name.
            namer = Namer(given.root.path, (naming.suffix or "") if self.output else "", naming.extension)
            for found in namer.name(self._listed(given, root)):
                source = given.root.at(found.entry.path)
                if not found.place:
                    yield Row.of_unread(str(source))
                    continue
                output = root.below(found.place)
                if found.rival or ".." in found.place.split("/"):
                    yield _unnamed(source, output, found.rival)
                else:
                    yield self._step(source, output, found.entry.size, results.find(output.path))
            self.ignored += namer.ignored

    def _listed(self, given: _Input, root: Location) -> Iterable[Entry]:
        """Yield what lies below an input, without the results that go there."""
        inside = given.root.holds(root)
        for entry in entries(given.root):
            if inside and entry.path.startswith(f"{root.path}/"):
                continue
            if given.fits is None or given.fits.fullmatch(entry.path):
                yield entry

    def _single(self, source: Location, entry: Entry) -> RemoteJob | Row:
        namer = Namer(source.path.rpartition("/")[0], self._suffix, self.naming.extension)
        named = namer.name_one(entry)
        if self._writes_one_file():
            output = self.output
        else:
            output = (self.output or source.at(source.path.rpartition("/")[0])).below(named.place)
        assert output is not None
        if output.is_same(source):
            message = f"{source}: its colour version would write over it. Choose another --output."
            return Row(source=str(source), output=str(output), status=Status.FAILED, message=message)
        found = Found.ABSENT if look_at(output) is None else Found.FOREIGN
        return self._step(source, output, entry.size, found)

    @property
    def _suffix(self) -> str:
        return self.naming.any_suffix if self.output is None else self.naming.suffix or ""

    def _step(self, source: Location, output: Location, size: int, found: Found) -> RemoteJob | Row:
        stays = found in (Found.DONE, Found.FOREIGN) and not self.naming.overwrite
        if stays:
            message = f"{output} is there already"
            return Row(source=str(source), output=str(output), status=Status.SKIPPED, skip=Skip.EXISTS, message=message)
        stem, dot, extension = output.path.rpartition(".")
        compare = output.at(f"{stem}_compare{dot}{extension}") if self.naming.compare else None
        return RemoteJob(source=source, output=output, compare=compare, replaces=found is not Found.ABSENT, size=size)

    def _read_stamp(self, folder: Location) -> Stamp | None:
        """Return a folder's stamp as the run would write it, without writing it."""
        stamp = Stamp.read(folder)
        if stamp is None or (stamp.digest == digest_of(self.settings) and not self.naming.overwrite):
            return stamp
        return Stamp(digest="", since=float("inf"), first=stamp.first, facts={})

    def _stamp(self, folder: Location) -> Stamp:
        """Return a folder's stamp of the run's settings, written where it is missing or another's."""
        before = Stamp.read(folder)
        if before is not None and before.digest == digest_of(self.settings) and not self.naming.overwrite:
            return before
        if self.note is not None and before is not None and before.digest != digest_of(self.settings):
            changed = ", ".join(sorted(key for key, value in self.settings.items() if before.facts.get(key) != value))
            self.note(f"{folder}: results of hue with other settings ({changed}) are made again.")
        return Stamp.write(folder, self.settings, before)


def _find(text: str) -> _Input:
    """Return what an input names: a folder, a file, or what fits a pattern.

    Raises:
        UsageError: there is nothing of that name.
        HueError: the storage refuses.
    """
    if (magic := _MAGIC.search(text)) is not None:
        from fsspec.utils import glob_translate

        root = Location.parse(text[: magic.start()].rpartition("/")[0])
        return _Input(root, fits=re.compile(glob_translate(Location.parse(text).path)))
    location = Location.parse(text)
    if (file := look_at(location)) is not None:
        return _Input(location, file=file)
    if next(iter(entries(location)), None) is None:
        raise UsageError(f"{text}: there is no such file, and no folder with anything in it.")
    return _Input(location)


def _unnamed(source: Location, output: Location, rival: str) -> Row:
    if rival:
        message = (
            f"{source}: its colour version would be called {output}, as that of {rival} is. Rename one of the two, or "
            "colorize this one in a run of its own, with another --output."
        )
    else:
        message = f"{source}: its name leads out of its folder; no result can have it."
    return Row(source=str(source), output=None, status=Status.FAILED, message=message)
