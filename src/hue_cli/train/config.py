"""``run.yaml``: the options of a run in a file, so that it can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from hue_cli.errors import UsageError
from hue_cli.train.checkpoint import write_text
from hue_cli.train.options import Options

CONFIG = "run.yaml"
_NOT_REPEATED = frozenset({"output", "resume"})
"""Where a run lies, and that it went on, is no part of what it is."""


def write_config(folder: Path, options: Options) -> None:
    """Write ``run.yaml``: the model, and every option that is not at its default."""
    chosen = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name not in _NOT_REPEATED and (field.name == "model" or value != field.default):
            chosen[_typed(field.name)] = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True)
    write_text(folder / CONFIG, f"# Repeats this run: hue train --config {CONFIG}\n{text}")


def read_config(path: Path) -> dict[str, Any]:
    """Read options out of a file, by their name in :class:`Options`.

    Raises:
        UsageError: the file cannot be read, is no mapping, or has an option that there is none of or of another kind.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UsageError(f"--config {path}: expected a run.yaml as `hue train` writes it ({reason}).") from error
    if not isinstance(found, Mapping):
        raise UsageError(f"--config {path}: expected lines of `option: value`, found {found!r:.60}.")
    hints = {_typed(name): hint for name, hint in get_type_hints(Options).items() if name not in _NOT_REPEATED}
    if unknown := ", ".join(str(key) for key in found if key not in hints):
        raise UsageError(f"--config {path}: no option is called {unknown}. There are: {', '.join(hints)}.")
    options = {}
    for key, value in found.items():
        try:
            options[key.replace("-", "_")] = _READ[_kind(hints[key])](value)
        except (ValueError, TypeError) as error:
            raise UsageError(f"--config {path}: {key}: expected {error}, found {value!r:.60}.") from error
    return options


def _typed(name: str) -> str:
    return name.replace("_", "-")


def _kind(hint: Any) -> type:
    """Return the type behind ``hint``, without None and without what a tuple holds."""
    options = [each for each in get_args(hint) if each is not NoneType] if get_origin(hint) is not tuple else []
    kind: type = get_origin(hint) or hint if not options else options[0]
    return kind


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a whole number")
    return value


def _number(value: object) -> float:
    # YAML takes 1e-4, without a point, for a word.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("a number")
    try:
        return float(value)
    except ValueError:
        raise ValueError("a number") from None


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a word")
    return value


def _paths(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError("a path or a list of paths")
    return tuple(words)


_READ: dict[type, Callable[[object], object]] = {int: _whole, float: _number, str: _word, tuple: _paths}
