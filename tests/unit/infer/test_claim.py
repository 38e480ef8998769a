"""Each result is made by one run at a time, and nobody has to clean up after one that was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hue_cli.errors import ImageError
from hue_cli.infer.claim import Claim, claim, remove_abandoned_claims


def taken(path: Path) -> Claim:
    held = claim(path)
    assert held is not None
    return held


def test_a_result_is_claimed_once_until_it_is_released(tmp_path: Path) -> None:
    first = taken(tmp_path / "below" / "a.png")
    assert claim(tmp_path / "below" / "a.png") is None
    other = taken(tmp_path / "below" / "b.png")
    assert first.made == [tmp_path / "below"]
    first.release()
    again = taken(tmp_path / "below" / "a.png")
    for held in (again, other):
        held.release()
        held.release()
    assert not list((tmp_path / "below").iterdir())


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from hue_cli.infer.claim import claim\n"
        "held = claim(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path / "a.png"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert claim(tmp_path / "a.png") is None
        process.kill()
    assert len(list(tmp_path.iterdir())) == 1
    taken(tmp_path / "a.png").release()
    assert not list(tmp_path.iterdir())


def test_a_claim_that_is_released_between_opening_and_locking_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hue_cli.images.lock import try_lock

    first = taken(tmp_path / "a.png")

    def slow(descriptor: int) -> bool | None:
        first.release()
        return try_lock(descriptor)

    monkeypatch.setattr("hue_cli.infer.claim.try_lock", slow)
    second = taken(tmp_path / "a.png")
    assert claim(tmp_path / "a.png") is None
    second.release()


def test_without_locks_everybody_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hue_cli.infer.claim.try_lock", lambda _: None)
    held = [taken(tmp_path / "a.png"), taken(tmp_path / "a.png")]
    assert not list(tmp_path.iterdir())
    for one in held:
        one.release()


def test_a_name_of_255_bytes_can_be_claimed_and_a_longer_one_says_what_to_do(tmp_path: Path) -> None:
    taken(tmp_path / ("ж" * 125 + "a.png")).release()
    with pytest.raises(ImageError, match=r"longer than the file system allows\. Name an output folder"):
        claim(tmp_path / ("ж" * 126 + "a.png"))


def test_a_name_that_is_too_long_is_seen_before_the_work_and_before_its_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^x+_compare\.png: the result's name is longer than"):
        claim(tmp_path / "new" / f"{'x' * 250}.png", tmp_path / "new" / f"{'x' * 250}_compare.png")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(ImageError, match=r"b\.png: cannot be written"):
        claim(tmp_path / "a" / "b.png")


def test_claims_of_killed_runs_are_swept_away_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    held = taken(tmp_path / "a.png")
    (lock,) = tmp_path.iterdir()
    (tmp_path / ".hue-1.lock").touch()
    remove_abandoned_claims(tmp_path)
    assert list(tmp_path.iterdir()) == [lock]
    held.release()


def test_a_path_longer_than_the_system_takes_is_an_error_of_that_result(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png: cannot be written \(File name too long\)"):
        claim(tmp_path.joinpath(*["d" * 200] * 30, "a.png"))
