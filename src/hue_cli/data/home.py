"""Where data sets are kept."""

from __future__ import annotations

import os
from pathlib import Path


def data_home() -> Path:
    """Return the folder of named data sets: ``HUE_DATA_DIR``, else ``HUE_HOME/data``, else the user's cache."""
    if override := os.environ.get("HUE_DATA_DIR"):
        return Path(override)
    if home := os.environ.get("HUE_HOME"):
        return Path(home) / "data"
    import platformdirs

    return platformdirs.user_cache_path("hue") / "data"
