"""A study on disk, and which picture each rater sees when.

A study folder holds ``study.json`` (what may be known), ``key.json`` (what each picture shows: never sent to a
rater), ``pictures/`` under random names, and ``answers.jsonl`` once somebody has answered.

Every photograph exists in several versions: the real one, and one by each model. A rater sees each photograph
once, half of them real, and each model equally often; over the raters each photograph is real to half of them, and
every model's to equally many of the others (a Latin square).
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hue_cli.errors import UsageError

STUDY, KEY, PICTURES, ANSWERS = "study.json", "key.json", "pictures", "answers.jsonl"
REAL = "real"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One version of a photograph.

    Attributes:
        id: random; the name of its file.
        photo: name of the original.
        shows: :data:`REAL`, or the model that coloured it.
    """

    id: str
    photo: str
    shows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is asked, of which pictures.

    Attributes:
        folder: where it lies.
        title: shown to raters.
        seed: of all orders.
        side: longest side of the pictures, in pixels.
        models: name to SHA-256 of the file, empty for the outputs of another tool.
        pictures: every version of every photograph.
    """

    folder: Path
    title: str
    seed: int
    side: int
    models: Mapping[str, str]
    pictures: tuple[Picture, ...]

    @property
    def photos(self) -> list[str]:
        """Names of the originals, in an order of their own."""
        names = sorted({picture.photo for picture in self.pictures})
        random.Random(f"{self.seed} photos").shuffle(names)  # noqa: S311 - an order, not a secret
        return names

    @property
    def conditions(self) -> list[str]:
        """What a photograph can be shown as, real ones as often as all models together."""
        return [condition for model in self.models for condition in (REAL, model)]

    def order(self, rater: int) -> list[Picture]:
        """Return what rater number ``rater``, from 0, is shown, in this order."""
        of = {(picture.photo, picture.shows): picture for picture in self.pictures}
        conditions = self.conditions
        shown = [of[photo, conditions[(place + rater) % len(conditions)]] for place, photo in enumerate(self.photos)]
        random.Random(f"{self.seed} rater {rater}").shuffle(shown)  # noqa: S311
        return shown

    def picture_path(self, picture: Picture) -> Path:
        """Return where a picture's file lies."""
        return self.folder / PICTURES / f"{picture.id}.jpg"

    def write(self) -> None:
        """Write ``key.json`` and then ``study.json``, which makes the folder a study."""
        key = {"pictures": [asdict(picture) for picture in self.pictures]}
        public = {
            "version": VERSION,
            "title": self.title,
            "seed": self.seed,
            "side": self.side,
            "photos": len({picture.photo for picture in self.pictures}),
            "models": dict(self.models),
        }
        for name, content in ((KEY, key), (STUDY, public)):
            (self.folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_study(folder: Path) -> Study:
    """Read a study that ``hue study make`` made.

    Raises:
        UsageError: the folder holds none, or a damaged one.
    """
    try:
        public = json.loads((folder / STUDY).read_text(encoding="utf-8"))
        key = json.loads((folder / KEY).read_text(encoding="utf-8"))
        if public["version"] != VERSION:
            raise UsageError(f"{folder / STUDY}: expected version {VERSION}, found {public['version']}. Update hue.")
        study = Study(
            folder=folder,
            title=str(public["title"]),
            seed=int(public["seed"]),
            side=int(public["side"]),
            models={str(name): str(digest) for name, digest in public["models"].items()},
            pictures=tuple(Picture(**picture) for picture in key["pictures"]),
        )
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder}: expected a study, found no {Path(str(error.filename)).name}. "
            "Make one with: hue study make PHOTOS -o STUDY"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{folder}: the study is damaged ({error}). Make it again.") from error
    _check_complete(study)
    return study


def _check_complete(study: Study) -> None:
    wanted = {REAL, *study.models}
    versions: dict[str, set[str]] = {}
    for picture in study.pictures:
        versions.setdefault(picture.photo, set()).add(picture.shows)
    lacking = [photo for photo, shows in versions.items() if shows != wanted]
    if lacking or not versions:
        raise UsageError(
            f"{study.folder / KEY}: expected {', '.join(sorted(wanted))} of every photograph, "
            f"found others for {', '.join(lacking[:3]) or 'none at all'}. Make the study again."
        )


def check_models(names: Sequence[str]) -> None:
    """Refuse names that a study cannot tell apart.

    Raises:
        UsageError: two are the same, or one is ``real``.
    """
    if not names:
        raise UsageError("A study needs a model or the outputs of a tool: --model NAME or --outputs NAME=FOLDER.")
    if len(set(names)) != len(names) or REAL in names:
        raise UsageError(f"{', '.join(names)}: expected different names, none of them {REAL!r}.")
