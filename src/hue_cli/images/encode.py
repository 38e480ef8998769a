"""Encoding pictures in the format of their photograph, as finely as it was, with all that it said of itself."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hue_cli.images import jp2, jpeg, png
from hue_cli.images.decoders import NEEDS_HEIF, has_heif, heif_effort
from hue_cli.images.exif import PREFIX as EXIF_PREFIX
from hue_cli.images.mark import Provenance, marked
from hue_cli.images.photo import (
    HOLDS_IPTC,
    HOLDS_XMP,
    Compression,
    Metadata,
    Photo,
    Plane,
    Sequence,
    holds_16_bits,
    holds_alpha,
    holds_sequence,
)
from hue_cli.images.profile import srgb_profile
from hue_cli.images.resources import SIGNATURE, pack_iptc
from hue_cli.images.subsampled import paint_subsampled
from hue_cli.images.tiff import TiffWriter
from hue_cli.images.tint import Painting, Rows

DEFAULT_QUALITY = 92
"""Of JPEG, WebP, AVIF and HEIC, where neither the user nor a finer photograph asks for another."""

_FINEST = 95
"""From here on a person asks for the best: no halving of the colour's resolution."""
_WHOLE, _NARROWED, _HALVED = range(3)
"""Pillow's numbers for JPEG chroma of full size, half as wide (4:2:2), and half as wide and high (4:2:0)."""
_WITH_RESOLUTION = frozenset(("JPEG", "PNG", "TIFF", "BMP", "JPEG2000"))
_MOST_IN_MEMORY = 100_000_000
"""Pixels of an animation."""
_WEBP_FLAGS, _WEBP_ALPHA = 20, 0x10
"""Where an animated WebP says what it holds, in its first chunk, and the bit for transparency."""
_GROWTH = 2.5
"""Bytes of a JPEG 2000 in colour for each of the grey one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that is ready to be encoded.

    Attributes:
        rgb: ``(H, W, 3)`` uint8, or uint16 where the format holds 16 bits; a painting is painted as it is encoded.
        alpha: ``(H, W)``; put on white where the format has no transparency.
        metadata: written along as far as the format takes it.
        duration: for which a picture of an animation is shown, in milliseconds.
    """

    rgb: Rows
    alpha: Plane | None = None
    metadata: Metadata = field(default_factory=Metadata)
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How pictures are encoded.

    Attributes:
        image_format: a key of :data:`hue_cli.images.photo.WRITABLE`.
        quality: 1 to 100; None is :data:`DEFAULT_QUALITY`, or the photograph's where that is finer.
        provenance: said of the picture in its XMP; None says nothing.
    """

    image_format: str
    quality: int | None = None
    provenance: Provenance | None = None

    def quality_for(self, compression: Compression) -> int:
        """Return the quality for a photograph that was compressed so."""
        return self.quality or max(DEFAULT_QUALITY, compression.quality or 0)


def encode(picture: Picture, stream: BinaryIO, encoding: Encoding) -> None:
    """Encode a picture.

    Raises:
        ValueError: it is too large for the format, or the format needs an extra.
    """
    encode_sequence([picture], stream, encoding, Sequence(kind="pages", count=1))


def encode_sequence(pictures: Iterable[Picture], stream: BinaryIO, encoding: Encoding, sequence: Sequence) -> None:
    """Encode pages or pictures of an animation into one file; PNG and TIFF take them one by one.

    Args:
        pictures: as many as the sequence has.
        stream: seekable.
        encoding: in a format that holds such a sequence, or of a single picture.
        sequence: what they are.

    Raises:
        ValueError: they are too large for the format, or the format needs an extra.
    """
    ready = (_ready(picture, encoding) for picture in pictures)
    match encoding.image_format:
        case "TIFF":
            _encode_tiff(ready, stream, encoding)
        case "PNG" if sequence.count > 1:
            _encode_apng(ready, stream, sequence)
        case _ if sequence.count > 1:
            _encode_animation(ready, stream, encoding, sequence)
        case _:
            (picture,) = ready
            _encode_one(picture, stream, encoding)


def _ready(picture: Picture, encoding: Encoding) -> Picture:
    """Return a picture that the format can hold, with its provenance."""
    metadata = picture.metadata
    if encoding.provenance is not None and encoding.image_format in HOLDS_XMP:
        metadata = replace(metadata, xmp=marked(metadata.xmp, encoding.provenance))
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is not None and not holds_alpha(encoding.image_format):
        rgb, alpha = _on_white(rgb[:], alpha), None
    if alpha is not None and alpha.dtype != rgb.dtype:
        alpha = alpha.astype(np.uint16) * np.uint16(257) if rgb.dtype == np.uint16 else (alpha >> 8).astype(np.uint8)
    return replace(picture, rgb=rgb, alpha=alpha, metadata=metadata)


def _on_white(rgb: NDArray[Any], alpha: Plane) -> NDArray[Any]:
    share = (alpha / np.iinfo(alpha.dtype).max).astype(np.float32)[..., None]
    white = np.iinfo(rgb.dtype).max
    blended: NDArray[Any] = np.rint(rgb * share + white * (1 - share)).astype(rgb.dtype)
    return blended


class _Layered:
    """A picture and its transparency, put together where rows are asked for."""

    def __init__(self, rgb: Rows, alpha: Plane) -> None:
        self._rgb = rgb
        self._alpha = alpha
        self.shape = (*rgb.shape[:2], 4)
        self.dtype = rgb.dtype

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return np.dstack([self._rgb[rows], self._alpha[rows]])


def _channels(picture: Picture) -> Rows:
    return picture.rgb if picture.alpha is None else _Layered(picture.rgb, picture.alpha)


def _to_image(picture: Picture) -> Image.Image:
    channels = _channels(picture)
    return channels.to_image() if isinstance(channels, Painting) else Image.fromarray(channels[:])


def _icc(metadata: Metadata) -> bytes:
    return metadata.icc or srgb_profile()


def _encode_tiff(pictures: Iterator[Picture], stream: BinaryIO, encoding: Encoding) -> None:
    writer = None
    for picture in pictures:
        metadata = picture.metadata
        writer = writer or TiffWriter(stream, _order(metadata))
        writer.add(_channels(picture), metadata, _icc(metadata), encoding.quality_for(metadata.compression))


def _order(metadata: Metadata) -> str:
    """Return the byte order of the EXIF block: its makers' notes cannot be turned."""
    if metadata.exif:
        return ">" if metadata.exif.startswith(b"MM") else "<"
    return metadata.compression.order


def _encode_apng(pictures: Iterator[Picture], stream: BinaryIO, sequence: Sequence) -> None:
    writer = None
    for picture in pictures:
        if writer is None:
            writer = png.PngWriter(
                stream,
                picture.metadata,
                _icc(picture.metadata),
                frames=sequence.count,
                loop=sequence.loop,
                default_first=sequence.default_first,
            )
        # Whether later pictures are transparent is not known yet, and all must be alike.
        dtype = picture.rgb.dtype
        opaque = np.broadcast_to(dtype.type(np.iinfo(dtype).max), picture.rgb.shape[:2])
        alpha = opaque if picture.alpha is None else picture.alpha
        writer.add(_Layered(picture.rgb, alpha), picture.duration)
    if writer is not None:
        writer.close()


def _encode_animation(pictures: Iterator[Picture], stream: BinaryIO, encoding: Encoding, sequence: Sequence) -> None:
    """Encode with Pillow, which has all pictures in memory."""
    images, durations, options = [], [], dict[str, Any]()
    for picture in pictures:
        if picture.rgb.shape[0] * picture.rgb.shape[1] * sequence.count > _MOST_IN_MEMORY:
            raise ValueError(f"its {sequence.count} pictures would fill the memory; --format png takes them one by one")
        images.append(_to_image(picture))
        durations.append(round(picture.duration))
        options = options or _options(picture.metadata, encoding)
    within = io.BytesIO()
    images[0].save(
        within,
        encoding.image_format,
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=sequence.loop,
        **options,
    )
    content = within.getbuffer()
    if encoding.image_format == "WEBP" and any(image.mode == "RGBA" for image in images):
        # Where transparency is but around the pictures, libwebp cuts it off and forgets to say that there was any.
        content[_WEBP_FLAGS] |= _WEBP_ALPHA
    stream.write(content)


def _encode_one(picture: Picture, stream: BinaryIO, encoding: Encoding) -> None:
    image_format, metadata = encoding.image_format, picture.metadata
    if image_format == "PNG":
        writer = png.PngWriter(stream, metadata, _icc(metadata))
        writer.add(_channels(picture))
        writer.close()
        return
    if image_format == "PPM" and picture.rgb.dtype == np.uint16:
        _write_deep_ppm(picture.rgb, stream)
        return
    options = _options(metadata, encoding)
    if image_format == "JPEG":
        _encode_jpeg(picture, stream, options)
        return
    image = _to_image(picture)
    if image_format == "JPEG2000":
        within = io.BytesIO()
        image.save(within, image_format, **options)
        stream.write(jp2.with_metadata(within.getvalue(), metadata))
        return
    if image_format == "HEIF":
        _save_heif(image, stream, options)
        return
    image.save(stream, image_format, **options)


def _save_heif(image: Image.Image, stream: BinaryIO, options: dict[str, Any]) -> None:
    if not has_heif():
        raise ValueError(NEEDS_HEIF)
    try:
        image.save(stream, "HEIF", **options)
    except RuntimeError as error:  # by which its encoder says that it cannot hold the picture
        raise ValueError(str(error)) from error


def _encode_jpeg(picture: Picture, stream: BinaryIO, options: dict[str, Any]) -> None:
    if max(picture.rgb.shape) > jpeg.LONGEST:
        raise ValueError(f"a side is longer than {jpeg.LONGEST} pixels")
    if isinstance(picture.rgb, Painting) and options["subsampling"] == _HALVED:
        image = paint_subsampled(picture.rgb)
    else:
        image = _to_image(picture)
    _save_jpeg(image, stream, options)


def _save_jpeg(image: Image.Image, stream: BinaryIO, options: dict[str, Any]) -> None:
    """Save with Pillow so that other threads can work meanwhile.

    It lets them only where it writes to a file's number, and there it takes a write that was cut short for a whole
    one. So it writes to a file that lies in memory, where the system has such, and what it wrote is looked at.
    """
    try:
        number = os.memfd_create("hue")
    except (AttributeError, OSError):  # not on this system, or forbidden
        image.save(stream, "JPEG", **options)
        return
    with os.fdopen(number, "w+b") as memory:
        image.save(memory, "JPEG", **options)
        memory.seek(0)
        content = memory.read()
    if not content.endswith(jpeg.END):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    stream.write(content)


def _write_deep_ppm(pixels: Rows, stream: BinaryIO) -> None:
    height, width, _ = pixels.shape
    stream.write(f"P6\n{width} {height}\n65535\n".encode())
    for top in range(0, height, 64):
        stream.write(pixels[top : top + 64].astype(">u2").tobytes())


def _options(metadata: Metadata, encoding: Encoding) -> dict[str, Any]:
    """Return Pillow's keyword arguments."""
    quality = encoding.quality_for(metadata.compression)
    options: dict[str, Any] = {}
    match encoding.image_format:
        case "JPEG":
            options = _jpeg_options(metadata, quality, encoding)
        case "WEBP":
            is_lossless = metadata.compression.is_lossless and encoding.quality is None
            # Lossless, quality is effort.
            options = _common(metadata) | {"quality": 50 if is_lossless else quality, "lossless": is_lossless}
        case "AVIF":
            subsampling = "4:4:4" if quality >= _FINEST else "4:2:0"
            options = _common(metadata) | {"quality": quality, "subsampling": subsampling}
        case "HEIF":
            options = _common(metadata) | {"quality": quality, "chroma": 444 if quality >= _FINEST else 420}
            options["enc_params"] = heif_effort()
        case "JPEG2000":
            options = _jp2_options(metadata)
        case "BMP" if metadata.dpi:
            options = {"dpi": metadata.dpi}
    return options


def _common(metadata: Metadata) -> dict[str, Any]:
    options: dict[str, Any] = {"icc_profile": _icc(metadata)}
    if metadata.exif:
        options["exif"] = EXIF_PREFIX + metadata.exif
    if metadata.xmp:
        options["xmp"] = metadata.xmp
    return options


def _jpeg_options(metadata: Metadata, quality: int, encoding: Encoding) -> dict[str, Any]:
    compression = metadata.compression
    options = _common(metadata)
    if (size := len(options["icc_profile"])) > jpeg.MOST_PROFILE:
        raise ValueError(f"its colour profile of {size:,} bytes is longer than a JPEG holds")
    if len(options.get("exif", b"")) > jpeg.MOST_BYTES:
        del options["exif"]
    extra = b"".join(jpeg.segment(0xFE, comment[: jpeg.MOST_BYTES]) for comment in metadata.comments)
    box = metadata.resources + (pack_iptc(metadata.iptc) if metadata.iptc else b"")
    room = jpeg.MOST_BYTES - len(SIGNATURE)
    for at in range(0, len(box), room):
        extra += jpeg.segment(0xED, SIGNATURE + box[at : at + room])
    packet = options.pop("xmp", b"")
    if packet:
        brief = marked(None, encoding.provenance) if encoding.provenance else None
        contents = jpeg.xmp_segments(packet, metadata.extension, brief)
        extra += b"".join(jpeg.segment(0xE1, content) for content in contents)
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    finest = _WHOLE if quality >= _FINEST else _HALVED
    across, down = compression.sampling or (2, 2)
    own = _WHOLE if across == 1 else _NARROWED if down == 1 else _HALVED
    return options | {
        "quality": quality,
        "subsampling": min(finest, own),
        "progressive": compression.is_progressive,
        "extra": extra,
    }


def _jp2_options(metadata: Metadata) -> dict[str, Any]:
    compression = metadata.compression
    if compression.is_lossless or not compression.bytes_per_pixel:
        return {"irreversible": False, "mct": 1}
    rate = max(1.0, 3 / (_GROWTH * compression.bytes_per_pixel))
    return {"irreversible": True, "mct": 1, "quality_mode": "rates", "quality_layers": [rate]}


def losses(photo: Photo, image_format: str) -> Iterator[str]:
    """Say what of a photograph a format cannot hold."""
    sequence = photo.sequence
    if photo.depth == 16 and not holds_16_bits(image_format):
        yield f"has 16 bits a channel; {image_format} holds 8 of them."
    if photo.alpha is not None and not holds_alpha(image_format):
        yield f"is transparent in parts; {image_format} shows white there."
    if sequence is not None and not holds_sequence(image_format, sequence.kind):
        yield f"has {sequence.count} frames or pages; {image_format} holds the first one."
    if lost := list(_lost(photo.metadata, image_format)):
        yield f"{image_format} has no room for {' and '.join(lost)}."


def _lost(metadata: Metadata, image_format: str) -> Iterator[str]:
    """Yield the names of metadata that a format has no place for."""
    if metadata.exif and (image_format not in HOLDS_XMP or _is_too_long(metadata.exif, image_format)):
        yield "its EXIF"
    if metadata.xmp and image_format not in HOLDS_XMP:
        yield "its XMP"
    elif metadata.extension and image_format != "JPEG":
        yield "the second part of its XMP"
    if metadata.iptc and image_format not in HOLDS_IPTC:
        yield "its IPTC captions"
    if metadata.comments and image_format not in ("JPEG", "PNG"):
        yield "its comments"
    if metadata.texts and image_format != "PNG":
        yield "its texts"
    if metadata.dpi and not metadata.exif and image_format not in _WITH_RESOLUTION:
        yield "its resolution"


def _is_too_long(exif: bytes, image_format: str) -> bool:
    return image_format == "JPEG" and len(EXIF_PREFIX) + len(exif) > jpeg.MOST_BYTES
