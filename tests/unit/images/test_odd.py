"""Odd and hostile files: each is read, or refused in a sentence; soon, and without filling the memory."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from hue_cli.errors import ImageError
from hue_cli.images.encode import Encoding, Picture, encode
from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.photo import Photo
from hue_cli.images.read import read_photo, read_photos

GREY = Image.radial_gradient("L").resize((40, 30))
RGB = Image.merge("RGB", (GREY, GREY, GREY))


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()


def lightness(photo: Photo) -> np.ndarray:
    return grey_to_lightness(photo.grey)


EXPECTED = lightness(read_photo(saved(GREY, "PNG")))


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(28), "PostScript"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "a drawing"),
        (b"8BPS\0\1" + bytes(20), "a Photoshop document"),
        (b"\xff\x0a" + bytes(20), "a JPEG XL picture"),
        (b"PK\3\4" + bytes(20), "a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG of a kind that hue does not read"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "a JPEG 2000 of a kind"),
        (b"BM" + bytes(4), "a BMP of a kind"),
        (b"\0\0\0\x18ftypavif" + bytes(4), "an AVIF of a kind"),
    ],
)
def test_what_is_no_photograph_is_named(tmp_path: Path, start: bytes, kind: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(start)
    with pytest.raises(ImageError, match=f"{kind}.*, or a damaged one"):
        read_photo(path)


@pytest.mark.parametrize(("image_format", "extension"), [("PNG", "jpg"), ("JPEG", "tif"), ("TIFF", "png")])
def test_a_wrong_extension_is_no_matter(tmp_path: Path, image_format: str, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    path.write_bytes(saved(GREY, image_format))
    assert read_photo(path).image_format == image_format


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"),
        ("LAB", "TIFF"),
        ("LA", "PNG"),
        ("LA", "TIFF"),
        ("PA", "TIFF"),
        ("P", "PNG"),
        ("P", "TIFF"),
        ("RGBX", "TIFF"),
        ("I", "TIFF"),
        ("I;16B", "TIFF"),
        ("I;16", "PNG"),
        ("F", "TIFF"),
    ],
)
def test_every_mode_has_its_lightness(mode: str, image_format: str) -> None:
    if mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        image = ImageCms.applyTransform(RGB, transform)
        assert image is not None
    elif mode == "F":
        image = Image.fromarray((np.asarray(GREY) / 255).astype(np.float32))
    elif mode.startswith("I"):
        values = np.asarray(GREY).astype(np.int32) * 257
        image = Image.fromarray(values if mode == "I" else values.astype(np.uint16))
        image = image if mode in ("I", "I;16") else image.convert("I").convert("I;16B")
    else:
        image = RGB.convert("P", palette=Image.Palette.ADAPTIVE).convert(mode) if "P" in mode else RGB.convert(mode)
    photo = read_photo(saved(image, image_format))
    error = np.abs(lightness(photo) - EXPECTED)
    assert error.mean() < (1.5 if image_format == "JPEG" or mode == "YCbCr" else 0.3)


@pytest.mark.parametrize("size", [(4, 4), (16, 16)])
def test_colours_that_stand_for_transparency(size: tuple[int, int]) -> None:
    for image, transparent in (
        (Image.new("L", size, 7), 7),
        (Image.fromarray(np.full(size, 700, np.uint16)), 700),
        (Image.new("RGB", size, (1, 2, 3)), (1, 2, 3)),
    ):
        alpha = read_photo(saved(image, "PNG", transparency=transparent)).alpha
        assert alpha is not None
        assert alpha.max() == 0


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, kind: int = 0) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*one) for one in chunks) + chunk(b"IEND", b"")


def test_grey_of_another_gamma_is_heeded() -> None:
    rows = b"".join(b"\0" + bytes(range(256)) for _ in range(2))
    data = zlib.compress(rows)
    linear = read_photo(png(256, 2, (b"gAMA", struct.pack(">I", 100_000)), (b"IDAT", data)))
    expected = np.rint(np.interp(128 / 255, [0, 1], [0, 1]) * 100)  # luminance 0.502 is L* 76
    assert expected == 50
    assert lightness(linear)[0, 128] == pytest.approx(76.2, abs=0.3)
    usual = read_photo(png(256, 2, (b"gAMA", struct.pack(">I", 45_455)), (b"IDAT", data)))
    np.testing.assert_array_equal(usual.grey[0], np.arange(256))


def test_twelve_bits_fill_the_range() -> None:
    """A TIFF of 12 bits a pixel, which Pillow unpacks and does not scale."""
    row = np.array([0, 4095, 2048, 1024])
    packed = b"".join(
        bytes((first >> 4, (first & 15) << 4 | second >> 8, second & 255))
        for first, second in row.reshape(-1, 2).tolist()
    )
    entries = [
        (256, 4),
        (257, 1),
        (258, 12),
        (259, 1),
        (262, 1),
        (273, 8 + 2 + 12 * 9 + 4),
        (277, 1),
        (278, 1),
        (279, 6),
    ]
    table = b"".join(struct.pack("<HHII", tag, 4 if tag == 273 else 3, 1, value) for tag, value in entries)
    photo = read_photo(b"II*\0\x08\0\0\0" + struct.pack("<H", 9) + table + bytes(4) + packed)
    np.testing.assert_allclose(photo.grey[0], row * (65535 / 4095), atol=1)
    assert photo.depth == 16


BOMBS = {
    "png": png(60_000, 60_000, (b"IDAT", zlib.compress(bytes(1000)))),
    "ppm": b"P5 60000 60000 255\n" + bytes(100),
    "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 60_000, 60_000, 1, 8, 0, 0, 0, 0, 0, 0),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_are_decoded(name: str) -> None:
    with pytest.raises(ImageError, match=r"more than the [0-9,]+ that hue decodes"):
        read_photo(BOMBS[name])


def growing_gif() -> bytes:
    """A small screen, and a second picture that reaches far beyond it."""
    first = saved(Image.new("P", (10, 10)), "GIF")[:-1]
    return first + b"," + struct.pack("<HHHHB", 60_000, 60_000, 5, 5, 0) + b"\x02\x02D\x01\0;"


def test_an_animation_that_grows_is_refused() -> None:
    with pytest.raises(ImageError, match="more than the 500,000,000 that hue decodes"):
        list(read_photos(growing_gif()))


def many_pages(count: int, *, circle: bool = False) -> bytes:
    """A TIFF of directories that all lead to the same pixel."""
    entries = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 1), (279, 1)]
    table = struct.pack("<H", len(entries))
    table += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    size = len(table) + 4
    links = [10 + size * (number + 1) for number in range(count)]
    links[-1] = 10 if circle else 0
    return b"II*\0\x0a\0\0\0\x7f\0" + b"".join(table + struct.pack("<I", link) for link in links)


def test_a_great_many_pages_are_refused() -> None:
    assert read_photo(many_pages(3)).sequence is not None
    with pytest.raises(ImageError, match="more than 10,000 pages"):
        read_photo(many_pages(10_001))


def test_pages_in_a_circle_end() -> None:
    assert len(list(read_photos(many_pages(3, circle=True)))) == 3


def test_a_great_many_pictures_are_refused() -> None:
    frame = b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0"
    gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 10_001 + b";"
    with pytest.raises(ImageError, match="more than 10,000 pages or pictures"):
        read_photo(gif)


def test_many_large_pictures_are_refused() -> None:
    frames = [Image.new("L", (50, 50), shade) for shade in range(0, 200, 20)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=r"its 10 pictures of 50×50 have 25,000 pixels"):
        read_photo(gif, max_pixels=20_000)


def test_pages_are_bounded_one_by_one_and_together() -> None:
    pages = [Image.new("L", (50, 50), shade) for shade in range(0, 250, 10)]
    tiff = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert len(list(read_photos(tiff, max_pixels=5000))) == 25
    with pytest.raises(ImageError, match="its first 21 pages"):
        list(read_photos(tiff, max_pixels=2500))


def test_a_profile_that_is_none_is_left_out_with_a_warning() -> None:
    for icc in (b"no profile", b"\0" * 16 + b"RGB " + b"\xff" * 500, b"\0" * (2 << 20)):
        photo = read_photo(saved(RGB, "PNG", icc_profile=icc))
        assert "ICC profile is damaged" in photo.warnings[0]
        assert np.abs(lightness(photo) - EXPECTED).max() < 0.1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's; the command line leaves them out
def test_broken_exif_is_left_out_with_a_warning() -> None:
    photo = read_photo(saved(GREY, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert photo.metadata.exif is None
    assert "EXIF is damaged and was left out" in photo.warnings[0]


def test_a_long_text_that_was_packed_small_stays_packed() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(1 << 20), 9)
    data = zlib.compress(b"\0\x40")
    photo = read_photo(png(1, 1, (b"zTXt", bomb), (b"IDAT", data)))
    assert photo.metadata.texts == ((b"zTXt", bomb),)


WHOLE = {
    "JPEG": saved(GREY, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", comment=b"x"),
    "PNG": saved(GREY, "PNG", dpi=(300, 300)),
    "TIFF": saved(GREY, "TIFF", compression="tiff_lzw"),
    "GIF": saved(GREY, "GIF"),
    "WEBP": saved(GREY, "WEBP"),
    "BMP": saved(GREY, "BMP"),
    "JPEG2000": saved(GREY, "JPEG2000"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_garbled_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    garbled = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 6))):
        garbled[data.draw(st.integers(0, len(garbled) - 1))] = data.draw(st.integers(0, 255))
    del garbled[data.draw(st.integers(len(garbled) // 4, len(garbled))) :]
    with suppress(ImageError):
        assert all(photo.grey.size for photo in read_photos(bytes(garbled), max_pixels=100_000))


def test_a_bomb_is_refused_with_the_size_that_it_announces() -> None:
    content = bytearray(saved(GREY, "BMP"))
    content[18:26] = struct.pack("<ii", 1 << 20, 1 << 20)
    with pytest.raises(ImageError, match=r"announces 1,099,511,627,776 pixels, more than the 500,000,000 that hue"):
        read_photo(bytes(content), "scan.bmp")


def test_a_bitmap_of_another_kind_is_not_called_cut_short() -> None:
    content = bytearray(saved(GREY, "BMP"))
    content[28:30] = struct.pack("<H", 2)  # bits a pixel
    with pytest.raises(ImageError, match=r"^scan\.bmp: expected a picture of a common kind, found one that hue does"):
        read_photo(bytes(content), "scan.bmp")


def test_a_tiff_whose_pixels_cannot_be_decoded_says_how_they_are_compressed() -> None:
    content = saved(GREY, "TIFF", compression="tiff_adobe_deflate")
    at = content.index(b"\x78")  # where the pixels' stream begins
    with pytest.raises(ImageError, match=r"^scan\.tif: its pixels are damaged, or compressed .*\(tiff_adobe_deflate\)"):
        read_photo(content[:at] + b"\xff" * 40 + content[at + 40 :], "scan.tif")


def test_of_a_stereo_photograph_it_is_said_that_one_picture_is_colorized() -> None:
    photo = read_photo(saved(GREY, "MPO", save_all=True, append_images=[GREY]), "both.mpo")
    assert photo.sequence is None
    assert photo.warnings == ("both.mpo: holds 2 pictures; only the first is colorized.",)


def test_texts_that_unpack_to_more_than_others_allow_are_passed_on_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "a" * (1 << 21)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Story", long, zip=True)
    texts.add_itxt("Tale", long, "pl", "Opowieść", zip=True)
    texts.add_text("Short", "a" * 99, zip=True)
    metadata = read_photo(saved(GREY, "PNG", pnginfo=texts)).metadata
    stream = io.BytesIO()
    encode(Picture(rgb=np.zeros((2, 2, 3), np.uint8), metadata=metadata), stream, Encoding(image_format="PNG"))
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 1 << 20)  # Pillow's own bound, which hue raises
    with Image.open(stream) as image:
        image.load()
        assert image.info["Story"] == image.info["Tale"] == long
        assert (image.info["Tale"].lang, image.info["Tale"].tkey) == ("pl", "Opowieść")
        assert image.info["Short"] == "a" * 99


def test_a_jpeg_2000_that_cannot_be_decoded_need_not_be_damaged() -> None:
    content = saved(GREY, "JPEG2000")
    at = content.index(b"\xff\x93") + 2  # where the pixels' data begin
    with pytest.raises(ImageError, match=r"^scan\.jp2: the file is damaged, cut short, or coded in a way that"):
        read_photo(content[:at], "scan.jp2")
