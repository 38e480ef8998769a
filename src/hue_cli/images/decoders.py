"""Opening pictures with decoders of picture formats only: Pillow also knows formats that start other programs."""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import BinaryIO

from PIL import Image, PngImagePlugin

from hue_cli.errors import ImageError

_FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "DIB", "PPM", "JPEG2000", "AVIF")
_PLUGINS = ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Png", "Ppm", "Tiff", "WebP")
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"))

_MAGICS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"8BPS", "a Photoshop document"),
    (b"SIMPLE  =", "a FITS picture"),
    (b"DDS ", "a texture (DDS)"),
    (b"qoif", "a QOI picture"),
    (b"icns", "an icon"),
    (b"\0\0\1\0", "an icon"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"gimp xcf", "a GIMP picture"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"II*\0\x10\0\0\0CR", "a camera's raw picture"),
    (b"FUJIFILMCCD-RAW", "a camera's raw picture"),
    # Formats that hue reads, but not this file of them.
    *(
        (magic, f"a {name} of a kind that hue does not read")
        for name, magics in {
            "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            "JPEG": (b"\xff\xd8\xff",),
            "PNG": (b"\x89PNG\r\n\x1a\n",),
            "GIF": (b"GIF87a", b"GIF89a"),
            "BMP": (b"BM",),
            "JPEG 2000": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
        }.items()
        for magic in magics
    ),
)

NEEDS_HEIF = (
    "HEIC needs the extra 'heif', which is not installed. Install it with: pip install '.[heif]' in hue's source folder"
)
MAX_PIXELS = 500_000_000
"""Larger pictures are refused. Pillow's own bound, 179 million, would refuse the scans of archives."""


@cache
def decoders() -> tuple[str, ...]:
    """Return those of the formats that this build of Pillow has."""
    # Not Image.init(), which imports all of Pillow's forty plug-ins: ten times as long, and most are never asked.
    for plugin in _PLUGINS:
        import_module(f"PIL.{plugin}ImagePlugin")
    return tuple(name for name in _FORMATS if name in Image.OPEN)


@cache
def has_heif() -> bool:
    """Whether the extra for HEIC is installed; then Pillow reads and writes it from now on."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def heif_effort() -> dict[str, str]:
    """Return what has HEIC's usual encoder take a seventh of the time for like quality and size; others choose."""
    if not has_heif():
        return {}
    import pillow_heif

    return {"preset": "ultrafast"} if "x265" in pillow_heif.libheif_info()["encoders"] else {}


def need_heif(name: str) -> None:
    """Make Pillow able to read HEIC.

    Raises:
        ImageError: the extra is not installed.
    """
    if not has_heif():
        raise ImageError(f"{name}: {NEEDS_HEIF}.")


def allow_pixels(count: int) -> None:
    """Let Pillow open pictures of so many pixels, and refuse larger ones.

    hue looks at sizes itself, with a sentence of its own; but some files announce that they grow as they are decoded.
    """
    half = -(-count // 2)  # Pillow warns from its bound on, and refuses from twice that on
    if Image.MAX_IMAGE_PIXELS is None or half > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = half


# What Pillow logs of damaged files is said better by hue, in the file's row.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# Pillow's own bound for what a PNG packs beside its pixels, 1 MiB, would refuse the profiles of many printers.
PngImagePlugin.MAX_TEXT_CHUNK = 16 << 20
Image.MAX_IMAGE_PIXELS = 0
allow_pixels(MAX_PIXELS)


def open_image(stream: BinaryIO, name: str, only: Collection[str] | None = None) -> Image.Image:
    """Open a picture; its pixels are not decoded yet.

    Args:
        stream: seekable, at its start.
        name: for messages.
        only: formats to try; None tries all that hue reads.

    Raises:
        ImageError: it needs an extra that is not installed.
        PIL.UnidentifiedImageError: it is no picture in these formats.
    """
    formats = [known for known in decoders() if only is None or known in only]
    start = stream.read(12)
    stream.seek(0)
    if start[4:8] == b"ftyp" and start[8:] in _HEIF_BRANDS and (only is None or "HEIF" in only):
        if start[8:] not in (b"mif1", b"msf1"):  # which AVIF may be, too
            need_heif(name)
        if has_heif():
            formats.append("HEIF")
    return Image.open(stream, formats=formats)


def describe_unknown(start: bytes) -> str:
    """Say what a file that is no readable picture seems to be, by its first bytes."""
    if not start:
        return "the file is empty (0 bytes)."
    kind = next((kind for magic, kind in _MAGICS if start.startswith(magic)), None)
    if kind is None and b"<svg" in start:
        kind = "a drawing (SVG)"
    if kind is None:
        kind = _kind_of_container(start)
    if kind is None:
        kind = "a text file" if _is_text(start) else "no picture in a format that hue reads"
    readable = f"{', '.join(decoders())}, and HEIC with the extra 'heif'"
    return f"expected a picture, found {kind}, or a damaged one. Readable: {readable}."


def _kind_of_container(start: bytes) -> str | None:
    """Name a format of pictures whose mark stands behind a number."""
    brand = start[8:12] if start[4:8] == b"ftyp" else b""
    name = "an AVIF" if brand in (b"avif", b"avis") else "a HEIC" if brand in _HEIF_BRANDS else None
    return name and f"{name} of a kind that hue does not read"


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        # A character may be cut at the end of what was read.
        return error.start > len(start) - 4 and _is_text(start[: error.start])
    return all(c.isprintable() or c in "\r\n\t" for c in text)
