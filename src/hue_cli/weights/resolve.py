"""From a model's name or path to verified bytes.

A path to an ``.onnx`` file is taken as it is. A name is looked up in the index and its file searched in: the
repository's own ``weights/`` (when hue runs from a checkout), the package, the cache.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from hue_cli.errors import UnknownModelError, WeightsError
from hue_cli.weights.registry import INDEX_NAME, Index, Weight, read_index

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model that was found.

    Attributes:
        name: in the index, or the file's stem.
        path: where it lies.
        weight: its entry in the index, against which it is verified; None for a file that the user named.
    """

    name: str
    path: Path
    weight: Weight | None = None

    def read(self) -> bytes:
        """Return the file's content.

        Raises:
            WeightsError: it cannot be read, or is not the file that the index describes.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{self.path}: the model cannot be read ({error.strerror}).") from error
        if self.weight is not None:
            found = hashlib.sha256(content).hexdigest()
            if found != self.weight.sha256:
                raise WeightsError(
                    f"{self.path}: this is not the released model {self.name!r}: expected SHA-256 "
                    f"{self.weight.sha256}, found {found} ({len(content)} bytes). Delete the file and install or "
                    "download it again."
                )
        return content


def cache_folder() -> Path:
    """Return where downloaded models lie: ``$HUE_HOME/models``, else below the platform's cache."""
    if home := os.environ.get("HUE_HOME"):
        return Path(home) / "models"
    import platformdirs

    return Path(platformdirs.user_cache_dir("hue", appauthor=False)) / "models"


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


def resolve_model(wanted: str | None = None) -> ModelFile:
    """Find a model.

    Args:
        wanted: name, path of an ``.onnx`` file, or None for the default model.

    Raises:
        UnknownModelError: there is no such name or file; the message lists those there are.
        WeightsError: the name is known, but its file is nowhere here.
    """
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
        raise UnknownModelError(f"{what}. There are: {known}. A path to an .onnx file that hue exported works too.")
    weight = index.models[name]
    folders = weight_folders()
    for folder in folders:
        if (folder / weight.file).is_file():
            return ModelFile(name=name, path=folder / weight.file, weight=weight)
    raise WeightsError(
        f"The model {name!r} is known, but its file {weight.file} is in none of: {', '.join(map(str, folders))}."
    )
