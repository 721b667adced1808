from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.domain.refusal import RefusedError


def a_picture(kind: str, width: int = 40, height: int = 30, orientation: int | None = None) -> bytes:
    picture, out = Image.new("RGB", (width, height), "teal"), io.BytesIO()
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    picture.save(out, kind, exif=exif)
    return out.getvalue()


def a_png_that_claims(width: int, height: int) -> bytes:
    """Return a header without pixels, as of a decompression bomb."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\x00\x00\x00\x00IEND"
    )


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif")],
)
def test_type_and_dimensions_come_from_the_header(kind: str, content_type: str) -> None:
    facts = clean_picture(a_picture(kind)).facts

    assert (facts.content_type, facts.width, facts.height) == (content_type, 40, 30)


def test_a_rotated_picture_has_swapped_dimensions() -> None:
    facts = clean_picture(a_picture("JPEG", orientation=6)).facts

    assert (facts.width, facts.height) == (30, 40)


@pytest.mark.parametrize(
    ("width", "height"), [(20_001, 10), (10, 20_001), (10_000, 5_001), (2**31 - 1, 2**31 - 1), (0, 5)]
)
def test_a_picture_too_large_to_decode_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(RefusedError) as refused:
        clean_picture(a_png_that_claims(width, height))

    assert refused.value.code in (400, 422)


def test_too_many_bytes_are_refused_before_parsing() -> None:
    with pytest.raises(RefusedError) as refused:
        clean_picture(b"x" * 101, max_bytes=100)

    assert refused.value.code == 413


@pytest.mark.parametrize(
    "data", [b"BM" + b"\0" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"hello", b"%PDF-1.7"]
)
def test_other_types_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        clean_picture(data)

    assert refused.value.code == 415


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [0, 3, 9, 14, 20])
def test_a_picture_with_a_truncated_header_is_refused(kind: str, size: int) -> None:
    with pytest.raises(RefusedError):
        clean_picture(a_picture(kind)[:size])


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x10\x00\x00\x00WEBPVP8 ", b""]),
    rest=st.binary(max_size=200),
)
def test_any_bytes_are_a_picture_or_refused(start: bytes, rest: bytes) -> None:
    try:
        facts = clean_picture(start + rest).facts
    except RefusedError:
        return
    assert facts.width * facts.height <= 50_000_000
