"""``hue colorize`` and what photographs come in: every format keeps what it can hold."""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import ExifTags, Image, ImageCms, ImageSequence
from typer.testing import CliRunner, Result

from hue_cli.cli.app import app
from hue_cli.images import jpeg, resources
from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.mark import SOURCE_TYPE
from hue_cli.images.photo import Metadata
from hue_cli.images.read import read_photo

CAT = skimage.data.chelsea()[:96, :130]
GREY = Image.fromarray(CAT).convert("L")
DEEP = np.asarray(GREY).astype(np.uint16) * 257 + 3
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    b'photoshop:City="K\xc3\xb6ln"/></rdf:RDF></x:xmpmeta>'
)
IPTC = b"\x1c\x02\x78\x00\x0dOma im Garten"


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def hue(tiny_model: Path) -> Callable[..., Result]:
    def run(*arguments: object, code: int = 0) -> Result:
        found = CliRunner().invoke(app, ["colorize", *map(str, arguments), "-m", str(tiny_model)])
        assert found.exit_code == code, found.output + found.stderr
        return found

    return run


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Grandmother"
    exif[ExifTags.Base.Software] = "ScanPro 3"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1944:05:06 10:11:12"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif


def check_exif(path: Path, size: tuple[int, int] = GREY.size[::-1]) -> None:
    with Image.open(path) as image:
        exif = image.getexif()
        assert exif[ExifTags.Base.ImageDescription] == "Grandmother"
        assert exif[ExifTags.Base.Software] == "ScanPro 3"
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1944:05:06 10:11:12"
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
        assert exif.get(ExifTags.Base.Orientation, 1) == 1
        assert image.size == size


def write_tiff(path: Path) -> None:
    """Write a grey photograph with EXIF and XMP."""
    metadata = Metadata(exif=exif_of(1).tobytes().removeprefix(b"Exif\0\0"), xmp=XMP)
    with path.open("wb") as stream:
        rgb = np.repeat(np.asarray(GREY)[..., None], 3, axis=2)
        encode(Picture(rgb=rgb, metadata=metadata), stream, Encoding(image_format="TIFF"))


def check_colour(source: Path, result: Path, *, within: float) -> None:
    old, new = read_photo(source), read_photo(result)
    difference = np.abs(grey_to_lightness(old.grey) - grey_to_lightness(new.grey))
    assert np.quantile(difference, 0.999) < within
    with Image.open(result) as image:
        assert np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).mean() > 5


def packet_of(path: Path) -> bytes:
    with Image.open(path) as image:
        packet: str | bytes = image.info["xmp"]
        return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("extension", ["jpg", "png", "tif", "webp"])
def test_exif_and_xmp_go_along_and_provenance_with_them(
    tmp_path: Path, hue: Callable[..., Result], extension: str
) -> None:
    source, result = tmp_path / f"a.{extension}", tmp_path / f"a_color.{extension}"
    if extension == "tif":  # in which Pillow writes no directory of EXIF
        write_tiff(source)
    else:
        options: dict[str, Any] = {} if extension == "png" else {"xmp": XMP}
        GREY.save(source, exif=exif_of(6), **options)
    hue(source)
    check_exif(result, GREY.size if extension == "tif" else GREY.size[::-1])
    packet = packet_of(result)
    assert SOURCE_TYPE.encode() in packet
    assert b">tiny<" in packet
    assert extension == "png" or "Köln".encode() in packet


def test_provenance_can_be_left_out(tmp_path: Path, hue: Callable[..., Result]) -> None:
    GREY.save(tmp_path / "a.jpg", xmp=XMP)
    hue(tmp_path / "a.jpg", "--no-provenance")
    assert packet_of(tmp_path / "a_color.jpg") == XMP
    GREY.save(tmp_path / "b.png")
    hue(tmp_path / "b.png", "--no-provenance")
    assert b"hue" not in (tmp_path / "b_color.png").read_bytes()


def test_hostile_xmp_is_left_out_with_a_warning(tmp_path: Path, hue: Callable[..., Result]) -> None:
    hostile = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    GREY.save(tmp_path / "a.jpg", xmp=hostile)
    assert "XMP is damaged and was left out" in hue(tmp_path / "a.jpg").stderr
    assert SOURCE_TYPE.encode() in packet_of(tmp_path / "a_color.jpg")


def captions(path: Path) -> bytes | None:
    with path.open("rb") as stream:
        return resources.split(jpeg.read_segments(stream).photoshop)[0]


def test_captions_and_comments_of_a_jpeg_go_along(tmp_path: Path, hue: Callable[..., Result]) -> None:
    extra = jpeg.segment(0xED, resources.SIGNATURE + resources.pack_iptc(IPTC)) + jpeg.segment(0xFE, b"second")
    GREY.save(tmp_path / "a.jpg", extra=extra, comment=b"first")
    hue(tmp_path / "a.jpg")
    assert captions(tmp_path / "a_color.jpg") == IPTC
    with (tmp_path / "a_color.jpg").open("rb") as stream:
        assert sorted(jpeg.read_segments(stream).comments) == [b"first", b"second"]


def test_captions_go_from_format_to_format(tmp_path: Path, hue: Callable[..., Result]) -> None:
    GREY.save(tmp_path / "a.tif", tiffinfo={33723: IPTC})
    hue(tmp_path / "a.tif")
    with Image.open(tmp_path / "a_color.tif") as image:
        assert image.tag_v2[33723] == IPTC  # type: ignore[attr-defined]
    hue(tmp_path / "a.tif", "-o", tmp_path / "b.png")
    hue(tmp_path / "b.png", "-o", tmp_path / "c.jpg", "--if-color", "recolor")
    assert captions(tmp_path / "c.jpg") == IPTC
    found = hue(tmp_path / "a.tif", "-o", tmp_path / "d.webp")
    assert "WEBP has no room for its IPTC captions" in found.stderr


def test_texts_and_resolution_of_a_png_go_along(tmp_path: Path, hue: Callable[..., Result]) -> None:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text("Title", "Grandmother")
    texts.add_itxt("Author", "Jürgen", "de", "Autor")
    texts.add_text("Description", "long " * 500, zip=True)
    for name, image in (("a.png", GREY), ("deep.png", Image.fromarray(DEEP))):
        image.save(tmp_path / name, pnginfo=texts, dpi=(300, 600))
        hue(tmp_path / name)
        with Image.open(tmp_path / name.replace(".", "_color.")) as result:
            assert result.info["dpi"] == pytest.approx((300, 600), abs=0.1)
            assert result.text == {"Title": "Grandmother", "Author": "Jürgen", "Description": "long " * 500} | {  # type: ignore[attr-defined]
                "XML:com.adobe.xmp": packet_of(tmp_path / name.replace(".", "_color.")).decode()
            }


def table_sums(path: Path) -> list[int]:
    with Image.open(path) as image:
        return [sum(table) for table in image.quantization.values()]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("quality", "least"), [(60, 92), (97, 97), (100, 100)])
def test_a_jpeg_is_compressed_no_more_coarsely_than_its_source(
    tmp_path: Path, hue: Callable[..., Result], quality: int, least: int
) -> None:
    image = Image.merge("RGB", (GREY, GREY, GREY))
    image.save(tmp_path / "a.jpg", quality=quality, subsampling=0, progressive=True)
    image.save(tmp_path / "b.jpg", quality=least)
    hue(tmp_path / "a.jpg")
    assert table_sums(tmp_path / "a_color.jpg") == table_sums(tmp_path / "b.jpg")
    with (tmp_path / "a_color.jpg").open("rb") as stream:
        found = jpeg.read_segments(stream)
    assert (found.sampling, found.is_progressive) == ((1, 1), True)
    hue(tmp_path / "a.jpg", "-q", "30", "--overwrite")
    with (tmp_path / "a_color.jpg").open("rb") as stream:
        assert jpeg.read_segments(stream).quality == 30


@pytest.mark.parametrize("scheme", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "lzma", "zstd", "jpeg"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_keeps_compression_resolution_and_depth(
    tmp_path: Path, hue: Callable[..., Result], scheme: str, depth: int
) -> None:
    source, result = tmp_path / "a.tif", tmp_path / "a_color.tif"
    if scheme == "jpeg" and depth == 16:
        pytest.skip("JPEG has 8 bits")
    image = GREY if depth == 8 else Image.fromarray(DEEP)
    tiffinfo = {317: 2} if scheme in ("tiff_lzw", "tiff_adobe_deflate") else {}
    image.save(source, compression=scheme, dpi=(600, 300), tiffinfo=tiffinfo)
    hue(source)
    with Image.open(result) as found:
        assert found.info["compression"] == scheme
        assert found.info["dpi"] == (600, 300)
        assert found.tag_v2.get(317) == tiffinfo.get(317)  # type: ignore[attr-defined]
    assert read_photo(result).depth == depth
    check_colour(source, result, within=3 if scheme == "jpeg" else 0.5 if depth == 8 else 0.02)


def test_every_page_of_a_tiff_is_coloured_and_keeps_its_fields(tmp_path: Path, hue: Callable[..., Result]) -> None:
    pages = [GREY.copy(), GREY.rotate(90, expand=True), Image.fromarray(DEEP)]
    for number, page in enumerate(pages):
        page.encoderinfo = {"tiffinfo": {285: f"page {number}"}, "dpi": (200 + number,) * 2}
    pages[0].save(
        tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw", tiffinfo={285: "page 0"}
    )
    hue(tmp_path / "a.tif")
    with Image.open(tmp_path / "a_color.tif") as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        for number, page in enumerate(ImageSequence.Iterator(image)):
            assert page.size == pages[number].size
            fields = image.tag_v2  # type: ignore[attr-defined]
            assert fields[285] == f"page {number}"
            assert fields[258] == ((16, 16, 16) if number == 2 else (8, 8, 8))
            assert np.ptp(np.asarray(page.convert("RGB")).astype(int), axis=2).mean() > 5
    found = hue(tmp_path / "a.tif", "-o", tmp_path / "a.jpg")
    assert "has 3 frames or pages; JPEG holds the first one" in found.stderr


@pytest.mark.parametrize(("name", "result"), [("a.gif", "a_color.png"), ("a.webp", "a_color.webp"), ("a.png", None)])
def test_animations_are_coloured_picture_by_picture(
    tmp_path: Path, hue: Callable[..., Result], name: str, result: str | None
) -> None:
    frames = [GREY.rotate(10 * number) for number in range(3)]
    frames.append(frames[-1])  # twice the same is two pictures
    durations = [40, 70, 100, 130]
    if name != "a.gif":
        frames = [frame.convert("RGB") for frame in frames]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=durations, loop=3)
    hue(tmp_path / name)
    with Image.open(tmp_path / name) as old, Image.open(tmp_path / (result or "a_color.png")) as new:
        assert new.info["loop"] == 3
        assert new.n_frames == old.n_frames  # type: ignore[attr-defined]
        for number in range(old.n_frames):  # type: ignore[attr-defined]
            old.seek(number)
            new.seek(number)
            old.load()
            new.load()
            assert new.info["duration"] == old.info["duration"]
            rgb = np.asarray(new.convert("RGB"))
            grey = grey_to_lightness(np.asarray(old.convert("L")))
            error = np.abs(skimage.color.rgb2lab(rgb)[..., 0] - grey)
            assert error.mean() < (2 if name == "a.webp" else 0.2)


def test_webp_stays_lossless(tmp_path: Path, hue: Callable[..., Result]) -> None:
    GREY.save(tmp_path / "a.webp", lossless=True)
    hue(tmp_path / "a.webp")
    check_colour(tmp_path / "a.webp", tmp_path / "a_color.webp", within=0.5)
    GREY.save(tmp_path / "b.webp", quality=80)
    hue(tmp_path / "b.webp")
    assert b"VP8L" not in (tmp_path / "b_color.webp").read_bytes()


def jp2_boxes() -> bytes:
    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data) + 8) + kind + data

    return box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP)


@pytest.mark.parametrize("lossless", [True, False])
def test_jpeg_2000(tmp_path: Path, hue: Callable[..., Result], lossless: bool) -> None:
    stream = io.BytesIO()
    GREY.save(stream, "JPEG2000", irreversible=not lossless, quality_layers=None if lossless else [4])
    (tmp_path / "a.jp2").write_bytes(stream.getvalue() + jp2_boxes())
    hue(tmp_path / "a.jp2")
    content = (tmp_path / "a_color.jp2").read_bytes()
    assert "Köln".encode() in content
    assert SOURCE_TYPE.encode() in content
    check_colour(tmp_path / "a.jp2", tmp_path / "a_color.jp2", within=0.5 if lossless else 2.5)
    if lossless:
        again = hue(tmp_path / "a.jp2", tmp_path / "a_color.jp2", "--json").stdout
        assert "hue made" in json.loads(again.splitlines()[1])["message"]


def test_avif(tmp_path: Path, hue: Callable[..., Result]) -> None:
    GREY.save(tmp_path / "a.avif", quality=90, exif=exif_of(6), xmp=XMP)
    hue(tmp_path / "a.avif")
    check_exif(tmp_path / "a_color.avif")
    assert "Köln".encode() in packet_of(tmp_path / "a_color.avif")
    check_colour(tmp_path / "a.avif", tmp_path / "a_color.avif", within=3)


def test_heic_with_the_extra(tmp_path: Path, hue: Callable[..., Result]) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    GREY.save(tmp_path / "a.heic", quality=95, exif=exif_of(1))
    hue(tmp_path / "a.heic")
    check_exif(tmp_path / "a_color.heic", GREY.size)
    check_colour(tmp_path / "a.heic", tmp_path / "a_color.heic", within=3)


def test_heic_without_the_extra_says_how_to_get_it(
    tmp_path: Path, hue: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hue_cli.images.decoders.has_heif", lambda: False)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    assert "needs the extra 'heif'" in hue(tmp_path / "a.heic", code=1).stderr


def adobe_rgb() -> bytes:
    """A profile with the primaries of Adobe RGB, out of sRGB's: only the colorants differ."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(icc).replace(b"sRGB", b"wide").replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))


@pytest.mark.parametrize("extension", ["jpg", "png", "tif", "webp", "avif"])
def test_results_say_that_they_are_srgb(tmp_path: Path, hue: Callable[..., Result], extension: str) -> None:
    source = tmp_path / f"a.{extension}"
    Image.merge("RGB", (GREY, GREY, GREY)).save(source, icc_profile=adobe_rgb())
    hue(source)
    with Image.open(tmp_path / f"a_color.{extension}") as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).startswith("sRGB")


def test_a_toned_scan_is_neutral_by_default_and_its_tone_can_shine_through(
    tmp_path: Path, hue: Callable[..., Result]
) -> None:
    level = np.asarray(GREY) / 255
    sepia = np.dstack([np.interp(level, [0, 0.5, 1], [low, mid, 255]) for low, mid in ((20, 150), (10, 120), (0, 80))])
    Image.fromarray(sepia.astype(np.uint8)).save(tmp_path / "a.png")

    def ab(name: str) -> np.ndarray:
        with Image.open(tmp_path / name) as image:
            found: np.ndarray = skimage.color.rgb2lab(np.asarray(image.convert("RGB")))[..., 1:]
            return found

    hue(tmp_path / "a.png", "-o", tmp_path / "neutral.png", "--strength", "0")
    assert np.abs(ab("neutral.png")).max() < 0.6
    hue(tmp_path / "a.png", "-o", tmp_path / "toned.png", "--strength", "0", "--keep-tone")
    assert np.abs(ab("toned.png") - ab("a.png")).mean() < 2
    hue(tmp_path / "a.png", "-o", tmp_path / "coloured.png")
    hue(tmp_path / "a.png", "-o", tmp_path / "both.png", "--keep-tone")
    shift = (ab("both.png") - ab("coloured.png")).reshape(-1, 2).mean(axis=0)
    np.testing.assert_allclose(shift, ab("a.png").reshape(-1, 2).mean(axis=0), atol=4)


def test_colour_photographs_are_left_out_unless_they_are_asked_for(tmp_path: Path, hue: Callable[..., Result]) -> None:
    (tmp_path / "old").mkdir()
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "old" / "a.jpg")
    GREY.save(tmp_path / "old" / "b.jpg")
    found = hue(tmp_path / "old", "--report", tmp_path / "report")
    assert f"Left 1 that is in colour already, such as {tmp_path / 'old' / 'a.jpg'}" in found.stdout
    assert sorted(path.name for path in (tmp_path / "old_color").iterdir()) == ["b.jpg"]
    lines = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    assert {Path(line["source"]).name: line["status"] for line in lines} == {"a.jpg": "skipped", "b.jpg": "done"}
    assert "in colour already" in next(line["message"] for line in lines if line["status"] == "skipped")

    found = hue(tmp_path / "old", "--if-color", "keep", "--preserve-times")
    assert f"Copied 1 that is in colour already, such as {tmp_path / 'old_color' / 'a.jpg'}" in found.stdout
    kept = tmp_path / "old_color" / "a.jpg"
    assert kept.read_bytes() == (tmp_path / "old" / "a.jpg").read_bytes()
    hue(tmp_path / "old", "--if-color", "recolor", "--overwrite")
    assert kept.read_bytes() != (tmp_path / "old" / "a.jpg").read_bytes()


def test_a_kept_photograph_keeps_its_format_and_nothing_is_written_over(
    tmp_path: Path, hue: Callable[..., Result]
) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(skimage.data.astronaut()).save(source)
    before = source.read_bytes()
    found = hue(source, "-o", tmp_path / "new", "--format", "jpg", "--if-color", "keep", "--json")
    assert json.loads(found.stdout.splitlines()[0])["output"] == str(tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_bytes() == before
    hue(source, "-o", tmp_path / "a.jpg", "--if-color", "keep", "--overwrite")
    assert source.read_bytes() == before


def test_a_file_with_a_page_in_colour_is_left_out_whole(tmp_path: Path, hue: Callable[..., Result]) -> None:
    pages = [GREY.copy(), Image.fromarray(skimage.data.astronaut())]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert "Left 1 that is in colour already" in hue(tmp_path / "a.tif").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    hue(tmp_path / "a.tif", "--if-color", "keep")
    assert (tmp_path / "a_color.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()
    hue(tmp_path / "a.tif", "--if-color", "recolor", "--overwrite")
    with Image.open(tmp_path / "a_color.tif") as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]


def test_a_pipe_passes_colour_on(tmp_path: Path, tiny_model: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(stream, "JPEG")
    found = CliRunner().invoke(app, ["colorize", "-", "-m", str(tiny_model)], input=stream.getvalue())
    assert (found.exit_code, found.stdout_bytes) == (0, stream.getvalue())
    assert "in colour already" in found.stderr
    found = CliRunner().invoke(
        app, ["colorize", "-", "--format", "png", "-m", str(tiny_model)], input=stream.getvalue()
    )
    assert (found.exit_code, found.stdout_bytes) == (1, b"")
    assert "as it is, it is no PNG" in found.stderr


def test_times_are_kept_when_asked_for(tmp_path: Path, hue: Callable[..., Result]) -> None:
    GREY.save(tmp_path / "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(10**18, 10**18 + 7_000_000))
    hue(tmp_path / "a.jpg")
    assert (tmp_path / "a_color.jpg").stat().st_mtime > 1_600_000_000
    hue(tmp_path / "a.jpg", "--preserve-times", "--overwrite", "--compare")
    for name in ("a_color.jpg", "a_color_compare.jpg"):
        assert (tmp_path / name).stat().st_mtime_ns == 10**18 + 7_000_000


def test_a_long_packet_goes_on_in_further_segments(tmp_path: Path, hue: Callable[..., Result]) -> None:
    words = b"".join(b"%06d" % number for number in range(20_000))
    long = XMP.replace(b'photoshop:City="', b'photoshop:Instructions="' + words + b'" photoshop:City="')
    GREY.save(tmp_path / "a.tif", tiffinfo={700: long})
    hue(tmp_path / "a.tif", "-o", tmp_path / "a.jpg")
    main = packet_of(tmp_path / "a.jpg")
    assert SOURCE_TYPE.encode() in main
    assert b"HasExtendedXMP" in main
    with (tmp_path / "a.jpg").open("rb") as stream:
        parts = jpeg.read_segments(stream).extension
    head = len(jpeg.EXTENSION_PREFIX) + 40
    assert words in b"".join(part[head:] for part in parts)
    found = hue(tmp_path / "a.jpg", "-o", tmp_path / "b.tif", "--if-color", "recolor")
    assert "TIFF has no room for the second part of its XMP" in found.stderr


def test_what_imagemagick_put_into_texts_of_a_png_is_understood(tmp_path: Path, hue: Callable[..., Result]) -> None:
    from PIL.PngImagePlugin import PngInfo

    def raw(kind: str, data: bytes) -> str:
        return f"\n{kind}\n{len(data):8d}\n" + "\n".join(data.hex()[at : at + 72] for at in range(0, 2 * len(data), 72))

    texts = PngInfo()
    texts.add_text("Raw profile type exif", raw("exif", exif_of(6).tobytes()), zip=True)
    texts.add_text("Raw profile type iptc", raw("iptc", resources.pack_iptc(IPTC)))
    GREY.save(tmp_path / "a.png", pnginfo=texts)
    hue(tmp_path / "a.png")
    check_exif(tmp_path / "a_color.png")
    hue(tmp_path / "a.png", "-o", tmp_path / "a.jpg")
    assert captions(tmp_path / "a.jpg") == IPTC


def test_what_an_encoder_refuses_is_said_with_a_remedy(
    tmp_path: Path, hue: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    GREY.save(tmp_path / "a.png")

    def refuse(*_: object) -> None:
        raise ValueError("too large for it")

    monkeypatch.setattr("hue_cli.infer.steps.encode", refuse)
    said = hue(tmp_path / "a.png", code=1).stderr
    assert f"{tmp_path / 'a.png'}: cannot be written as PNG (too large for it). Choose another --format." in said
