"""Reading photographs: upright, as lightness, with what else must survive.

Files are hostile until shown otherwise. Only decoders of picture formats are tried, sizes are checked before pixels are
decoded, and whatever a decoder raises becomes one :class:`ImageError`.
"""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from hue_cli.errors import ImageError
from hue_cli.images import bands, gif, tiff
from hue_cli.images.decode import Pixels, decode, raw_mode
from hue_cli.images.decoders import MAX_PIXELS, allow_pixels, describe_unknown, open_image
from hue_cli.images.ifd import Entry
from hue_cli.images.metadata import read_metadata
from hue_cli.images.photo import Photo, Plane, Sequence

_MOST_PICTURES = 10_000
_MOST_PAGE_PIXELS = 20
"""Times the bound, all pages together."""


def read_photo(source: Path | bytes, name: str | None = None, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a photograph from a file, or from the bytes of one; the first, where it holds several.

    Args:
        source: path, or the file's content.
        name: for messages; the path where there is one.
        max_pixels: more are not decoded.

    Raises:
        ImageError: it cannot be read, is no picture, is damaged or too large.
    """
    return next(read_photos(source, name, max_pixels=max_pixels))


def read_photos(
    source: Path | bytes, name: str | None = None, *, first: int = 0, max_pixels: int = MAX_PIXELS
) -> Iterator[Photo]:
    """Yield the pages or pictures of a file one after another; one, where it holds a single photograph.

    Args:
        source: path, or the file's content.
        name: for messages; the path where there is one.
        first: how many are passed over.
        max_pixels: more are not decoded, in one picture or in all pictures of an animation.

    Raises:
        ImageError: it cannot be read, is no picture, is damaged or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "standard input")
    allow_pixels(max_pixels)
    with _failures_named(source, name, max_pixels), _open(source) as stream:
        file = _File(stream, name, max_pixels)
        for index in range(first, file.count):
            yield file.read(index)


def count_pixels(source: Path | bytes) -> int:
    """Return how many pixels the file's header announces; 0 where it cannot be read, as reading it will say."""
    try:
        with _open(source) as stream, open_image(stream, "") as image:
            return image.width * image.height
    except Exception:  # decoders raise anything on damaged files
        return 0


@contextmanager
def _failures_named(source: Path | bytes, name: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever a decoder raises into one error with the file's name."""
    try:
        yield
    except (ImageError, GeneratorExit):
        raise
    except UnidentifiedImageError:
        with _open(source) as stream:
            raise ImageError(f"{name}: {describe_unknown(stream.read(512))}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        announced = re.search(r"\d+", str(error))
        count = f"{int(announced[0]):,} pixels, more" if announced else "more pixels"
        raise ImageError(
            f"{name}: announces {count} than the {max_pixels:,} that hue decodes, and may be damaged or hostile. If it "
            "is not, raise --max-pixels."
        ) from None
    except MemoryError:
        raise ImageError(f"{name}: there is not enough memory to decode it.") from None
    except OSError as error:
        raise ImageError(f"{name}: {_describe_os_error(error)}") from error
    except Exception as error:  # decoders raise anything on damaged files: SyntaxError, struct.error, IndexError …
        raise ImageError(f"{name}: the file is damaged ({_in_a_line(error)}).") from error


def _open(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not stat.S_ISREG(source.stat().st_mode) and not source.is_dir():
        raise ImageError(f"{source}: expected a file, found a pipe or device. Use - to read standard input.")
    return source.open("rb")


def _describe_os_error(error: OSError) -> str:
    if error.errno is not None:
        return f"the file cannot be read ({error.strerror})."
    said = _in_a_line(error)
    if said.lower().startswith(("unsupported", "unknown")):
        return f"expected a picture of a common kind, found one that hue does not read, or a damaged one ({said})."
    if "broken data stream" in said:  # of JPEG 2000, also what has its channels in several sizes
        return f"the file is damaged, cut short, or coded in a way that this build of Pillow does not decode ({said})."
    return f"the file is damaged or cut short ({said})."


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _File:
    """An opened file with one picture or several.

    Attributes:
        count: how many.
    """

    def __init__(self, stream: BinaryIO, name: str, max_pixels: int) -> None:
        self._stream = stream
        self._name = name
        self._max_pixels = max_pixels
        self._pixels = 0
        self._warnings: list[str] = []
        self._image = open_image(stream, name)
        self._check_size(self._image)
        self._screen = self._image.size
        self._pages = tiff.Pages(stream) if self._image.format == "TIFF" else None
        self._sequence = self._find_sequence()
        self.count = self._sequence.count if self._sequence else 1

    def _check_size(self, image: Image.Image, index: int = 0) -> None:
        width, height = image.size
        if width < 1 or height < 1:
            raise ImageError(f"{self._name}: {width}×{height} pixels are no picture; the file is damaged.")
        if width * height > self._max_pixels:
            raise ImageError(
                f"{self._name}: {width}×{height} are {width * height:,} pixels, more than the "
                f"{self._max_pixels:,} that hue decodes. Reduce the picture, cut it into parts, or raise "
                "--max-pixels."
            )
        self._pixels += width * height
        most = self._max_pixels * (_MOST_PAGE_PIXELS if image.format == "TIFF" else 1)
        if self._pixels > most:
            raise ImageError(
                f"{self._name}: its first {index + 1} pages or pictures have {self._pixels:,} pixels, more "
                f"than the {most:,} that hue decodes of one file. Cut it into parts, or raise --max-pixels."
            )

    def _find_sequence(self) -> Sequence | None:
        image = self._image
        if self._has_too_many():
            raise ImageError(
                f"{self._name}: has more than {_MOST_PICTURES:,} pages or pictures, the most that hue colorizes of one "
                "file. Cut it into parts."
            )
        count = int(getattr(image, "n_frames", 1))
        if count <= 1:
            return None
        if image.format == "MPO":  # the others are previews, or seen by the other eye
            self._warnings.append(f"{self._name}: holds {count} pictures; only the first is colorized.")
            return None
        if image.format == "HEIF":
            self._warnings.append(f"{self._name}: holds {count} pictures; only the main one is colorized.")
            return None
        if image.format == "TIFF":
            return Sequence(kind="pages", count=count)
        if count * image.width * image.height > self._max_pixels:
            raise ImageError(
                f"{self._name}: its {count} pictures of {image.width}×{image.height} have "
                f"{count * image.width * image.height:,} pixels, more than the "
                f"{self._max_pixels:,} that hue decodes. Cut it into parts, or raise --max-pixels."
            )
        # Without a word on it, a GIF is shown once.
        loop = image.info.get("loop", 1 if image.format == "GIF" else 0)
        return Sequence(
            kind="animation",
            count=count,
            loop=min(max(int(loop), 0), 65_535),
            default_first=bool(image.info.get("default_image")),
        )

    def _has_too_many(self) -> bool:
        """Whether there are too many pictures; without counting all of them, which may take long in a hostile file."""
        position = self._stream.tell()
        try:
            if self._pages is not None:
                return self._pages.exceeds(_MOST_PICTURES)
            if self._image.format == "GIF":
                return gif.has_more_pictures(self._stream, _MOST_PICTURES)
        except ValueError:  # the chain is broken; Pillow says what there is
            return False
        finally:
            self._stream.seek(position)
        return int(getattr(self._image, "n_frames", 1)) > _MOST_PICTURES

    def read(self, index: int) -> Photo:
        """Decode one picture."""
        image, stream, name = self._image, self._stream, self._name
        fields: list[Entry] = []
        if index:
            image.seek(index)
            self._check_size(image, index)
        order = "<"
        if self._pages is not None:
            position = stream.tell()
            fields, order = self._fields(index), self._pages.order
            stream.seek(position)
        raw = raw_mode(image)
        numbers = {entry.tag: tiff.numbers(entry, order) for entry in fields}
        pixels = self._decode_in_bands(index, numbers)
        if pixels is None:
            # Before the metadata: a damaged picture must not pass for damaged metadata.
            self._load(image)
            pixels = decode(image, raw, numbers, lambda: self._again(index))
        found = read_metadata(image, stream, fields, order)
        said = [*found.warnings, *pixels.warnings]
        kind = "JPEG" if image.format == "MPO" else "BMP" if image.format == "DIB" else image.format or "PNG"
        if self._sequence is not None and self._sequence.kind == "animation":
            # Some grow beyond the screen that they announce; players cut them off there.
            width, height = self._screen
            pixels.grey = pixels.grey[:height, :width]
            pixels.alpha = None if pixels.alpha is None else pixels.alpha[:height, :width]
        duration: Any = image.info.get("duration", 0)
        return Photo(
            grey=upright(pixels.grey, found.orientation),
            alpha=None if pixels.alpha is None else upright(pixels.alpha, found.orientation),
            depth=pixels.depth,
            tone=pixels.toning.tone,
            curve=pixels.toning.curve,
            image_format=kind,
            metadata=found.metadata,
            sequence=self._sequence,
            duration=float(duration) if isinstance(duration, int | float) else 0.0,
            warnings=(*(self._warnings if index == 0 else ()), *(f"{name}: {sentence}." for sentence in said)),
        )

    def _load(self, image: Image.Image) -> None:
        """Decode the pixels.

        Raises:
            ImageError: those of a TIFF cannot be decoded.
            Exception: whatever else Pillow raises.
        """
        try:
            image.load()
        except OSError as error:
            if not str(error).startswith("decoder error"):
                raise
            scheme = image.info.get("compression", "in an unknown way")
            raise ImageError(
                f"{self._name}: its pixels are damaged, or compressed in a way that this build of Pillow does not "
                f"decode ({scheme}). Save it with another compression, such as LZW."
            ) from error

    def _fields(self, index: int) -> list[Entry]:
        """Return the fields of a TIFF's page; none where they are damaged, which Pillow may overlook."""
        assert self._pages is not None
        try:
            return self._pages.fields(index)
        except ValueError as error:
            self._warnings.append(f"{self._name}: its metadata is damaged and was left out ({error}).")
            return []

    def _decode_in_bands(self, index: int, numbers: dict[int, tuple[int, ...]]) -> Pixels | None:
        """Decode a large page of a TIFF in little memory, where it can be cut."""
        image = self._image
        if self._pages is None or image.width * image.height < bands.LARGE:
            return None
        position = self._stream.tell()
        found = bands.find_bands(self._stream, self._pages, index)
        pixels = None if found is None else bands.decode_in_bands(found, image, numbers, self._name)
        if found is not None and pixels is not None:  # turned, as Pillow turns a TIFF that it decodes as a whole
            pixels.grey = upright(pixels.grey, found.orientation)
            pixels.alpha = None if pixels.alpha is None else upright(pixels.alpha, found.orientation)
        self._stream.seek(position)
        return pixels

    def _again(self, index: int) -> Image.Image:
        """Open the same picture once more, not decoded."""
        self._stream.seek(0)
        image = open_image(self._stream, self._name)
        if index:
            image.seek(index)
        return image


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
