"""The list of released models: ``index.json``.

::

    {"default": "hue-s",
     "models": {"hue-s": {"file": "hue-s/model.onnx", "size": 8812345, "sha256": "…", "licence": "Apache-2.0",
                          "bundled": true}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hue_cli.errors import WeightsError

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One released model file.

    Attributes:
        name: what users call it.
        file: path relative to a folder of weights.
        size: bytes.
        sha256: of the file, hexadecimal.
        licence: SPDX name or a sentence.
        bundled: whether it travels inside the wheel.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    bundled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """All released models, and the one that is used where none is named."""

    default: str | None
    models: Mapping[str, Weight]


def read_index(path: Path) -> Index:
    """Read an ``index.json``.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        models = {
            name: Weight(
                name=name,
                file=entry["file"],
                size=int(entry["size"]),
                sha256=entry["sha256"],
                licence=entry["licence"],
                bundled=bool(entry["bundled"]),
            )
            for name, entry in data["models"].items()
        }
        default = data.get("default")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path}: the list of models cannot be read ({error!r}). Install hue again, or restore the file."
        ) from error
    if default is not None and default not in models:
        raise WeightsError(f"{path}: the default model {default!r} is not among its models ({', '.join(models)}).")
    return Index(default=default, models=models)
