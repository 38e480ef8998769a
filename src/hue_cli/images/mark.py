"""The mark in a picture that says: hue made this.

Names prove nothing: ``flag_color.jpg`` beside ``flag.jpg`` may be a person's own photograph. So each result
carries an EXIF tag that was made for the purpose; only a file that has it may be left out or written over as hue's.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from hue_cli.images.photo import EXTENSIONS

MARK_TAG = 11
"""``ProcessingSoftware``: what processed the picture, apart from the tag for what took or scanned it."""

MARK = "hue"

_CAN_HOLD = frozenset(("JPEG", "PNG", "TIFF", "WEBP"))


def marked(exif: bytes | None) -> bytes:
    """Return an EXIF block with hue's mark in it."""
    block = Image.Exif()
    if exif:
        block.load(exif)
    block[MARK_TAG] = MARK
    data: bytes = block.tobytes()
    return data


def can_hold_mark(path: Path) -> bool:
    """Whether results with such a name carry the mark; bitmaps without metadata cannot."""
    return EXTENSIONS.get(path.suffix.lower()) in _CAN_HOLD


def made_by_hue(path: Path) -> bool:
    """Whether a file carries hue's mark; only its beginning is read."""
    if not path.is_file():
        return False
    try:
        with Image.open(path, formats=tuple(_CAN_HOLD)) as image:
            if image.format == "TIFF":
                return image.getexif().get(MARK_TAG) == MARK
            # Not image.getexif(), which decodes the whole picture in search of EXIF.
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
            return exif.get(MARK_TAG) == MARK
    except Exception:  # damaged files raise anything; what hue wrote is whole
        return False
