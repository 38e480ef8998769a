"""Build hook: puts the models that weights/index.json marks as bundled into the wheel."""

import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundledWeights(BuildHookInterface):  # type: ignore[type-arg]
    """Adds ``hue_cli/weights/bundled/``: the index and the model files, so that a fresh install needs no network."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files; an editable install reads them where they are."""
        if version == "editable":
            return
        weights = Path(self.root) / "weights"
        index = json.loads((weights / "index.json").read_text(encoding="utf-8"))
        files = [model["file"] for model in index["models"].values() if model["bundled"]]
        for file in ("index.json", *files):
            if not (weights / file).is_file():
                raise FileNotFoundError(f"weights/index.json bundles {file}, which is not in {weights}")
            build_data["force_include"][str(weights / file)] = f"hue_cli/weights/bundled/{file}"
