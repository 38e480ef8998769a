"""What a study's answers say, and how surely: pure functions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

Z95 = 1.959963984540054
"""Quantile of the normal distribution for 95 % intervals."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a proportion, in [0, 1]; (0, 1) where nothing was tried.

    References:
        Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    if trials == 0:
        return 0.0, 1.0
    share, zz = successes / trials, z * z
    middle = (share + zz / (2 * trials)) / (1 + zz / trials)
    half = z / (1 + zz / trials) * math.sqrt(share * (1 - share) / trials + zz / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def krippendorff_alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Agreement of raters beyond chance, for answers in categories: 1 is perfect, 0 is chance.

    Args:
        units: for each thing that was judged, the answers that it got; raters may be missing.

    Returns:
        None where no two raters judged the same thing, or all answers are one.

    References:
        Krippendorff (2011), "Computing Krippendorff's alpha-reliability", nominal data.
    """
    totals: Counter[str] = Counter()
    disagreement = 0.0
    for answers in units:
        if len(answers) < 2:
            continue
        counts = Counter(answers)
        totals.update(counts)
        pairs = len(answers) ** 2 - sum(count * count for count in counts.values())
        disagreement += pairs / (len(answers) - 1)
    n = totals.total()
    by_chance = n * n - sum(count * count for count in totals.values())
    if by_chance == 0:
        return None
    return 1 - (n - 1) * disagreement / by_chance
