"""Lists of models: ``index.json`` of those that are released, ``fetched.json`` of those that a user fetched.

::

    {"default": "hue-s",
     "models": {"hue-s": {"file": "hue-s/model.onnx", "size": 8812345, "sha256": "…", "licence": "Apache-2.0",
                          "bundled": false,
                          "hub": {"repo": "ORG/REPO", "revision": "…", "file": "onnx/model.onnx"},
                          "metrics": {"psnr": 22.16}, "scored_on": "test.tar (951 photos)", "speed": "…"}}}

``hub``, ``metrics``, ``scored_on`` and ``speed`` may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hue_cli.errors import WeightsError

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file on the Hugging Face hub.

    Attributes:
        repo: ``ORG/REPO``.
        revision: branch, tag or commit.
        file: path in the repository.
    """

    repo: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One model file.

    Attributes:
        name: what users call it.
        file: path relative to a folder of weights.
        size: bytes.
        sha256: of the file, hexadecimal.
        licence: SPDX name or a sentence.
        bundled: whether it travels inside the wheel.
        hub: where it can be fetched; None if nowhere.
        metrics: name to value, as measured when it was filed.
        scored_on: the photographs that ``metrics`` were measured on.
        speed: a sentence; empty where nobody measured it.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    bundled: bool = False
    hub: HubFile | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    scored_on: str = ""
    speed: str = ""

    @classmethod
    def from_entry(cls, name: str, entry: Mapping[str, Any]) -> Weight:
        """Read an entry of a list.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is damaged.
        """
        hub = entry.get("hub")
        return cls(
            name=name,
            file=entry["file"],
            size=int(entry["size"]),
            sha256=entry["sha256"],
            licence=entry["licence"],
            bundled=bool(entry["bundled"]),
            hub=None if hub is None else HubFile(repo=hub["repo"], revision=hub["revision"], file=hub["file"]),
            metrics={key: float(value) for key, value in entry.get("metrics", {}).items()},
            scored_on=str(entry.get("scored_on", "")),
            speed=str(entry.get("speed", "")),
        )

    def to_entry(self) -> dict[str, Any]:
        """Return the entry as plain data for JSON, without what is not known."""
        entry: dict[str, Any] = {
            "file": self.file,
            "size": self.size,
            "sha256": self.sha256,
            "licence": self.licence,
            "bundled": self.bundled,
        }
        if self.hub is not None:
            entry["hub"] = {"repo": self.hub.repo, "revision": self.hub.revision, "file": self.hub.file}
        known = {"metrics": dict(self.metrics), "scored_on": self.scored_on, "speed": self.speed}
        return entry | {key: value for key, value in known.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """All models of a list, and the one that is used where none is named."""

    default: str | None
    models: Mapping[str, Weight]


def read_index(path: Path, remedy: str = "Install hue again, or restore the file.") -> Index:
    """Read a list of models.

    Raises:
        WeightsError: the file is missing or damaged; says what to do with ``remedy``.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        models = {name: Weight.from_entry(name, entry) for name, entry in data["models"].items()}
        default = data.get("default")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: the list of models cannot be read ({error!r}). {remedy}") from error
    if default is not None and default not in models:
        raise WeightsError(f"{path}: the default model {default!r} is not among its models ({', '.join(models)}).")
    return Index(default=default, models=models)
