"""Reading photographs: upright, as lightness, with what else must survive.

Files are hostile until shown otherwise. Only decoders of picture formats are tried (Pillow also knows formats
that start other programs), sizes are checked before pixels are decoded, and whatever a decoder
raises becomes one :class:`ImageError`.
"""

from __future__ import annotations

import io
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from hue_cli.errors import ImageError
from hue_cli.images.luminance import rgb_to_grey
from hue_cli.images.photo import Metadata, Photo, Plane
from hue_cli.images.profile import Profile, find_profile, is_srgb

MAX_MEGAPIXELS = 500
"""Larger pictures are refused. Pillow's own bound, 179, would refuse the scans of archives."""

_FORMATS = ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "DIB", "PPM", "JPEG2000", "AVIF")
_STRIP_PIXELS = 1 << 22
_LOSSLESS_TIFF = frozenset(("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "lzma", "zstd"))
_WHITE_IS_ZERO = 0
_PHOTOMETRIC_TAG = 262
_BYTE_ORDERS = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_MOST_DPI = 65_535
"""What a JPEG can say. Larger numbers are damage, and no format has room for all of them."""
_KEPT_TIFF_TAGS = (270, 271, 272, 305, 306, 315, 33432)  # description, make, model, software, date, artist, copyright

# The picture's pixels are bounded below, with a sentence of our own, before any is decoded.
Image.MAX_IMAGE_PIXELS = None


def read_photo(source: Path | bytes, name: str | None = None) -> Photo:
    """Read a photograph from a file, or from the bytes of one.

    Args:
        source: path, or the file's content.
        name: for messages; the path where there is one.

    Raises:
        ImageError: it cannot be read, is no picture, is damaged or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "standard input")
    try:
        with _open(source) as stream:
            return _read(stream, name)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{name}: {_describe_unknown(source)}") from None
    except MemoryError:
        raise ImageError(f"{name}: there is not enough memory to decode it.") from None
    except OSError as error:
        raise ImageError(f"{name}: {_describe_os_error(error)}") from error
    except Exception as error:  # decoders raise anything on damaged files: SyntaxError, struct.error, IndexError …
        raise ImageError(f"{name}: the file is damaged ({error}).") from error


def count_pixels(path: Path) -> int:
    """Return how many pixels the file's header announces; 0 where it cannot be read, as reading it will say."""
    try:
        with _open(path) as stream, Image.open(stream, formats=_formats()) as image:
            return image.width * image.height
    except Exception:  # decoders raise anything on damaged files
        return 0


@cache
def _formats() -> tuple[str, ...]:
    """Return those of the formats that this build of Pillow has."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _open(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not stat.S_ISREG(source.stat().st_mode) and not source.is_dir():
        raise ImageError(f"{source}: expected a file, found a pipe or device. Use - to read standard input.")
    return source.open("rb")


def _describe_unknown(source: Path | bytes) -> str:
    with _open(source) as stream:
        start = stream.read(512)
    if not start:
        return "the file is empty (0 bytes)."
    kind = "a text file" if _is_text(start) else "no picture in a format that hue reads"
    return f"expected a picture, found {kind}, or a damaged one. Readable: {', '.join(_formats())}."


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        # A character may be cut at the end of what was read.
        return error.start > len(start) - 4 and _is_text(start[: error.start])
    return all(c.isprintable() or c in "\r\n\t" for c in text)


def _describe_os_error(error: OSError) -> str:
    if error.errno is not None:
        return f"the file cannot be read ({error.strerror})."
    return f"the file is damaged or cut short ({error})."


def _read(stream: BinaryIO, name: str) -> Photo:
    image = Image.open(stream, formats=_formats())
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise ImageError(
            f"{name}: {width}×{height} are {width * height / 1e6:.0f} megapixels, more than the {MAX_MEGAPIXELS} "
            "that hue decodes. Reduce the picture, or cut it into parts."
        )
    warnings = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        warnings.append(f"{name}: has {getattr(image, 'n_frames', 1)} frames or pages; only the first is colorized.")
    raw_mode = _raw_mode(image)
    # Before the metadata: to look for EXIF, Pillow decodes some formats, and a damaged picture must not pass for that.
    image.load()
    metadata, orientation = _read_metadata(image)
    grey, alpha, depth = _decode(image, raw_mode, stream, name)
    return Photo(
        grey=upright(grey, orientation),
        alpha=None if alpha is None else upright(alpha, orientation),
        depth=depth,
        image_format="JPEG" if image.format == "MPO" else image.format or "PNG",
        metadata=metadata,
        warnings=tuple(warnings),
    )


def upright(plane: Plane, orientation: int) -> Plane:
    """Turn and mirror ``(H, W)`` as the EXIF orientation 1 to 8 asks; other values leave it alone."""
    turned: Any
    match orientation:
        case 2:
            turned = plane[:, ::-1]
        case 3:
            turned = plane[::-1, ::-1]
        case 4:
            turned = plane[::-1]
        case 5:
            turned = plane.T
        case 6:
            turned = plane.T[:, ::-1]
        case 7:
            turned = plane.T[::-1, ::-1]
        case 8:
            turned = plane.T[::-1]
        case _:
            turned = plane
    result: Plane = np.ascontiguousarray(turned)
    return result


def _read_metadata(image: Image.Image) -> tuple[Metadata, int]:
    """Return what is to be written again, and the orientation. Damaged metadata is left out: the picture matters."""
    try:
        exif = image.getexif()
        orientation = int(exif.get(ExifTags.Base.Orientation, 1))
        if image.format == "TIFF":
            # The EXIF of a TIFF is the TIFF's own directory; most of it describes how pixels are stored.
            kept = Image.Exif()
            kept.update({tag: exif[tag] for tag in _KEPT_TIFF_TAGS if tag in exif})
            exif = kept
        exif.pop(ExifTags.Base.Orientation, None)
        block = exif.tobytes() if exif else None
    except Exception:  # damaged EXIF raises anything
        orientation, block = 1, None
    icc = image.info.get("icc_profile")
    dpi = image.info.get("dpi")
    compression = image.info.get("compression")
    metadata = Metadata(
        exif=block,
        icc=icc if is_srgb(icc) and image.mode != "CMYK" else None,  # from others, colours have been converted
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and all(0 < dots <= _MOST_DPI for dots in dpi) else None,
        compression=compression if compression in _LOSSLESS_TIFF else None,
    )
    return metadata, orientation


def _decode(image: Image.Image, raw_mode: str, stream: BinaryIO, name: str) -> tuple[Plane, Plane | None, int]:
    """Return grey, alpha and depth of an opened image."""
    mode, profile = image.mode, find_profile(image)

    def heeding_profile(grey: Plane) -> Plane:
        return grey if profile is None else profile.of_grey(grey)

    if mode in ("L", "1") and not image.has_transparency_data:
        return heeding_profile(np.array(image.convert("L"))), None, 8
    if mode == "I" or mode.startswith("I;16"):
        return heeding_profile(_decode_deep_grey(image, name)), None, 16
    if mode in ("LA", "La", "L", "1"):
        both = np.asarray(image.convert("LA"))
        return heeding_profile(np.ascontiguousarray(both[..., 0])), np.ascontiguousarray(both[..., 1]), 8
    if mode in ("RGB", "RGBA") and "16" in raw_mode:
        deep = _decode_deep_rgb(image, stream)
        if deep is not None:
            rgb, alpha = deep[..., :3], np.ascontiguousarray(deep[..., 3]) if mode == "RGBA" else None
            return rgb_to_grey(rgb) if profile is None else profile.of_rgb(rgb), alpha, 16
    if mode == "F":
        raise ImageError(f"{name}: its pixels are floating-point numbers; save it with 8 or 16 bits a channel.")
    if mode == "CMYK" and profile is not None:
        return profile.of_image(image), None, 8
    image = _to_rgb(image)
    alpha = np.array(image.getchannel("A")) if image.mode == "RGBA" else None
    return _grey_in_strips(image, profile), alpha, 8


def _raw_mode(image: Image.Image) -> str:
    """Pillow's name of how the file packs its pixels."""
    arguments = image.tile[0].args if isinstance(image, ImageFile.ImageFile) and image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _decode_deep_grey(image: Image.Image, name: str) -> NDArray[np.uint16]:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(f"{name}: its values reach from {values.min()} to {values.max()}; expected 0 to 65,535.")
    grey = values.astype(np.uint16)
    if image.format == "TIFF" and image.getexif().get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO:
        return np.uint16(65535) - grey
    return grey


def _decode_deep_rgb(image: Image.Image, stream: BinaryIO) -> NDArray[np.uint16] | None:
    """Return all 16 bits of RGB or RGBA, of which Pillow gives only the upper eight.

    Told that the file has the other byte order, Pillow gives the lower eight; so it is decoded twice. Returns None
    where Pillow has no such mode.
    """
    high = np.asarray(image)
    stream.seek(0)
    again = Image.open(stream, formats=_formats())
    raw = _raw_mode(again)
    packing, _, order = raw.partition(";")
    if order not in _BYTE_ORDERS or len(packing) != high.shape[2] or not isinstance(again, ImageFile.ImageFile):
        return None
    swapped = f"{packing};{_BYTE_ORDERS[order]}"
    again.tile = [
        tile._replace(args=(swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped)
        for tile in again.tile
    ]
    deep = np.asarray(again).astype(np.uint16)
    deep += high.astype(np.uint16) << 8
    return deep


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return the image as RGB or RGBA."""
    if image.mode in ("RGB", "RGBA") and not (image.mode == "RGB" and image.has_transparency_data):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _grey_in_strips(image: Image.Image, profile: Profile | None) -> NDArray[np.uint16]:
    """Return the grey of RGB or RGBA; whole, it would need another three bytes a pixel."""
    width, height = image.size
    grey = np.empty((height, width), np.uint16)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = np.asarray(image.crop((0, top, width, bottom)))[..., :3]
        grey[top:bottom] = rgb_to_grey(strip) if profile is None else profile.of_rgb(strip)
    return grey
