"""What an ONNX file of hue says about itself, in its own metadata.

The graph has one input, ``lightness`` ``(N, 1, H, W)`` float32, L* in [0, 100], and one output, ``ab``
``(N, 2, H, W)`` float32, a* and b* in CIE units. N, H and W are dynamic; H and W are multiples of
``multiple_of`` and at least ``minimum``. Everything else that a user of the file must know stands in its
``metadata_props``, one key ``hue`` with a JSON object: the fields of :class:`Contract`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from hue_cli.errors import WeightsError

CONTRACT_VERSION = 1
METADATA_KEY = "hue"
INPUT_NAME = "lightness"
OUTPUT_NAME = "ab"

COLORIZER = "colorizer"
"""A file that ``hue colorize`` takes: the graph above."""

END_TO_END = "end-to-end"
"""A file for other programs: pictures in and out, with all the colour arithmetic inside."""

PICTURE_INPUT = "photo"
PICTURE_OUTPUT = "picture"
"""Ends of an end-to-end file, both ``(1, H, W, 3)`` uint8 sRGB of any size."""

_LARGEST = 8192
"""No network sees more pixels a side; a larger number is damage, and would ask for all memory there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The facts that travel inside an ONNX file.

    Attributes:
        version: of this contract; a reader refuses versions that it does not know.
        recipe: name of the recipe.
        digest: SHA-256 of the recipe (:meth:`hue_cli.recipes.schema.Recipe.digest`).
        size: default short side for the network, in pixels.
        multiple_of: height and width must be multiples of this.
        minimum: smallest height and width.
        precision: how weights are stored, ``fp32``, ``fp16`` or ``int8``; the last computes in 8 bits too.
        kind: :data:`COLORIZER` or :data:`END_TO_END`.
        training_data: what it was trained on, in a sentence.
        licence: SPDX name or sentence about the weights.
        metrics: name to value, as measured when the file was filed.
        scored_on: the photographs that ``metrics`` were measured on, as in ``test.tar (951 photos)``.
    """

    recipe: str
    digest: str
    size: int
    multiple_of: int
    minimum: int
    precision: str = "fp32"
    kind: str = COLORIZER
    training_data: str = ""
    licence: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    scored_on: str = ""
    version: int = CONTRACT_VERSION

    def to_json(self) -> str:
        """Return the value of the metadata key ``hue``."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: str) -> Contract:
        """Read the contract out of an ONNX file's metadata.

        Args:
            metadata: the file's custom metadata map.
            where: the file's name, for messages.

        Raises:
            WeightsError: the file is not hue's, or of a version that this hue cannot read.
        """
        text = metadata.get(METADATA_KEY)
        if text is None:
            raise WeightsError(
                f"{where}: this ONNX file carries no {METADATA_KEY!r} metadata, so it was not exported by hue. "
                "Export one with: hue export RUN -o model.onnx"
            )
        try:
            data = json.loads(text)
            version = data["version"]
            if version != CONTRACT_VERSION:
                raise WeightsError(
                    f"{where}: contract version {version}, but this hue reads version {CONTRACT_VERSION}. "
                    "Update hue, or export the model again."
                )
            return cls(**{key: _checked(key, data[key], kind) for key, kind in _KINDS.items() if key in data})
        except (ValueError, TypeError, KeyError) as error:
            raise WeightsError(f"{where}: the {METADATA_KEY!r} metadata is damaged ({error}).") from error


# By the fields' own annotations, so that none that is added can be forgotten here.
_KINDS: dict[str, type] = {f.name: {"str": str, "int": int}.get(str(f.type), dict) for f in fields(Contract)}


def _checked(key: str, value: Any, kind: type) -> Any:
    """Return a value that its field can hold.

    Raises:
        TypeError: it is of another type.
        ValueError: it is a size that no network has, or no number.
    """
    is_of_kind = isinstance(value, kind) and not isinstance(value, bool)  # Python counts True among the numbers
    if not is_of_kind:
        raise TypeError(f"{key} is {value!r}, expected {kind.__name__}")
    if kind is int and not 1 <= value <= _LARGEST:
        raise ValueError(f"{key} is {value}, expected 1 to {_LARGEST:,}")
    if kind is dict and not all(isinstance(number, int | float) for number in value.values()):
        raise ValueError(f"{key} holds something that is no number")
    return value
