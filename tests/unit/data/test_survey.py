"""Looking at a folder that nothing is known of."""

from __future__ import annotations

from pathlib import Path

import pytest

from hue_cli.data.survey import survey
from hue_cli.errors import DatasetError


def test_a_folder_is_counted_and_measured(folder: Path, pictures: dict[str, bytes]) -> None:
    (folder / "bad.jpg").write_bytes(b"none")
    seen: list[str] = []
    found = survey([folder], seen.append)
    assert found.photos == len(pictures) == len(seen) - 1
    assert found.size == sum(map(len, pictures.values()))
    assert found.short_side == (70, 80, 90)
    assert found.long_side == (90, 120, 130)
    assert found.suffixes == {".png": 7}
    assert found.bad == (("bad.jpg", "no picture in a format that hue reads"),)


def test_the_digest_is_of_names_and_content(folder: Path) -> None:
    first = survey([folder]).digest
    assert survey([folder]).digest == first
    some = next(folder.glob("*.png"))
    some.rename(folder / "renamed.png")
    second = survey([folder]).digest
    (folder / "renamed.png").write_bytes(next((folder / "deeper").glob("*.png")).read_bytes())
    assert len({first, second, survey([folder]).digest}) == 3


def test_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected photos, found none"):
        survey([tmp_path])
    (tmp_path / "bad.jpg").write_bytes(b"none")
    with pytest.raises(DatasetError, match="found 1 that cannot be read"):
        survey([tmp_path])
