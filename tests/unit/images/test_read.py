"""Reading photographs of every kind, whole and damaged."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.color
import skimage.data
from PIL import Image, ImageCms, ImageOps

from hue_cli.errors import ImageError
from hue_cli.images.luminance import grey_to_lightness
from hue_cli.images.photo import Photo, Sequence
from hue_cli.images.read import read_photo, read_photos, upright


def picture(mode: str = "L") -> Image.Image:
    return Image.fromarray(skimage.data.chelsea()[:60, :90]).convert(mode)


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def lightness(photo: Photo) -> np.ndarray:
    return grey_to_lightness(photo.grey)


@pytest.mark.parametrize("extension", ["png", "tif", "bmp", "pgm"])
def test_8_bit_greys_are_read_as_they_are(tmp_path: Path, extension: str) -> None:
    photo = read_photo(save(picture(), tmp_path / f"a.{extension}"))
    np.testing.assert_array_equal(photo.grey, np.asarray(picture()))
    assert (photo.depth, photo.alpha, photo.size) == (8, None, (60, 90))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1"])
def test_every_mode_keeps_the_lightness_that_scikit_image_sees(tmp_path: Path, mode: str) -> None:
    path = save(picture(mode), tmp_path / "a.png")
    with Image.open(path) as image:
        expected = skimage.color.rgb2lab(np.asarray(image.convert("RGB")))[..., 0]
    photo = read_photo(path)
    assert np.abs(lightness(photo) - expected).max() < 0.02
    assert (photo.alpha is not None) == (mode in ("RGBA", "LA"))


def test_cmyk_jpeg_is_read_as_pillow_converts_it(tmp_path: Path) -> None:
    path = save(picture("CMYK"), tmp_path / "a.jpg", quality=95)
    with Image.open(path) as image:
        assert image.mode == "CMYK"
        expected = skimage.color.rgb2lab(np.asarray(image.convert("RGB")))[..., 0]
    photo = read_photo(path)
    assert np.abs(lightness(photo) - expected).max() < 0.02
    # The picture is the cat and not its negative.
    assert np.corrcoef(photo.grey.ravel(), np.asarray(picture()).ravel())[0, 1] > 0.99


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once_as_pillow_applies_it(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "grandmother"
    path = save(picture(), tmp_path / "a.png", exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.grey, expected)
    kept = Image.Exif()
    kept.load(photo.metadata.exif or b"")
    assert kept.get(0x0112) is None
    assert kept[0x010E] == "grandmother"


def test_orientations_beyond_the_standard_leave_the_picture_alone() -> None:
    plane = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(upright(plane, 77), plane)


@pytest.mark.parametrize("extension", ["png", "tif", "pgm"])
def test_16_bit_greys_keep_all_bits(tmp_path: Path, extension: str) -> None:
    grey = np.arange(60 * 90, dtype=np.uint16).reshape(60, 90) * 12
    path = tmp_path / f"a.{extension}"
    if extension == "pgm":
        path.write_bytes(b"P5 90 60 65535\n" + grey.astype(">u2").tobytes())
    else:
        Image.fromarray(grey).save(path)
    photo = read_photo(path)
    assert photo.depth == 16
    np.testing.assert_array_equal(photo.grey, grey)


def deep_png(pixels: np.ndarray) -> bytes:
    """A 16-bit PNG as the specification says it, without filters; 2, 3 or 4 channels."""
    height, width, channels = pixels.shape
    kind = {2: 4, 3: 2, 4: 6}[channels]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_keeps_all_bits(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, channels), dtype=np.uint16)
    photo = read_photo(deep_png(pixels))
    assert photo.depth == 16
    expected = skimage.color.rgb2lab(pixels[..., :3] / 65535)[..., 0]
    assert np.abs(lightness(photo) - expected).max() < 0.02
    if channels == 4:
        np.testing.assert_array_equal(photo.alpha, pixels[..., 3])


def test_16_bit_grey_with_alpha_keeps_all_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, 2), dtype=np.uint16)
    photo = read_photo(deep_png(pixels))
    np.testing.assert_array_equal(photo.grey, pixels[..., 0])
    np.testing.assert_array_equal(photo.alpha, pixels[..., 1])
    assert photo.depth == 16


def test_white_is_zero_in_some_tiffs(tmp_path: Path) -> None:
    grey = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    path = save(Image.fromarray(65535 - grey), tmp_path / "a.tif", tiffinfo={262: 0})
    with Image.open(path) as image:
        assert image.getexif()[262] == 0
    np.testing.assert_array_equal(read_photo(path).grey, grey)


def test_the_first_picture_of_an_animation_is_read_and_knows_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    picture("P").save(path, save_all=True, append_images=[picture("P").rotate(180)], duration=[40, 70], loop=3)
    photo = read_photo(path)
    assert photo.sequence == Sequence(kind="animation", count=2, loop=3)
    assert [one.duration for one in read_photos(path)] == [40, 70]
    with Image.open(path) as image:
        expected = skimage.color.rgb2lab(np.asarray(image.convert("RGB")))[..., 0]
    assert np.abs(lightness(photo) - expected).max() < 0.02


def test_rgb_profiles_and_resolution_are_kept_and_grey_profiles_are_not(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(save(picture("RGB"), tmp_path / "a.png", icc_profile=srgb, dpi=(300, 300)))
    assert photo.metadata.icc == srgb
    assert photo.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    grey = srgb[:16] + b"GRAY" + srgb[20:]
    assert read_photo(save(picture(), tmp_path / "b.png", icc_profile=grey)).metadata.icc is None


def test_a_resolution_that_no_format_can_hold_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(path, dpi=(5e6, 5e6))
    assert read_photo(path).metadata.dpi is None


def jpeg() -> bytes:
    stream = io.BytesIO()
    picture().save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        ("Dear Anna,\nthe weather in Żnin is fine.\n".encode(), "found a text file"),
        (bytes(range(256)) * 4, "no picture in a format"),
        (jpeg()[:-300], "damaged or cut short"),
        (jpeg()[:200], "damaged|cut short"),
        (b"GIF89a" + b"\xff" * 40, "damaged|cut short"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence_with_its_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "фото №1 (копия).jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=message) as caught:
        read_photo(path)
    assert str(path) in str(caught.value)


def test_fractions_are_read_as_16_bits(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 60, dtype=np.float32).reshape(6, 10)
    photo = read_photo(save(Image.fromarray(values), tmp_path / "a.tif"))
    assert (photo.depth, photo.warnings) == (16, ())
    np.testing.assert_array_equal(photo.grey, np.rint(values * 65535))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_of_another_range_are_stretched_and_it_is_said(tmp_path: Path, dtype: type) -> None:
    values: np.ndarray = np.linspace(-500, 90_000, 60).reshape(6, 10).astype(dtype)
    photo = read_photo(save(Image.fromarray(values), tmp_path / "a.tif"))
    assert (photo.grey.min(), photo.grey.max()) == (0, 65535)
    assert "reach from -500 to 90000" in photo.warnings[0]


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_photo(tmp_path / "absent.png")
    with pytest.raises(ImageError, match="cannot be read"):
        read_photo(tmp_path)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(ImageError, match="90×60 are 5,400 pixels, more than the 5,000 that"):
        read_photo(jpeg(), max_pixels=5000)


def test_a_one_pixel_picture_is_a_picture(tmp_path: Path) -> None:
    assert read_photo(save(Image.new("L", (1, 1), 77), tmp_path / "a.png")).grey.tolist() == [[77]]
