"""XMP packets: what hue adds to them and what it takes out, the rest left as it is, byte for byte.

Packets come from anywhere, so they are read with expat alone, which knows where in the text each element lies. A
document type, without which no entity can be declared and nothing can grow, is refused.

References:
    ISO 16684-1:2019 (XMP), §7 (serialization in RDF).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"

_STALE = {
    (_TIFF, "Orientation"): "1",
    (_TIFF, "PhotometricInterpretation"): "2",
    (_TIFF, "SamplesPerPixel"): "3",
    (_TIFF, "BitsPerSample"): None,
    (_EXIF, "ColorSpace"): "1",
    (_PHOTOSHOP, "ColorMode"): "3",
    (_PHOTOSHOP, "ICCProfile"): None,
    (_XMP, "Thumbnails"): None,
}
"""Properties of how a picture is stored and what it looks like, with the value that is true of a colour version."""

_MOST_BYTES = 16 << 20
_DEEPEST = 64
_DESCRIPTION_DEPTH = 2

_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF}">\n </rdf:RDF>\n</x:xmpmeta>\n'
    '<?xpacket end="w"?>'
)

Name = tuple[str, str]
"""Namespace and local name of a property."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with its usual prefix."""

    prefix: str
    uri: str


def tidy(packet: bytes) -> bytes | None:
    """Return a packet without what is not true of the colour version; None where it says nothing.

    Raises:
        ValueError: the packet is damaged, or hostile.
    """
    data = _decoded(packet)
    scan = _Scan(data, frozenset(_STALE))
    untrue = [cut for cut in scan.cuts if cut.value != _STALE[cut.name]]
    return _cut(data, untrue, scan.rdf_end, b"") if scan.rdf_end else None


def merged(
    packet: bytes | None,
    properties: Mapping[Namespace, Mapping[str, str]],
    *,
    keep_as: Mapping[Name, Name] | None = None,
) -> bytes:
    """Return a packet with simple properties set.

    Args:
        packet: to be merged into; None begins one.
        properties: by namespace, name and value. Values of the same names are replaced.
        keep_as: properties under whose other names a replaced value is kept.

    Raises:
        ValueError: the packet is damaged, or hostile.
    """
    data = _decoded(packet) if packet else _EMPTY.encode()
    scan = _Scan(data, {(space.uri, name) for space, named in properties.items() for name in named})
    if not scan.rdf_end:
        raise ValueError("it has no RDF")
    values = {cut.name: cut.value for cut in scan.cuts}
    kept = {new: value for old, new in (keep_as or {}).items() if (value := values.get(old))}
    return _cut(data, scan.cuts, scan.rdf_end, _description(scan.about, properties, kept).encode())


def _cut(data: bytes, cuts: Iterable[_Cut], rdf_end: int, addition: bytes) -> bytes:
    """Return a packet without some of its properties, and with an addition at the end of its RDF."""
    pieces, at = [], 0
    for start, end in [*sorted((cut.start, cut.end) for cut in cuts), (rdf_end, rdf_end)]:
        pieces.append(data[at:start])
        at = end
    result = b"".join([*pieces, addition, data[at:]])
    _Scan(result, frozenset())  # what was cut must have left it whole
    return result


def orientation(packet: bytes) -> int:
    """Return the orientation that a packet states, 1 to 8; 1 where there is none."""
    match = re.search(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])", packet)
    return int(match[1]) if match else 1


def _decoded(packet: bytes) -> bytes:
    """Return a packet in UTF-8, without the zeros and spaces around it."""
    if len(packet) > _MOST_BYTES:
        raise ValueError("it is larger than 16 MiB")
    packet = packet.strip(b"\0 \t\r\n") if packet[:2] not in (b"\xfe\xff", b"\xff\xfe") else packet
    encoding = "utf-16" if packet[:2] in (b"\xfe\xff", b"\xff\xfe") else "utf-8"
    # A declaration of the encoding would no longer be true.
    return re.sub(r"^\ufeff?<\?xml[^>]*\?>\s*", "", packet.decode(encoding)).encode()


def _description(about: str, properties: Mapping[Namespace, Mapping[str, str]], kept: Mapping[Name, str]) -> str:
    spaces = "".join(f" xmlns:{space.prefix}={quoteattr(space.uri)}" for space in properties)
    lines = [
        f"   <{space.prefix}:{name}>{escape(value)}</{space.prefix}:{name}>\n"
        for space, named in properties.items()
        for name, value in [*named.items(), *((name, value) for (uri, name), value in kept.items() if uri == space.uri)]
    ]
    return (
        f' <rdf:Description xmlns:rdf="{RDF}" rdf:about={quoteattr(about)}{spaces}>\n{"".join(lines)}'
        "  </rdf:Description>\n "
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a property stands, in bytes, and its value where that is simple."""

    name: Name
    start: int
    end: int
    value: str


class _Scan:
    """One reading of a packet.

    Attributes:
        about: what the packet says it describes; mostly empty.
        cuts: the properties that were looked for.
        rdf_end: where the closing tag of the RDF stands; 0 where there is none, or nothing in it.
    """

    def __init__(self, data: bytes, wanted: frozenset[Name] | set[Name]) -> None:
        self.about = ""
        self.cuts: list[_Cut] = []
        self.rdf_end = 0
        self._bytes = data
        self._wanted = wanted
        self._path: list[Name] = []
        self._start: int | None = None
        self._text: list[str] = []
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.CharacterDataHandler = self._characters
        try:
            self._parser.Parse(self._bytes, True)
        except expat.ExpatError as error:
            raise ValueError(str(error)) from error

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise ValueError("its elements are nested too deeply")
        path, name_pair = self._path, _name(name)
        if name_pair == (RDF, "Description") and path and path[-1] == (RDF, "RDF"):
            self.about = self.about or attributes.get(f"{RDF} about", "")
            self._note_attributes(attributes)
        elif name_pair in self._wanted and path and path[-1] == (RDF, "Description") and self._is_top():
            self._start, self._text = self._parser.CurrentByteIndex, []
        path.append(name_pair)

    def _is_top(self) -> bool:
        return len(self._path) >= _DESCRIPTION_DEPTH and self._path[-2] == (RDF, "RDF")

    def _finish(self, name: str) -> None:
        self._path.pop()
        is_empty = not self._bytes.startswith(b"</", self._parser.CurrentByteIndex)
        if _name(name) == (RDF, "RDF") and not self.rdf_end and not is_empty:
            self.rdf_end = self._parser.CurrentByteIndex
        if self._start is not None and _name(name) in self._wanted and self._is_top_again():
            end = self._bytes.index(b">", self._parser.CurrentByteIndex) + 1
            self.cuts.append(_Cut(_name(name), self._start, end, "".join(self._text).strip()))
            self._start = None

    def _is_top_again(self) -> bool:
        return bool(self._path) and self._path[-1] == (RDF, "Description") and self._is_top()

    def _characters(self, text: str) -> None:
        if self._start is not None:
            self._text.append(text)

    def _note_attributes(self, attributes: Mapping[str, str]) -> None:
        """Note properties that are written as attributes of the description."""
        start = self._parser.CurrentByteIndex
        tag = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>").match(self._bytes, start)
        for name, value in attributes.items():
            if tag is None or _name(name) not in self._wanted:
                continue
            local = re.escape(_name(name)[1].encode())
            found = re.search(rb"\s[\w.-]+:" + local + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", tag[0])
            if found is not None:
                self.cuts.append(_Cut(_name(name), start + found.start(), start + found.end(), value))


def _name(name: str) -> Name:
    space, _, local = name.rpartition(" ")
    return space, local
