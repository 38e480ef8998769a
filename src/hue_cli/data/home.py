"""Where data sets are kept, and whether the network may be asked."""

from __future__ import annotations

import os
from pathlib import Path

OFFLINE_SWITCHES = ("HUE_OFFLINE", "HF_HUB_OFFLINE")


def data_home() -> Path:
    """Return the folder of named data sets: ``HUE_DATA_DIR``, else ``HUE_HOME/data``, else the user's cache."""
    if override := os.environ.get("HUE_DATA_DIR"):
        return Path(override)
    if home := os.environ.get("HUE_HOME"):
        return Path(home) / "data"
    import platformdirs

    return platformdirs.user_cache_path("hue") / "data"


def offline_switch() -> str | None:
    """Return the name of the environment variable that forbids the network; None where none does."""
    return next(
        (name for name in OFFLINE_SWITCHES if os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")),
        None,
    )
