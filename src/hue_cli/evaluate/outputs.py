"""Pictures that some tool has coloured already: found by the names of the true photographs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from hue_cli.data.photos import Place, decode, locate
from hue_cli.errors import DatasetError, ImageError, UsageError
from hue_cli.evaluate.protocol import Batch, Pixels, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFolder:
    """A folder of coloured pictures.

    Attributes:
        name: for its row.
        path: the folder.
    """

    name: str
    path: Path

    @classmethod
    def parse(cls, word: str) -> OutputFolder:
        """Read ``[NAME=]FOLDER``.

        Raises:
            DatasetError: there is no such folder.
        """
        name, equals, path = word.partition("=")
        if not equals or Path(word).is_dir():
            name, path = Path(word).resolve().name, word
        if not Path(path).is_dir():
            raise DatasetError(
                f"--outputs {word}: expected a folder of coloured pictures, optionally as NAME=FOLDER, found "
                f"{'a file' if Path(path).exists() else 'nothing'} at {path}."
            )
        return cls(name=name or Path(path).resolve().name, path=Path(path))


def find_outputs(words: Sequence[str], taken: Iterable[str] = ()) -> tuple[OutputFolder, ...]:
    """Return the folders that were named, under names that are unique.

    Args:
        words: each ``[NAME=]FOLDER``.
        taken: names that rows already have.

    Raises:
        DatasetError: a folder does not exist.
        UsageError: two have one name.
    """
    folders = tuple(OutputFolder.parse(word) for word in words)
    names = [*taken, *(folder.name for folder in folders)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--outputs: two rows would be called {name!r}. Name them: --outputs NAME=FOLDER.")
    return folders


def match(truths: Sequence[Place], outputs: Sequence[Place]) -> tuple[dict[str, Place], bool]:
    """Match true photographs with the pictures that were made of them.

    Names are paths below their folders (below the tar, for its members), and need not agree in the extension. If not
    one of them agrees, file names alone are compared, since many tools put all they make into one folder.

    Args:
        truths: the photographs.
        outputs: the pictures.

    Returns:
        Name of a photograph to its picture, and whether only file names were compared.

    Raises:
        UsageError: a name may mean two photographs or two pictures.
    """
    by_path = {_path(place).as_posix(): place for place in outputs}
    exact = {truth.name: by_path[path] for truth in truths if (path := _path(truth).as_posix()) in by_path}
    taken = {place.name for place in exact.values()}
    truths = [truth for truth in truths if truth.name not in exact]
    outputs = [output for output in outputs if output.name not in taken]
    matched = exact | _match_keys(truths, outputs, lambda path: path.with_suffix("").as_posix())
    if matched:
        return matched, False
    return _match_keys(truths, outputs, lambda path: path.stem), True


def _path(place: Place) -> PurePosixPath:
    return PurePosixPath(place.name.removeprefix(f"{place.path.name}:"))


def _match_keys(
    truths: Sequence[Place], outputs: Sequence[Place], key: Callable[[PurePosixPath], str]
) -> dict[str, Place]:
    sides: dict[str, dict[str, list[Place]]] = {"reference": defaultdict(list), "outputs": defaultdict(list)}
    for side, places in zip(sides.values(), (truths, outputs), strict=True):
        for place in places:
            side[key(_path(place))].append(place)
    matched: dict[str, Place] = {}
    for name in sides["reference"].keys() & sides["outputs"].keys():
        for side_name, side in sides.items():
            if len(side[name]) > 1:
                raise UsageError(
                    f"--outputs: {side[name][0].name} and {side[name][1].name} among the {side_name} have one name, "
                    "and which is meant cannot be told. Rename or remove one."
                )
        matched[sides["reference"][name][0].name] = sides["outputs"][name][0]
    return matched


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found out about a folder while it was scored; names of photographs, but for ``extra``.

    Attributes:
        scored: how many pictures were scored.
        by_file_name: whether only file names were compared, and not folders.
        missing: photographs that it has no picture of.
        extra: its pictures that belong to no photograph.
        broken: photographs whose picture cannot be read, and why.
        resized: photographs whose picture had another shape than theirs, and its size.
    """

    scored: int = 0
    by_file_name: bool = False
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    resized: dict[str, str] = field(default_factory=dict)

    @property
    def incomplete(self) -> bool:
        """Whether photographs had to be left out."""
        return bool(self.missing or self.broken)


class OutputPainter:
    """Looks finished pictures up by the photograph's name, and brings them to the size at which it is scored.

    Args:
        folder: where the pictures lie.
        truths: the photographs that may be asked for.
        protocol: the rules by which sizes are reduced.

    Raises:
        DatasetError: none of the pictures belongs to a photograph.
        UsageError: a name may mean two of them.
    """

    repaints = False

    def __init__(self, folder: OutputFolder, truths: Sequence[Place], protocol: Protocol) -> None:
        outputs = tuple(locate([folder.path]))
        self._pictures, by_file_name = match(truths, outputs)
        if not self._pictures:
            raise DatasetError(
                f"--outputs {folder.path}: expected pictures called like the reference ({_some(truths)}, whatever the "
                f"extension), found {_some(outputs)}. Name the folder in which the names agree."
            )
        self._order = {truth.name: place for place, truth in enumerate(truths)}
        used = {place.name for place in self._pictures.values()}
        self._findings = Findings(
            by_file_name=by_file_name, extra=[place.name for place in outputs if place.name not in used]
        )
        self._protocol = protocol

    @property
    def findings(self) -> Findings:
        """What was found out so far, in the order of the photographs, whichever was asked for first."""
        found, order = self._findings, self._order.__getitem__
        return replace(
            found,
            missing=sorted(found.missing, key=order),
            broken={name: found.broken[name] for name in sorted(found.broken, key=order)},
            resized={name: found.resized[name] for name in sorted(found.resized, key=order)},
        )

    def paint(self, batch: Batch) -> list[Pixels | None]:
        """Return the pictures, None for those that are missing or cannot be read."""
        height, width = batch.pixels.shape[1:3]
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda name: self._picture(name, height, width), batch.names))

    def _picture(self, name: str, height: int, width: int) -> Pixels | None:
        place = self._pictures.get(name)
        if place is None:
            self._findings.missing.append(name)
            return None
        try:
            image = decode(place.read())
        except (ImageError, OSError) as error:
            self._findings.broken[name] = str(error)
            return None
        self._findings.scored += 1
        if image.size == (width, height):
            return np.array(image)
        prepared = self._protocol.prepare(image)
        if prepared.shape[:2] == (height, width):
            return prepared
        self._findings.resized[name] = f"{image.width}×{image.height}"
        return np.array(image.resize((width, height), Image.Resampling.LANCZOS))


def _some(places: Sequence[Place]) -> str:
    return ", ".join([*(place.name for place in places[:3]), *(["…"] if len(places) > 3 else [])]) or "none"
