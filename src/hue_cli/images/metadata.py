"""What a photograph says of itself, gathered out of whatever its format keeps it in.

What is damaged is left out with a warning: the picture matters more.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from PIL import Image

from hue_cli.images import exif, jp2, jpeg, png, resources, tiff, xmp
from hue_cli.images.ifd import LONG, Entry
from hue_cli.images.photo import Compression, Metadata
from hue_cli.images.profile import is_srgb

_MOST_DPI = 65_535
"""What a JPEG can say. Larger numbers are damage, and no format has room for all of them."""
_MOST_TEXT = 1 << 20
_TURNED_BY_DECODER = frozenset(("TIFF", "HEIF"))


@dataclass(slots=True)
class Found:
    """What was gathered.

    Attributes:
        metadata: to be written again.
        orientation: 1 to 8, in which the picture was stored.
        warnings: what was left out, without the file's name.
    """

    metadata: Metadata
    orientation: int = 1
    warnings: list[str] = field(default_factory=list)


def read_metadata(image: Image.Image, stream: BinaryIO, fields: list[Entry], order: str) -> Found:
    """Gather the metadata of an opened picture.

    Args:
        image: at its page or picture.
        stream: the file; its position is kept.
        fields: of a TIFF's page; else empty.
        order: of a TIFF.
    """
    position = stream.tell()
    try:
        gather = _GATHERERS.get(image.format or "", _of_others)
        raw = _of_tiff(fields, order, image) if image.format == "TIFF" else gather(image, stream)
    except Exception as error:  # damaged files raise anything
        raw = Metadata()
        found = Found(raw, warnings=[f"its metadata is damaged and was left out ({error})"])
    else:
        found = _tidied(raw)
        if image.format in _TURNED_BY_DECODER:
            found.orientation = 1
    finally:
        stream.seek(position)
    icc, dpi = image.info.get("icc_profile"), image.info.get("dpi")
    found.metadata = replace(
        found.metadata,
        icc=icc if is_srgb(icc) and image.mode != "CMYK" else None,  # from others, colours are converted
        dpi=_resolution(dpi),
    )
    return found


def _resolution(dpi: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(dots) for dots in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if across == down == 1:  # what Pillow says where a TIFF says nothing
        return None
    return (across, down) if 0 < across <= _MOST_DPI and 0 < down <= _MOST_DPI else None


def _tidied(raw: Metadata) -> Found:
    found = Found(raw)
    if raw.exif:
        try:
            tidied = exif.tidy(raw.exif)
            found.metadata, found.orientation = replace(raw, exif=tidied.block or None), tidied.orientation
        except (ValueError, IndexError) as error:
            found.metadata = replace(raw, exif=None)
            found.warnings.append(f"its EXIF is damaged and was left out ({error})")
    elif raw.xmp:
        found.orientation = xmp.orientation(raw.xmp)
    if raw.xmp:
        try:
            found.metadata = replace(found.metadata, xmp=xmp.tidy(raw.xmp))
        except ValueError as error:
            found.metadata = replace(found.metadata, xmp=None, extension=())
            found.warnings.append(f"its XMP is damaged and was left out ({error})")
    compression = found.metadata.compression
    if found.orientation >= 5 and compression.sampling:  # across and down change places when it is turned upright
        turned = replace(compression, sampling=compression.sampling[::-1])
        found.metadata = replace(found.metadata, compression=turned)
    return found


def _of_jpeg(_: Image.Image, stream: BinaryIO) -> Metadata:
    found = jpeg.read_segments(stream)
    iptc, others = resources.split(found.photoshop)
    return Metadata(
        exif=found.exif,
        xmp=found.xmp,
        extension=tuple(found.extension),
        iptc=iptc,
        resources=others,
        comments=tuple(found.comments),
        compression=Compression(quality=found.quality, sampling=found.sampling, is_progressive=found.is_progressive),
    )


def _of_png(image: Image.Image, stream: BinaryIO) -> Metadata:
    texts, metadata = [], Metadata(xmp=_bytes(image.info.get("xmp")))
    for chunk in png.read_chunks(stream):
        if chunk[0] == b"eXIf":
            metadata = replace(metadata, exif=chunk[1])
        elif (profile := png.raw_profile(chunk)) is not None:
            kind, data = profile
            if kind in ("exif", "app1") and data.startswith(exif.PREFIX):
                metadata = replace(metadata, exif=metadata.exif or data)
            elif kind in ("iptc", "8bim"):
                iptc, others = resources.split(data)
                metadata = replace(metadata, iptc=iptc or data if kind == "iptc" else iptc, resources=others)
            elif kind == "xmp":
                metadata = replace(metadata, xmp=metadata.xmp or data)
        elif not png.is_xmp(chunk):
            texts.append(chunk)
    comments = tuple(comment for chunk in texts if (comment := png.comment_of(chunk)))
    return replace(metadata, texts=tuple(texts), comments=comments)


def _of_tiff(fields: list[Entry], order: str, image: Image.Image) -> Metadata:
    data = {entry.tag: entry for entry in fields}

    def content(tag: int) -> bytes:
        return data[tag].data if tag in data else b""

    iptc = content(tiff.IPTC)
    if iptc[:1] != b"\x1c" and data.get(tiff.IPTC) is not None and data[tiff.IPTC].kind == LONG:
        # Old programs write captions as numbers, which changes their order on machines of the other kind.
        iptc = b"".join(iptc[at : at + 4][::-1] for at in range(0, len(iptc), 4))
    captions, others = resources.split(content(tiff.RESOURCES))
    scheme = image.info.get("compression")
    subfile = tiff.numbers(data[tiff.SUBFILE], order) if tiff.SUBFILE in data else ()
    return Metadata(
        exif=exif.from_directory(fields, order),
        xmp=content(tiff.XMP) or None,
        iptc=iptc or captions,
        resources=others,
        subfile=subfile[0] if subfile else 0,
        compression=Compression(
            scheme=str(scheme) if scheme else None,
            predicts=tiff.PREDICTOR in data and tiff.numbers(data[tiff.PREDICTOR], order) == (2,),
            quality=jpeg.tables_quality(content(tiff.JPEG_TABLES)) if scheme == "jpeg" else None,
            order=order,
        ),
    )


def _of_webp(image: Image.Image, stream: BinaryIO) -> Metadata:
    stream.seek(0)
    # The pixels' own chunk stands among the first, behind the profile at most.
    is_lossless = b"VP8L" in stream.read(64) or (b"VP8 " not in (start := stream.read(1 << 20)) and b"VP8L" in start)
    return replace(_of_others(image, stream), compression=Compression(is_lossless=is_lossless))


def _of_jp2(image: Image.Image, stream: BinaryIO) -> Metadata:
    found = jp2.read_boxes(stream)
    size = stream.seek(0, io.SEEK_END)
    return Metadata(
        exif=found.get("exif"),
        xmp=found.get("xmp"),
        iptc=found.get("iptc"),
        compression=Compression(
            is_lossless=jp2.is_lossless(stream), bytes_per_pixel=size / max(1, image.width * image.height)
        ),
    )


def _of_others(image: Image.Image, _: BinaryIO) -> Metadata:
    comment = _bytes(image.info.get("comment"))
    return Metadata(
        exif=_bytes(image.info.get("exif")),
        xmp=_bytes(image.info.get("xmp")),
        comments=(comment[:_MOST_TEXT],) if comment else (),
    )


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) and value else None


_GATHERERS: dict[str, Callable[[Image.Image, BinaryIO], Metadata]] = {
    "JPEG": _of_jpeg,
    "MPO": _of_jpeg,
    "PNG": _of_png,
    "WEBP": _of_webp,
    "JPEG2000": _of_jp2,
}
