"""Splits: a paper's counts, shares by hash, and that nobody else moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hue_cli.data.photo_set import hold_out
from hue_cli.data.splits import Counts, Shares, Side, tally
from hue_cli.errors import UsageError

NAMES = [f"image{i:04}.jpg" for i in range(5000)]


def test_counts_are_met_to_the_photo() -> None:
    sides = Counts(train=4500, val=500).divide(NAMES)
    assert tally(sides.values()) == {"train": 4500, "val": 500, "test": 0}


def test_counts_leave_the_rest_unused() -> None:
    sides = Counts(train=4000, val=500, test=100).divide(NAMES)
    assert tally(sides.values()) == {"train": 4000, "val": 500, "test": 100}
    assert len(sides) == 4600


def test_counts_hold_out_what_training_holds_out() -> None:
    """A run on the folder, without a manifest, validates on the same photos."""
    sides = Counts(train=4500, val=500).divide(NAMES)
    assert {name for name, side in sides.items() if side is Side.VAL} == hold_out(NAMES, 500)


@pytest.mark.parametrize(("photos", "val"), [(0, 0), (1, 1), (2, 1), (10, 1), (100, 10), (4999, 500)])
def test_fewer_photos_share_in_proportion(photos: int, val: int) -> None:
    sides = Counts(train=4500, val=500).divide(NAMES[:photos])
    assert len(sides) == photos
    assert tally(sides.values())["val"] == val


def test_shares_come_close() -> None:
    counts = tally(Shares(train=90, val=5, test=5).divide(NAMES).values())
    assert counts["val"] == pytest.approx(250, abs=50)
    assert counts["test"] == pytest.approx(250, abs=50)
    assert sum(counts.values()) == 5000


def test_another_seed_is_another_split() -> None:
    shares = Shares(train=50, val=50)
    assert shares.divide(NAMES, 1) != shares.divide(NAMES, 2)
    assert shares.divide(NAMES, 1) == shares.divide(reversed(NAMES), 1)


@given(st.sets(st.text(max_size=8), max_size=30), st.text(max_size=8), st.integers(0, 9))
def test_a_photo_that_is_added_moves_no_other(names: set[str], new: str, seed: int) -> None:
    shares = Shares(train=60, val=30, test=10)
    before = shares.divide(names, seed)
    after = shares.divide({*names, new}, seed)
    assert {name: after[name] for name in before} == before


def test_names_need_not_be_text() -> None:
    assert Shares(train=100, val=0).side("caf\udce9.jpg") is Side.TRAIN


@pytest.mark.parametrize(
    ("text", "shares"), [("90/10", (90, 10, 0)), ("80/15/5", (80, 15, 5)), ("99.5/0.5", (99.5, 0.5, 0))]
)
def test_shares_are_read(text: str, shares: tuple[float, ...]) -> None:
    found = Shares.parse(text)
    assert (found.train, found.val, found.test) == shares


@pytest.mark.parametrize("text", ["", "90", "90/20", "a/b", "110/-10", "nan/nan", "25/25/25/25", "inf/-inf", "90-10"])
def test_what_is_no_split_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="add up to 100"):
        Shares.parse(text)


def test_rules_are_said_in_words() -> None:
    assert str(Counts(train=4500, val=500)) == "4,500 train + 500 val"
    assert str(Shares(train=90, val=5, test=5)) == "90 % train + 5 % val + 5 % test"
