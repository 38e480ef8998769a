"""A look at the XMP of a file, without decoding its pixels."""

from __future__ import annotations

from pathlib import Path

from hue_cli.images import jp2
from hue_cli.images.decoders import open_image
from hue_cli.images.photo import HOLDS_XMP


def peek_xmp(path: Path) -> bytes:
    """Return the XMP packet of a file; nothing where there is none, or no picture."""
    try:
        with path.open("rb") as stream, open_image(stream, str(path), only=HOLDS_XMP) as image:
            if image.format == "JPEG2000":
                return jp2.read_boxes(stream).get("xmp", b"")
            packet = image.info.get("xmp", b"")
            return packet.encode() if isinstance(packet, str) else bytes(packet)
    except Exception:  # damaged files raise anything; what hue wrote is whole
        return b""
