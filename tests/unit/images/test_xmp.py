"""XMP packets: ours is added, what is no longer true is taken out, the rest stays byte for byte."""

from __future__ import annotations

import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hue_cli.images import xmp
from hue_cli.images.mark import HUE, IPTC_EXTENSION, SOURCE_TYPE, Provenance, marked

MADE = Provenance(model="hue-s", digest="ab" * 32, version="0.1.0")
NEGATIVE = "http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm"
ELEMENT = f"{{{IPTC_EXTENSION.uri}}}DigitalSourceType"


def packet(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{xmp.RDF}">
<r:Description r:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:ext="{IPTC_EXTENSION.uri}"{attributes}>{body}</r:Description>
</r:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def values(data: bytes) -> dict[str, list[str | None]]:
    """All properties of all descriptions, judged by another parser."""
    found: dict[str, list[str | None]] = {}
    for description in ET.fromstring(data.decode()).iter(f"{{{xmp.RDF}}}Description"):
        for name, value in description.attrib.items():
            found.setdefault(name, []).append(value)
        for child in description:
            found.setdefault(child.tag, []).append(child.text)
    return found


def test_a_packet_is_begun_where_there_is_none() -> None:
    found = values(marked(None, MADE))
    assert found[ELEMENT] == [SOURCE_TYPE]
    assert found[f"{{{HUE.uri}}}ModelSHA256"] == ["ab" * 32]
    assert found[f"{{{HUE.uri}}}Version"] == ["0.1.0"]
    assert found[f"{{{IPTC_EXTENSION.uri}}}AISystemUsed"] == ["hue-s"]


@pytest.mark.parametrize("as_attribute", [False, True])
def test_a_former_source_type_is_replaced_and_remembered(as_attribute: bool) -> None:
    body = "<dc:title>Oma &amp; Opa <!-- 1944 --></dc:title>"
    if as_attribute:
        old = packet(body, f" ext:DigitalSourceType='{NEGATIVE}'")
    else:
        old = packet(f"<ext:DigitalSourceType>{NEGATIVE}</ext:DigitalSourceType>{body}")
    new = marked(old, MADE)
    found = values(new)
    assert found[ELEMENT] == [SOURCE_TYPE]
    assert found[f"{{{HUE.uri}}}FormerDigitalSourceType"] == [NEGATIVE]
    assert body.encode() in new
    assert found[f"{{{xmp.RDF}}}about"] == ["uuid:1", "uuid:1"]


def test_marking_twice_says_it_once() -> None:
    again = values(marked(marked(packet(""), MADE), Provenance(model="other", digest="cd" * 32, version="2")))
    assert again[ELEMENT] == [SOURCE_TYPE]
    assert again[f"{{{HUE.uri}}}Model"] == ["other"]


def test_what_is_not_true_of_the_colour_version_is_taken_out() -> None:
    old = packet("<tiff:Make>Agfa</tiff:Make><tiff:Orientation>6</tiff:Orientation>", ' tiff:SamplesPerPixel="1"')
    assert xmp.orientation(old) == 6
    new = xmp.tidy(old)
    assert new is not None
    true = packet("", ' tiff:SamplesPerPixel="3"')
    assert xmp.tidy(true) == true
    assert (b"Orientation" in new, b"SamplesPerPixel" in new, b"Agfa" in new) == (False, False, True)


def test_a_structured_value_is_taken_out_whole() -> None:
    bag = "<ext:DigitalSourceType><r:Bag><r:li>a</r:li></r:Bag></ext:DigitalSourceType>"
    assert values(marked(packet(bag), MADE))[ELEMENT] == [SOURCE_TYPE]


def test_utf_16_becomes_utf_8() -> None:
    new = marked(packet("<dc:title>Großmutter</dc:title>").decode().encode("utf-16"), MADE)
    assert values(new)["{http://purl.org/dc/elements/1.1/}title"] == ["Großmutter"]


def test_nothing_said_is_nothing_kept() -> None:
    assert xmp.tidy(b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>') is None


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))


@pytest.mark.parametrize(
    "hostile",
    [
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x:xmpmeta xmlns:x="adobe:ns:meta/">&l29;</x:xmpmeta>'.encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l29;</x>'.encode("utf-16"),
        b"<a>" * 100_000,
        packet("<dc:title>")[:-30],
        packet("\x01"),
        b"\xff\xfe\xff",
        b"\x80 no text",
        b"<" * (17 << 20),
    ],
)
def test_hostile_packets_are_refused_at_once(hostile: bytes) -> None:
    start = time.process_time()
    with pytest.raises(ValueError):  # noqa: PT011 - expat's words, or hue's
        xmp.tidy(hostile)
    assert time.process_time() - start < 1


def test_a_great_many_properties_take_no_great_time() -> None:
    old = packet("<ext:DigitalSourceType>x</ext:DigitalSourceType>" * 20_000)
    assert values(marked(old, MADE))[ELEMENT] == [SOURCE_TYPE]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text("abc<>&\"' \n", max_size=40))
def test_any_words_survive(title: str, rest: str) -> None:
    from xml.sax.saxutils import escape, quoteattr

    old = packet(f"<dc:title>{escape(title)}</dc:title>", f" dc:source={quoteattr(rest)}")
    before, after = values(old), values(marked(old, MADE))
    for name in ("{http://purl.org/dc/elements/1.1/}title", "{http://purl.org/dc/elements/1.1/}source"):
        assert after[name] == before[name]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    for garbled in (data, packet("<dc:title>x</dc:title>")[:100] + data):
        try:
            xmp.tidy(garbled)
        except ValueError:
            continue
