"""JPEG: how finely it was compressed, and what stands before its pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hue_cli.images import jpeg, resources

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8))


def saved(image: Image.Image = PICTURE, **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream


@pytest.mark.parametrize("quality", [1, 10, 24, 25, 50, 75, 85, 92, 95, 99, 100])
def test_libjpegs_quality_is_read_from_its_tables(quality: int) -> None:
    assert jpeg.read_segments(saved(quality=quality)).quality == quality


def test_tables_of_others_are_met_at_least() -> None:
    tables = [[7] * 64, [9] * 64]
    quality = jpeg.read_segments(saved(qtables=tables)).quality
    assert quality is not None
    with Image.open(saved(quality=quality)) as image:
        assert sum(image.quantization[0]) <= sum(tables[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize(("subsampling", "sampling"), [(0, (1, 1)), (1, (2, 1)), (2, (2, 2))])
def test_sampling_is_read(subsampling: int, sampling: tuple[int, int]) -> None:
    found = jpeg.read_segments(saved(subsampling=subsampling, progressive=True))
    assert (found.sampling, found.is_progressive) == (sampling, True)
    assert jpeg.read_segments(saved(PICTURE.convert("L"))).sampling is None


def test_captions_in_several_segments_are_one_box() -> None:
    iptc = b"\x1c\x02\x78\x00\x05hello" * 9_000
    box = resources.pack_iptc(iptc) + b"8BIM\x04\x0b\0\0\0\0\0\x03url\0" + b"8BIM\x04\x0c\0\0\0\0\0\x02old"
    extra = b"".join(
        jpeg.segment(0xED, resources.SIGNATURE + box[at : at + 60_000]) for at in range(0, len(box), 60_000)
    )
    found, others = resources.split(jpeg.read_segments(saved(extra=extra)).photoshop)
    assert found == iptc
    assert b"url" in others
    assert b"old" not in others  # a thumbnail


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_end(garbage: bytes, at: int) -> None:
    whole = saved(quality=85, comment=b"hello").getvalue()
    jpeg.read_segments(io.BytesIO(whole[:at] + garbage))
    resources.split(b"8BIM" + garbage)


def test_exif_that_goes_on_in_another_segment_is_joined_and_junk_passed_over() -> None:
    parts = [jpeg.segment(0xE1, b"Exif\0\0" + part) for part in (b"II*\0first", b"second", b"MM\0*another")]
    found = jpeg.read_segments(saved(extra=b"".join([*parts, b"junk\xff\0", jpeg.segment(0xFE, b"said")])))
    assert found.exif == b"II*\0firstsecond"
    assert found.comments == [b"said"]
