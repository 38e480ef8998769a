"""Making a study: the same photographs real and colorized, in pictures that differ in nothing else.

Real and colorized versions go the same way: the photograph is reduced, its lightness taken, colour joined to it (its
own, or a model's), and the result encoded by one encoder with one setting, without metadata, under a random name,
and filled up to one number of bytes.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hue_cli.color.lab import rgb_to_lab
from hue_cli.errors import ImageError, UsageError
from hue_cli.images.decoders import open_image
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.resize import crop_to_photo, network_input, network_size
from hue_cli.images.tint import tint
from hue_cli.images.walk import walk_pictures
from hue_cli.images.write import replacing
from hue_cli.infer.session import Session
from hue_cli.study.design import PICTURES, REAL, STUDY, Picture, Study, check_models

LEAST_CHROMA = 4.0
"""Mean chroma under which a photograph has no colour that anybody could take for real or not."""
_QUALITY = 92
_MAX_PIXELS = 200_000_000

Paint = Callable[[NDArray[np.uint8], str], NDArray[np.uint8]]
"""From a true picture ``(H, W, 3)`` sRGB and the photograph's name to the same picture in other colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a study is to be.

    Attributes:
        title: shown to raters.
        photos: how many photographs at most; None takes all.
        side: longest side of the pictures, in pixels.
        seed: of the choice and all orders.
    """

    title: str = "Real or colorized?"
    photos: int | None = None
    side: int = 512
    seed: int = 0


def list_originals(folder: Path, on_bad: Callable[[str], None] = lambda _reason: None) -> list[Path]:
    """Return the pictures below a folder, sorted.

    Args:
        folder: where they lie.
        on_bad: told of everything below it that is left out, and why.

    Raises:
        UsageError: it is no folder, or holds none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: expected a folder of colour photographs, found none.")
    found: list[Path] = []
    for here in walk_pictures(
        folder, on_unreadable=lambda error: on_bad(f"{error.filename}: the folder cannot be read ({error.strerror}).")
    ):
        for path in (here.path / name for name in here.pictures):
            if path.is_file():
                found.append(path)
            else:
                on_bad(f"{path}: expected a file, found a link that leads nowhere, or a device.")
        for link in here.links:
            on_bad(f"{here.path / link}: is a link to a folder, which is not followed.")
    if not found:
        raise UsageError(f"{folder}: expected colour photographs, found no picture below it.")
    return sorted(found)


def model_paint(session: Session) -> Paint:
    """Return the way in which a model colours."""

    def paint(rgb: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        grey, rule = rgb_to_grey(rgb), session.contract
        size = network_size(*grey.shape, size=rule.size, multiple_of=rule.multiple_of, minimum=rule.minimum)
        (ab,) = session.predict(network_input(grey, size)[None])
        if not np.isfinite(ab).all():
            raise ImageError(f"{name}: the network gave values that are not finite.")
        coloured: NDArray[np.uint8] = tint(grey, crop_to_photo(ab, size))
        return coloured

    return paint


def folder_paint(folder: Path, on_bad: Callable[[str], None] = lambda _reason: None) -> Paint:
    """Return the colours that another tool gave, out of its pictures of the same names (endings may differ).

    Names are paths below the folder; a tool that puts all into one folder is found by the file's name, where only
    one picture has it. ``on_bad`` is told of what is left out, as by :func:`list_originals`.
    """
    by_path: dict[str, Path] = {}
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in list_originals(folder, on_bad):
        by_path[path.relative_to(folder).with_suffix("").as_posix()] = path
        by_stem[path.stem].append(path)

    def paint(rgb: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        exact = by_path.get(Path(name).with_suffix("").as_posix())
        found = [exact] if exact else by_stem.get(Path(name).stem, [])
        if len(found) != 1:
            others = f"{len(found)} in folders of other names" if found else "none"
            raise ImageError(f"{name}: expected a picture of that name in {folder}, found {others}.")
        height, width, _ = rgb.shape
        theirs = _open(found[0], max(height, width)).resize((width, height), Image.Resampling.LANCZOS)
        # Their lightness would tell: softer where they work small, blocky where they save as JPEG.
        return _join(rgb, np.asarray(theirs))

    return paint


def _real_paint(rgb: NDArray[np.uint8], _name: str) -> NDArray[np.uint8]:
    return _join(rgb, rgb)


def _join(rgb: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours of a picture, joined to the lightness of a photograph as a model's would be."""
    ab = rgb_to_lab(colours.astype(np.float32) / 255)[..., 1:].transpose(2, 0, 1)
    joined: NDArray[np.uint8] = tint(rgb_to_grey(rgb), np.ascontiguousarray(ab, dtype=np.float32))
    return joined


def make_study(
    originals: Sequence[Path],
    folder: Path,
    paints: Mapping[str, Paint],
    digests: Mapping[str, str],
    wishes: Wishes,
    *,
    root: Path,
    on_photo: Callable[[], None] = lambda: None,
    on_bad: Callable[[str], None] = lambda _reason: None,
) -> Study:
    """Write a study folder.

    Args:
        originals: colour photographs to choose from.
        folder: where the study goes; it must not hold one yet.
        paints: name to the way in which it colours.
        digests: name to SHA-256 of the model's file; empty for other tools.
        wishes: how many photographs, how large.
        root: names in the key are relative to this.
        on_photo: called after each photograph.
        on_bad: told why a photograph was left out; another takes its place.

    Raises:
        UsageError: the folder holds a study, or there are too few photographs.
    """
    check_models(list(paints))
    if (folder / STUDY).exists():
        raise UsageError(f"{folder}: a study lies there already, perhaps with answers. Name another folder.")
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    every = {REAL: _real_paint, **paints}
    pictures: list[Picture] = []
    candidates = list(originals)
    random.Random(f"{wishes.seed} choice").shuffle(candidates)  # noqa: S311 - a choice, not a secret
    chosen = 0
    for path in candidates:
        if chosen == wishes.photos:
            break
        name = path.relative_to(root).as_posix()
        try:
            versions = list(_versions(path, name, every, wishes.side))
        except ImageError as error:
            on_bad(str(error))
            continue
        encoded = {shows: _encode(rgb) for shows, rgb in versions}
        length = max(map(len, encoded.values()))
        for shows, content in encoded.items():
            picture = Picture(id=_random_name(wishes.seed, name, shows), photo=name, shows=shows)
            with replacing(folder / PICTURES / f"{picture.id}.jpg") as stream:
                # Real colours take more bytes than most models'. What follows the end of a JPEG is not read.
                stream.write(content.ljust(length, b"\0"))
            pictures.append(picture)
        chosen += 1
        on_photo()
    if not pictures:
        raise UsageError(f"{root}: none of {len(originals)} pictures is a colour photograph that can be shown.")
    study = Study(
        folder=folder,
        title=wishes.title,
        seed=wishes.seed,
        side=wishes.side,
        models={name: digests.get(name, "") for name in paints},
        # In the order of their names, which says nothing.
        pictures=tuple(sorted(pictures, key=lambda picture: picture.id)),
    )
    study.write()
    return study


def _encode(rgb: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return stream.getvalue()


def _versions(path: Path, name: str, paints: Mapping[str, Paint], side: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    rgb = np.asarray(_open(path, side))
    chroma = float(np.hypot(*np.moveaxis(rgb_to_lab(rgb[::4, ::4].astype(np.float32) / 255)[..., 1:], -1, 0)).mean())
    if chroma < LEAST_CHROMA:
        raise ImageError(f"{name}: expected a colour photograph, found hardly any colour (mean chroma {chroma:.1f}).")
    for shows, paint in paints.items():
        yield shows, paint(rgb, name)


def _open(path: Path, side: int) -> Image.Image:
    """Read a picture upright, its longest side at most ``side`` pixels.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        with path.open("rb") as stream, open_image(stream, str(path)) as image:
            _check_size(path, image)
            image.draft("RGB", (2 * side, 2 * side))
            picture: Image.Image = ImageOps.exif_transpose(image).convert("RGB")
    except ImageError:
        raise
    except Exception as error:  # Pillow raises whatever its plug-ins do
        raise ImageError(f"{path}: cannot be read ({error}).") from error
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def _check_size(path: Path, image: Image.Image) -> None:
    if image.width * image.height > _MAX_PIXELS:
        raise ImageError(f"{path}: expected at most {_MAX_PIXELS:,} pixels, found {image.width}×{image.height}.")


def _random_name(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogateescape")).hexdigest()[:20]
