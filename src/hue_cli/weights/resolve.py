"""From a model's name or path to verified bytes.

A path to an ``.onnx`` file is taken as it is. A name is looked up in the index and its file searched in: the
repository's own ``weights/`` (when hue runs from a checkout), the package, the cache. A name ``hf:ORG/REPO`` is
searched in the cache alone. What is nowhere here but known to the hub is :class:`Absent`, which
:mod:`hue_cli.weights.fetch` fetches.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hue_cli.errors import UnknownModelError, WeightsError
from hue_cli.weights.cache import cache_folder, read_fetched
from hue_cli.weights.hub_name import ONNX_FILE, PREFIX, HubName
from hue_cli.weights.registry import INDEX_NAME, HubFile, Index, Weight, read_index

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model that was found.

    Attributes:
        name: in the index, or the file's stem.
        path: where it lies.
        weight: its entry in a list, against which it is verified; None for a file that the user named.
    """

    name: str
    path: Path
    weight: Weight | None = None

    @property
    def is_cached(self) -> bool:
        """Whether it was fetched, and can be removed and fetched again."""
        return self.path.is_relative_to(cache_folder())

    def read(self) -> bytes:
        """Return the file's content.

        Raises:
            WeightsError: it cannot be read, or is not the file that the list describes.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{self.path}: the model cannot be read ({error.strerror}).") from error
        if self.weight is not None:
            found = hashlib.sha256(content).hexdigest()
            if found != self.weight.sha256:
                remedy = f"Fetch it again with: hue models pull {self.name}" if self.is_cached else "Install hue again."
                raise WeightsError(
                    f"{self.path}: this is not the released model {self.name!r}: expected SHA-256 "
                    f"{self.weight.sha256}, found {found} ({len(content)} bytes). {remedy}"
                )
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A model that is not here, and where it can be fetched.

    Attributes:
        name: in the index, or ``hf:ORG/REPO[@REV]``.
        hub: where it is; its revision may be a branch.
        weight: its entry in the index, whose digest decides; None where the repository's own ``SHA256SUMS`` does.
    """

    name: str
    hub: HubFile
    weight: Weight | None = None


def weight_folders() -> list[Path]:
    """Return the folders in which model files are searched, first to last."""
    folders = [_PACKAGE / "bundled", cache_folder()]
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "weights" / INDEX_NAME).is_file():
        folders.insert(0, _CHECKOUT / "weights")
    return folders


def find_index() -> Index:
    """Return the list of released models.

    Raises:
        WeightsError: there is none, or it is damaged.
    """
    for folder in weight_folders():
        if (folder / INDEX_NAME).is_file():
            return read_index(folder / INDEX_NAME)
    raise WeightsError(f"The list of models ({INDEX_NAME}) is missing from the package. Install hue again.")


def find_model(wanted: str | None = None) -> ModelFile | Absent:
    """Find a model, here or on the hub; speaks to no network.

    Args:
        wanted: name, ``hf:ORG/REPO[@REV]``, path of an ``.onnx`` file, or None for the default model.

    Raises:
        UnknownModelError: there is no such name or file; the message lists those there are.
        UsageError: it begins with ``hf:`` and does not go on like a repository's name.
        WeightsError: the name is known, but its file is neither here nor on the hub.
    """
    if wanted is not None and wanted.startswith(PREFIX):
        return _find_on_hub(HubName.parse(wanted))
    if wanted is not None and wanted.lower().endswith(".onnx"):
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise UnknownModelError(f"{wanted}: there is no such model file.")
        return ModelFile(name=path.stem, path=path)
    index = find_index()
    name = wanted if wanted is not None else index.default
    if name is None or name not in index.models:
        known = ", ".join(index.models) or "none yet"
        what = "No default model is set" if name is None else f"No model is called {name!r}"
        raise UnknownModelError(
            f"{what}. There are: {known}. A path to an .onnx file that hue exported works too, "
            "and hf:ORG/REPO fetches one from the Hugging Face hub."
        )
    return _find_released(index.models[name])


def _find_on_hub(name: HubName) -> ModelFile | Absent:
    weight = read_fetched().get(str(name))
    if weight is not None and (cache_folder() / weight.file).is_file():
        return ModelFile(name=str(name), path=cache_folder() / weight.file, weight=weight)
    # A model that was used before is fetched again as it was.
    hub = weight.hub if weight is not None else None
    return Absent(
        name=str(name),
        hub=hub or HubFile(repo=name.repo, revision=name.revision or "main", file=ONNX_FILE),
        weight=weight,
    )


def _find_released(weight: Weight) -> ModelFile | Absent:
    if (found := _located(weight)) is not None:
        return found
    if weight.hub is None:
        raise WeightsError(
            f"The model {weight.name!r} is known, but its file {weight.file} is in none of: "
            f"{', '.join(map(str, weight_folders()))}. This package does not carry it: name its file in a clone of the "
            f"repository, weights/{weight.file}."
        )
    return Absent(name=weight.name, hub=weight.hub, weight=weight)


def resolve_model(wanted: str | None = None) -> ModelFile:
    """Find a model that is here.

    Args:
        wanted: as for :func:`find_model`.

    Raises:
        UnknownModelError, UsageError: as :func:`find_model` raises them.
        WeightsError: its file is not here; the message says how to fetch it.
    """
    found = find_model(wanted)
    if isinstance(found, Absent):
        raise WeightsError(
            f"The model {found.name!r} is not here yet. Fetch it from {found.hub} with: hue models pull {found.name}"
        )
    return found


def present_models() -> list[ModelFile]:
    """Return every released or fetched model whose file is here.

    Raises:
        WeightsError: a list of models is damaged.
    """
    released = [_located(weight) for weight in find_index().models.values()]
    fetched = [
        ModelFile(name=name, path=cache_folder() / weight.file, weight=weight)
        for name, weight in read_fetched().items()
    ]
    return [model for model in (*released, *fetched) if model is not None and model.path.is_file()]


def _located(weight: Weight) -> ModelFile | None:
    for folder in weight_folders():
        if (folder / weight.file).is_file():
            return ModelFile(name=weight.name, path=folder / weight.file, weight=weight)
    return None
