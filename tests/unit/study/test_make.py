"""Which photographs a study may take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hue_cli.errors import UsageError
from hue_cli.study.make import folder_paint, list_originals


def test_links_that_lead_round_in_circles_are_said_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in/below").mkdir(parents=True)
    for name in ("in/b.png", "in/below/a.jpg", "in/notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "in/below/round").symlink_to(tmp_path / "in")
    (tmp_path / "in/self.png").symlink_to("self.png")
    said: list[str] = []
    found = list_originals(tmp_path / "in", said.append)
    assert found == [tmp_path / "in/b.png", tmp_path / "in/below/a.jpg"]
    assert [sentence.split(": ")[0] for sentence in said] == [
        str(tmp_path / "in/self.png"),
        str(tmp_path / "in/below/round"),
    ]
    assert "link to a folder" in said[1]
    folder_paint(tmp_path / "in", said.append)
    assert said[2:] == said[:2]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "in/closed").mkdir(parents=True)
    (tmp_path / "in/a.png").touch()
    (tmp_path / "in/closed").chmod(0)
    said: list[str] = []
    assert list_originals(tmp_path / "in", said.append) == [tmp_path / "in/a.png"]
    assert "cannot be read" in said[0]


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="found no picture"):
        list_originals(tmp_path)
