"""What becomes of a photograph in colour is decided once, whatever storage it lies in."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from hue_cli.images.photo import Photo
from hue_cli.infer.job import Row, Skip, Status
from hue_cli.infer.steps import IfColour, Settings, Steps
from hue_cli.infer.task import Task


class Somewhere(Task):
    """A storage that knows how content comes and goes, and nothing of colour."""

    def __init__(self, *, keeps_output: bool = False, is_taken: bool = False) -> None:
        super().__init__("there/a.gif", "there/a_color.png", "PNG", keeps_output=keeps_output)
        self.is_taken = is_taken

    def begin(self) -> Row | None:
        return None

    def release(self) -> None:
        pass

    def content(self) -> bytes:
        return b"picture"

    def reading(self) -> AbstractContextManager[BinaryIO]:
        return io.BytesIO(self.content())

    def writing(self, steps: Steps) -> AbstractContextManager[BinaryIO] | None:
        raise AssertionError("no new colours were asked for")

    comparing = writing

    def copy(self, steps: Steps, *, own_extension: bool) -> tuple[str, bool]:
        return ("there/a_color.gif" if own_extension else "there/a_color.png"), not self.is_taken


def row_of(task: Task, if_colour: IfColour, image_format: str = "GIF") -> Row:
    prepared = SimpleNamespace(photo=Photo(grey=np.zeros((2, 3), np.uint8), image_format=image_format))
    steps = SimpleNamespace(
        settings=Settings(if_colour=if_colour), prepare=lambda *_: prepared, leaves_alone=lambda _: True
    )
    row = task.read(cast(Any, steps), takes_digests=False)
    assert isinstance(row, Row)
    assert (row.status, row.height, row.width) == (Status.SKIPPED, 2, 3)
    return row


def test_it_is_left_out_and_the_way_to_new_colours_said() -> None:
    row = row_of(Somewhere(), IfColour.SKIP)
    assert (row.skip, row.output) == (Skip.COLOUR, "there/a_color.png")
    assert "--if-color recolor" in row.message


@pytest.mark.parametrize(("image_format", "output"), [("GIF", "there/a_color.gif"), ("PNG", "there/a_color.png")])
def test_it_is_copied_under_an_extension_of_its_own_format(image_format: str, output: str) -> None:
    row = row_of(Somewhere(), IfColour.KEEP, image_format)
    assert (row.skip, row.output) == (Skip.COPIED, output)
    assert row.message.endswith(f"copied as it is to {output}")


def test_what_is_there_stays() -> None:
    taken = row_of(Somewhere(is_taken=True), IfColour.KEEP)
    assert taken.skip is Skip.COLOUR
    assert taken.message.endswith("there/a_color.gif is there already")
    assert row_of(Somewhere(keeps_output=True), IfColour.KEEP).skip is Skip.COLOUR
