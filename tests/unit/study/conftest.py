"""A small study, without pictures of anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from hue_cli.study.design import PICTURES, REAL, Picture, Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six photographs, two models."""
    names = (REAL, "timid", "bold")
    made = Study(
        folder=tmp_path,
        title="Real?",
        seed=3,
        side=64,
        models={"timid": "0" * 64, "bold": ""},
        pictures=tuple(
            Picture(id=f"{photo}{index}", photo=f"photo-{photo}.jpg", shows=shows)
            for photo in "abcdef"
            for index, shows in enumerate(names)
        ),
    )
    (tmp_path / PICTURES).mkdir()
    for number, picture in enumerate(made.pictures):
        Image.new("RGB", (64, 48), (number * 10, 90, 40)).save(made.picture_path(picture))
    made.write()
    return made
