"""What a result says of its making: that software painted its colours, which model, which hue.

It stands in the picture's XMP, for people and programs that ask where a picture comes from; nothing can be seen in the
picture itself. hue reads it too: names prove nothing (``flag_color.jpg`` beside ``flag.jpg`` may be a person's own
photograph), so only a file that says that hue made it may be left out of a run or written over.

References:
    IPTC Photo Metadata Standard 2025.1 (Digital Source Type, AI System Used); IPTC NewsCodes, ``digitalsourcetype``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hue_cli import __version__
from hue_cli.images.peek import peek_xmp
from hue_cli.images.photo import EXTENSIONS, HOLDS_XMP
from hue_cli.images.xmp import Namespace, merged

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for a photograph to which a trained model has added."""

IPTC_EXTENSION = Namespace("Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/")
HUE = Namespace("hue", "urn:hue-cli:provenance:1#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a result's colours.

    Attributes:
        model: name of the model.
        digest: SHA-256 of its file.
        version: of hue.
    """

    model: str
    digest: str
    version: str

    @classmethod
    def of(cls, model: str, content: bytes) -> Provenance:
        """Return what this hue says of results of a model, from the content of its file."""
        return cls(model=model, digest=hashlib.sha256(content).hexdigest(), version=__version__)


def marked(packet: bytes | None, provenance: Provenance) -> bytes:
    """Return an XMP packet that tells a result's provenance; what the photograph's own says stays.

    Its former source type, as "digitised from a negative", is kept under a name of hue's.

    Raises:
        ValueError: the packet is damaged, or hostile.
    """
    properties = {
        IPTC_EXTENSION: {
            "DigitalSourceType": SOURCE_TYPE,
            "AISystemUsed": provenance.model,
            "AISystemVersionUsed": f"hue {provenance.version}",
        },
        HUE: {"Model": provenance.model, "ModelSHA256": provenance.digest, "Version": provenance.version},
    }
    former = {(IPTC_EXTENSION.uri, "DigitalSourceType"): (HUE.uri, "FormerDigitalSourceType")}
    return merged(packet, properties, keep_as=former)


def can_hold_mark(path: Path) -> bool:
    """Whether results with such a name say that hue made them; bitmaps without metadata cannot."""
    return EXTENSIONS.get(path.suffix.lower()) in HOLDS_XMP


def made_by_hue(path: Path) -> bool:
    """Whether a file says that hue made it; only its beginning is read."""
    return path.is_file() and HUE.uri.encode() in peek_xmp(path)


def made_by_another_model(path: Path, digest: str) -> bool:
    """Whether a file says that hue made it, with another model than the one of this digest."""
    packet = peek_xmp(path)
    return HUE.uri.encode() in packet and digest.encode() not in packet
