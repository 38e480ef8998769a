"""Answers, appended to a file that survives a crash.

Each line of ``answers.jsonl`` is whole and on the disk before its rater sees the next picture. Two kinds::

    {"event": "rater", "rater": "ada", "index": 0, "at": "2026-01-31T12:00:00+00:00"}
    {"event": "answer", "rater": "ada", "number": 0, "picture": "k3…", "answer": "real", "ms": 2310, "at": "…"}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from hue_cli.errors import UsageError
from hue_cli.study.design import ANSWERS, Picture, Study

REAL_ANSWER, COLORIZED_ANSWER = "real", "colorized"
CHOICES = (REAL_ANSWER, COLORIZED_ANSWER)
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a rater said of a picture, after so many milliseconds of looking."""

    rater: str
    picture: str
    answer: str
    ms: int


@dataclass(slots=True)
class Rater:
    """A person, by a name of their own choice: what they are shown, and what they have answered so far."""

    name: str
    index: int
    order: list[Picture]
    answers: list[Answer] = field(default_factory=list)

    @property
    def next_picture(self) -> Picture | None:
        """The first picture that has no answer yet; None at the end."""
        return self.order[len(self.answers)] if len(self.answers) < len(self.order) else None


class AnswerBook:
    """The answers of a study, in memory and on the disk; safe to use from several threads.

    Until an answer is added, the file is only read: a report may be made while raters are at work.

    Raises:
        UsageError: the file is not one of answers to this study.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._path = study.folder / ANSWERS
        self._lock = Lock()
        self.raters: dict[str, Rater] = {}
        content = self._path.read_bytes() if self._path.exists() else b""
        self._size = content.rfind(b"\n") + 1
        """Bytes of whole lines; what follows was torn by a crash, or is just being written."""
        for line in _rows(self._path, content[: self._size]):
            self._take(line)

    def join(self, name: str) -> Rater:
        """Return the rater of this name, who goes on where they stopped, or a new one."""
        with self._lock:
            rater = self.raters.get(name)
            if rater is None:
                rater = self._rater(name, len(self.raters))
                self._append({"event": "rater", "rater": name, "index": rater.index})
                self.raters[name] = rater
            return rater

    def add(self, rater: Rater, number: int, answer: str, ms: int) -> bool:
        """Take an answer to picture ``number`` of the rater's order.

        Returns:
            Whether it was taken: one that comes twice, as after a lost connection, is not.
        """
        with self._lock:
            picture = rater.next_picture
            if picture is None or number != len(rater.answers):
                return False
            row = {"event": "answer", "rater": rater.name, "number": number, "picture": picture.id}
            self._append({**row, "answer": answer, "ms": ms})
            rater.answers.append(Answer(rater=rater.name, picture=picture.id, answer=answer, ms=ms))
            return True

    def _rater(self, name: str, index: int) -> Rater:
        return Rater(name, index, self._study.order(index))

    def _append(self, row: dict[str, Any]) -> None:
        line = json.dumps({**row, "at": datetime.now(UTC).isoformat(timespec="seconds")}, ensure_ascii=False) + "\n"
        content = line.encode()
        try:
            with self._path.open("ab") as file:
                # Half a line, of a crash or of a full disk, would spoil this one too.
                file.truncate(self._size)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(
                f"{self._path}: an answer cannot be kept ({error.strerror or error}). Mend that; raters can try again."
            ) from error
        self._size += len(content)

    def _take(self, row: dict[str, Any]) -> None:
        try:
            if row["event"] == "rater":
                self.raters[str(row["rater"])] = self._rater(str(row["rater"]), int(row["index"]))
                return
            rater, choice = self.raters[str(row["rater"])], str(row["answer"])
            picture = rater.next_picture
            fits = picture is not None and picture.id == row["picture"] and choice in CHOICES
            answer = Answer(rater=rater.name, picture=str(row["picture"]), answer=choice, ms=int(row["ms"]))
        except (KeyError, ValueError, TypeError) as error:
            raise UsageError(
                f"{self._path}: not the answers to this study ({error}). Put back the file that belongs to it."
            ) from error
        if not fits:
            raise UsageError(
                f"{self._path}: {rater.name} answered {answer.picture}, which this study would not have shown then. "
                "Put back the file that belongs to it."
            )
        rater.answers.append(answer)


def _rows(path: Path, content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path}: a line is damaged ({error}). Take it out to go on.") from error
        yield row
