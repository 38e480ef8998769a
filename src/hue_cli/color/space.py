"""How a network scales what it sees and what it paints. Plain Python: no NumPy, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Signal(StrEnum):
    """A physical signal and its unit."""

    LIGHTNESS = "lightness"
    """L* in [0, 100]."""
    GREY = "grey"
    """The sRGB grey in [0, 1] that has the photograph's lightness."""
    AB = "ab"
    """a* and b* in CIE units."""
    RGB = "rgb"
    """sRGB with gamma in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One end of a network: ``network value = (physical value - centre) / scale``."""

    signal: Signal
    channels: int
    centre: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a network sees (``sees``) and what it paints (``paints``)."""

    sees: Axis
    paints: Axis

    def __post_init__(self) -> None:
        if self.sees.signal not in (Signal.LIGHTNESS, Signal.GREY):
            raise ValueError(f"a network sees lightness or grey, not {self.sees.signal}")
        if self.paints.signal not in (Signal.AB, Signal.RGB):
            raise ValueError(f"a network paints ab or rgb, not {self.paints.signal}")
