"""Whether the network may be asked: one answer for models and data sets."""

from __future__ import annotations

import os

SWITCHES = ("HUE_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = {"1", "ON", "YES", "TRUE"}  # as the hub's client reads the last two


def offline_switch() -> str | None:
    """Return the variable that forbids the network, as in ``HUE_OFFLINE=1``; None if none does."""
    for name in SWITCHES:
        value = os.environ.get(name, "")
        if value.upper() in _TRUE:
            return f"{name}={value}"
    return None
