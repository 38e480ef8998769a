"""What the rest of hue knows of a photograph, and which file formats there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from hue_cli.images.tone import Curve, Tone

Plane = NDArray[np.uint8] | NDArray[np.uint16]
"""``(H, W)``, 8 or 16 bits, the whole range of the type used."""

EXTENSIONS: dict[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".mpo": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".pbm": "PPM",
    ".pgm": "PPM",
    ".ppm": "PPM",
    ".pnm": "PPM",
    ".pfm": "PPM",
    ".jp2": "JPEG2000",
    ".jpx": "JPEG2000",
    ".jpf": "JPEG2000",
    ".j2k": "JPEG2000",
    ".j2c": "JPEG2000",
    ".jpc": "JPEG2000",
    ".avif": "AVIF",
    ".avifs": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}
"""Extensions that are tried in folders, and the format that each names."""

UNREAD: frozenset[str] = frozenset(
    (
        # Cameras' raw pictures.
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw"),
        *(".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
        # Programs', scanners' and microscopes' own.
        *(".psd", ".psb", ".xcf", ".kra", ".ora", ".dcm", ".svs", ".ndpi", ".fpx", ".pcd", ".djvu", ".djv"),
        # Others that hold pixels.
        *(".jxl", ".jxr", ".wdp", ".hdp", ".jls", ".jph", ".jphc", ".exr", ".hdr", ".qoi", ".bpg", ".flif"),
        *(".tga", ".pcx", ".pct", ".pict", ".sgi", ".rgb", ".bw", ".ras", ".fits", ".fit", ".xbm", ".xpm", ".pam"),
    )
)
"""Extensions of pictures that hue does not read; what has them is left out of a folder, but not without a word."""

WRITABLE: dict[str, str] = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "PPM": ".ppm",
    "JPEG2000": ".jp2",
    "AVIF": ".avif",
    "HEIF": ".heic",
}
"""Formats that hold colour and that hue writes, with their usual extension."""

# Names that promise grey, or a file without room for what a photograph says of itself.
_BECOME = {
    ".mpo": ".jpg",
    **dict.fromkeys((".pbm", ".pgm", ".pfm"), ".ppm"),
    **dict.fromkeys((".jpx", ".jpf", ".j2k", ".j2c", ".jpc"), ".jp2"),
}
_WITH_ALPHA = frozenset(("PNG", "TIFF", "WEBP", "JPEG2000", "AVIF", "HEIF"))
_WITH_16_BITS = frozenset(("PNG", "TIFF", "PPM"))
_WITH_SEQUENCES = {"PNG": "animation", "WEBP": "animation", "AVIF": "animation", "TIFF": "pages"}
HOLDS_XMP = frozenset(("JPEG", "PNG", "TIFF", "WEBP", "JPEG2000", "AVIF", "HEIF"))
"""Formats in which XMP has a place."""
HOLDS_IPTC = frozenset(("JPEG", "PNG", "TIFF", "JPEG2000"))
"""Formats in which IPTC captions have a place."""


def is_image_name(path: PurePath) -> bool:
    """Whether the extension is one of an image format that hue reads."""
    return path.suffix.lower() in EXTENSIONS


def is_unread_name(path: PurePath) -> bool:
    """Whether the extension is one of an image format that hue does not read."""
    return path.suffix.lower() in UNREAD


def colour_extension(path: PurePath) -> str:
    """Return the extension of the colour version: the same where its format holds colour, else ``.png``."""
    suffix = path.suffix.lower()
    if suffix in _BECOME:
        return _BECOME[suffix]
    return path.suffix if EXTENSIONS.get(suffix) in WRITABLE else ".png"


def colour_format(image_format: str) -> str:
    """Return the format of the colour version: the same where it holds colour, else PNG."""
    return image_format if image_format in WRITABLE else "PNG"


def holds_alpha(image_format: str) -> bool:
    """Whether the format keeps transparency."""
    return image_format in _WITH_ALPHA


def holds_16_bits(image_format: str) -> bool:
    """Whether hue writes the format with 16 bits a channel."""
    return image_format in _WITH_16_BITS


def holds_sequence(image_format: str, kind: str) -> bool:
    """Whether the format holds several pictures of this kind, ``animation`` or ``pages``."""
    return _WITH_SEQUENCES.get(image_format) == kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """How finely a file was compressed; its colour version is compressed no more coarsely.

    Attributes:
        scheme: Pillow's name of a TIFF's.
        quality: of a JPEG, on libjpeg's scale.
        sampling: of a JPEG in colour: luminance samples for each of chroma, across and down.
        is_progressive: of a JPEG.
        is_lossless: of WebP and JPEG 2000.
        bytes_per_pixel: of the whole file.
        predicts: of a TIFF: whether differences of neighbours were compressed.
        order: of a TIFF's bytes, ``<`` or ``>``.
    """

    scheme: str | None = None
    quality: int | None = None
    sampling: tuple[int, int] | None = None
    is_progressive: bool = False
    is_lossless: bool = False
    bytes_per_pixel: float = 0.0
    predicts: bool = False
    order: str = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What travels from the photograph to its colour version.

    Attributes:
        exif: EXIF block of an upright sRGB picture, without thumbnail and without the prefix ``Exif``.
        xmp: XMP packet.
        extension: segments of a JPEG in which a long packet goes on.
        iptc: IPTC captions (IIM).
        resources: Photoshop's other image resources.
        icc: the photograph's own ICC profile, where it says sRGB.
        dpi: resolution, horizontal and vertical.
        comments: of a JPEG or GIF.
        texts: text chunks of a PNG and its time, as they are.
        subfile: what a page of a TIFF says that it is (tag 254).
        compression: of the file.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    extension: tuple[bytes, ...] = ()
    iptc: bytes | None = None
    resources: bytes = b""
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comments: tuple[bytes, ...] = ()
    texts: tuple[tuple[bytes, bytes], ...] = ()
    subfile: int = 0
    compression: Compression = field(default_factory=Compression)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """That a file holds several pictures.

    Attributes:
        kind: ``animation`` or ``pages``.
        count: how many.
        loop: how often an animation is shown; 0 is for ever.
        default_first: the first picture is for programs that show no animation, and not part of it.
    """

    kind: str
    count: int
    loop: int = 0
    default_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photograph as hue uses it: upright, its lightness, and what else must survive.

    Attributes:
        grey: ``(H, W)``, the sRGB grey that has the photograph's lightness; 16 bits wherever 8 would round it.
        alpha: ``(H, W)``, 8 or 16 bits, or None where everything is opaque.
        depth: bits a channel of the file, 8 or 16; the colour version gets as many.
        tone: whether it is grey, toned or in colour.
        curve: the tint of each lightness, where it is toned.
        image_format: Pillow's name of the file's format.
        metadata: to be written again.
        sequence: of which this is the first picture, or one.
        duration: for which a picture of an animation is shown, in milliseconds.
        warnings: sentences for the report.
    """

    grey: Plane
    alpha: Plane | None = None
    depth: int = 8
    tone: Tone = Tone.GREY
    curve: Curve | None = None
    image_format: str = "PNG"
    metadata: Metadata = field(default_factory=Metadata)
    sequence: Sequence | None = None
    duration: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.grey.shape
        return height, width
