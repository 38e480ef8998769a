"""A recipe back from the plain data that :meth:`hue_cli.recipes.schema.Recipe.to_dict` wrote.

A run folder carries its whole recipe, so that it can be exported and scored years later, by a version
of hue whose own recipe of that name has changed, and after options such as ``--epochs`` changed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hue_cli.recipes.schema import Recipe


def parse_recipe(data: object) -> Recipe:
    """Return the recipe that ``data``, read from JSON, describes.

    Raises:
        ValueError: a field is missing, unknown or not what its type says; the message names it.
    """
    recipe: Recipe = _parse(Recipe, data, "recipe")
    return recipe


def _parse(kind: Any, value: Any, where: str) -> Any:
    """Turn ``value`` into ``kind``, a type as the schema's dataclasses use them."""
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _parse_fields(kind, _expect(Mapping, value, where), where)
    if origin is UnionType:
        return _parse_union(get_args(kind), value, where)
    if origin is tuple:
        return _parse_tuple(get_args(kind), _expect(list | tuple, value, where), where)
    if origin is Mapping:
        item = get_args(kind)[1]
        return {str(key): _parse(item, each, f"{where}.{key}") for key, each in _expect(Mapping, value, where).items()}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(_expect(str, value, where))
    # JSON has no integers apart: 1 may stand for 1.0, never the other way, and true for neither.
    number = kind is float and isinstance(value, int) and not isinstance(value, bool)
    return float(value) if number else _expect(kind, value, where)


def _expect(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where}: expected {getattr(kind, '__name__', kind)}, found {value!r:.60}")
    return value


def _parse_fields(kind: Any, value: Mapping[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    unknown = value.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"{where}: unknown fields {', '.join(sorted(unknown))}")
    try:
        return kind(**{name: _parse(hints[name], each, f"{where}.{name}") for name, each in value.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None


def _parse_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    specs: dict[str, Any] = {kind.__name__: kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)}
    if not specs:
        (kind,) = (each for each in kinds if each is not NoneType)
        return _parse(kind, value, where)
    data = dict(_expect(Mapping, value, where))
    name = data.pop("kind", None)
    if name not in specs:
        raise ValueError(f"{where}.kind: expected one of {', '.join(specs)}, found {name!r}")
    return _parse_fields(specs[name], data, where)


def _parse_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{where}: expected {len(kinds)} values, found {len(value)}")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_parse(kind, each, f"{where}[{index}]") for index, (kind, each) in pairs)
