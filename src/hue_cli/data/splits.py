"""Which photo is for training, for validation, for the test: by a hash of its name, the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hue_cli.errors import UsageError


class Side(StrEnum):
    """What a photo is for."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """So many photos for each side, as a paper prints them.

    The photos of the smallest hash validate, the next are for the test, the next for training; the rest stays
    unused. Where there are fewer photos than all counts together, the sides share them in proportion.
    """

    train: int = 0
    val: int = 0
    test: int = 0

    @property
    def total(self) -> int:
        """Photos of all sides together."""
        return self.train + self.val + self.test

    def divide(self, names: Iterable[str], seed: int = 0) -> dict[str, Side]:
        """Return the side of each name that has one."""
        ordered = sorted(set(names), key=lambda name: rank(name, seed))[: self.total]
        scale = len(ordered) / self.total
        val = min(len(ordered), max(round(self.val * scale), self.val > 0))
        test = min(len(ordered) - val, max(round(self.test * scale), self.test > 0))
        sides = [Side.VAL] * val + [Side.TEST] * test + [Side.TRAIN] * (len(ordered) - val - test)
        return dict(zip(ordered, sides, strict=True))

    def __str__(self) -> str:
        counts = {"train": self.train, "val": self.val, "test": self.test}
        return " + ".join(f"{count:,} {side}" for side, count in counts.items() if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """A share of the photos for each side, in percent.

    Each name is placed by its own hash alone: a photo that is added or taken away moves no other. So the numbers
    come close to the shares, and seldom meet them.
    """

    train: float
    val: float
    test: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Shares:
        """Read ``90/10`` or ``90/5/5``: training, validation and, if wanted, test.

        Raises:
            UsageError: these are not two or three shares that add up to 100.
        """
        try:
            shares = [float(part) for part in text.split("/")]
        except ValueError:
            shares = []
        # Written so that NaN is refused too.
        if len(shares) not in (2, 3) or not all(share >= 0 for share in shares) or not abs(sum(shares) - 100) < 1e-9:
            raise UsageError(
                f"--split {text}: expected two or three shares that add up to 100, such as 90/10 (training and "
                "validation) or 90/5/5 (and test)."
            )
        return cls(train=shares[0], val=shares[1], test=shares[2] if len(shares) == 3 else 0.0)

    @property
    def total(self) -> None:
        """None: they take as many photos as there are."""
        return

    def side(self, name: str, seed: int = 0) -> Side:
        """Return the side of a name."""
        percent = int.from_bytes(rank(name, seed)[:8], "big") / 2**64 * 100
        if percent < self.val:
            return Side.VAL
        return Side.TEST if percent < self.val + self.test else Side.TRAIN

    def divide(self, names: Iterable[str], seed: int = 0) -> dict[str, Side]:
        """Return the side of each name."""
        return {name: self.side(name, seed) for name in sorted(set(names))}

    def __str__(self) -> str:
        shares = {"train": self.train, "val": self.val, "test": self.test}
        return " + ".join(f"{share:g} % {side}" for side, share in shares.items() if share)


Rule = Counts | Shares


def rank(name: str, seed: int = 0) -> bytes:
    """Return the hash that places a name; each seed gives another, and 0 is the hash of the name alone."""
    key = f"{seed}:{name}" if seed else name
    # Names of files need not be text; undecodable bytes come back as they were.
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def tally(sides: Iterable[Side]) -> Mapping[str, int]:
    """Return how many photos each side has, all sides named."""
    counts = dict.fromkeys((side.value for side in Side), 0)
    for side in sides:
        counts[side.value] += 1
    return counts
