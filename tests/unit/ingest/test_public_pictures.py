"""The public form of a picture: no private data, upright, one frame, with its colours and rights."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.domain.picture_files import MAX_SCANS
from services.ingest.domain.picture_rights import rights_of_iptc, rights_of_xmp
from services.ingest.domain.refusal import RefusedError

PRIVATE = (b"SECRET-AREA", b"SECRET-OWNER", b"SECRET-SERIAL", b"SECRET-NOTE", b"SECRET-COMMENT", b"SECRET-TAIL")
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    ' photoshop:Credit="Example &amp; Co" photoshop:City="SECRET-AREA">'
    '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© 2026 Example News</rdf:li></rdf:Alt></dc:rights>'
    "<dc:creator><rdf:Seq><rdf:li>SECRET-OWNER</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def a_scene(width: int = 64, height: int = 48) -> Image.Image:
    """Return a picture whose four corners differ, so that a turn shows."""
    picture = Image.new("RGB", (width, height), "white")
    for x, y, colour in ((0, 0, "red"), (1, 0, "lime"), (0, 1, "blue"), (1, 1, "black")):
        half = (width // 2, height // 2)
        picture.paste(colour, (x * half[0], y * half[1], (x + 1) * half[0], (y + 1) * half[1]))
    return picture


def private_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "SECRET-OWNER"
    exif[0x8298] = "Example Archive"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[28] = "N", (12.0, 30.0, 0.0), b"ASCII\0\0\0SECRET-AREA"
    camera = exif.get_ifd(0x8769)
    camera[0xA431], camera[0x927C] = "SECRET-SERIAL", b"SECRET-NOTE"
    return exif


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def saved_with_xmp(kind: str, orientation: int) -> bytes:
    options: dict[str, Any] = {"xmp": XMP}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=orientation % 2 == 0)
        options = {"pnginfo": texts}
    return saved(a_scene(), kind, exif=private_exif(orientation), quality=95, **options)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def colour_at(picture: Image.Image, x: int, y: int) -> list[int]:
    return list(picture.convert("RGB").crop((x, y, x + 1, y + 1)).tobytes())


def near(one: list[int], other: list[int]) -> bool:
    return all(abs(value - another) < 40 for value, another in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_private_metadata_is_removed_and_the_picture_is_upright(kind: str, orientation: int) -> None:
    sent = saved_with_xmp(kind, orientation)
    meant = ImageOps.exif_transpose(opened(sent)).convert("RGB")

    public = clean_picture(sent + b"SECRET-TAIL")
    shown = opened(public.data)

    assert [each for each in PRIVATE if each in public.data] == []
    assert (public.facts.width, public.facts.height) == meant.size == shown.size
    assert shown.getexif().get(0x0112, 1) == 1
    assert dict(shown.getexif().get_ifd(0x8825)) == {}
    for x in (4, meant.width - 5):
        for y in (4, meant.height - 5):
            assert near(colour_at(shown, x, y), colour_at(meant, x, y))


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("GIF", {})])
def test_an_upright_picture_keeps_every_pixel(kind: str, options: dict[str, Any]) -> None:
    sent = saved(a_scene(), kind, **options)

    assert opened(clean_picture(sent).data).convert("RGB").tobytes() == opened(sent).convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_colour_profile_stays(kind: str, orientation: int) -> None:
    sent = saved(a_scene(), kind, exif=private_exif(orientation), icc_profile=PROFILE)

    assert opened(clean_picture(sent).data).info["icc_profile"] == PROFILE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_notice_and_credit_stay_in_the_picture(kind: str) -> None:
    public = clean_picture(saved_with_xmp(kind, 6)).data

    assert "© 2026 Example News".encode() in public
    assert b"Example &amp; Co" in public
    assert 0x8298 in opened(public).getexif()
    assert clean_picture(public).data == public, "cleaning a clean picture changes nothing"


def test_a_notice_of_exif_alone_stays_without_the_names_beside_it() -> None:
    public = clean_picture(saved(a_scene(), "JPEG", exif=private_exif())).data

    assert opened(public).getexif()[0x8298] == "Example Archive"
    assert b"SECRET" not in public


def test_the_rights_of_iptc_records_are_read() -> None:
    records = b"".join(
        struct.pack(">BBBH", 0x1C, 2, dataset, len(text)) + text
        for dataset, text in ((80, b"SECRET-OWNER"), (110, b"Handout"), (116, b"\xa9 Example"))
    )
    resources = b"8BIM\x04\x25\0\0\0\0\0\x02xx8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records

    rights = rights_of_iptc(resources)

    assert (rights.credit, rights.notice) == ("Handout", "© Example")


def test_an_entity_bomb_in_xmp_names_no_rights() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'

    assert not rights_of_xmp(bomb)


def test_comments_and_thumbnails_of_a_jpeg_go() -> None:
    sent = saved(a_scene(), "JPEG", comment=b"SECRET-COMMENT")
    thumbnail = b"\xff\xe0" + struct.pack(">H", 2 + 16) + b"JFXX\0\x10SECRET-AREA"[:16]
    at = 2 + 18
    public = clean_picture(sent[:at] + thumbnail + sent[at:]).data

    assert b"SECRET" not in public


def test_texts_of_a_png_go_in_every_form() -> None:
    sent = saved(a_scene(), "PNG")
    chunks = b""
    for kind, payload in (
        (b"tEXt", b"Author\0SECRET-OWNER"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"SECRET-COMMENT")),
        (b"iTXt", b"Location\0\0\0\0\0SECRET-AREA"),
        (b"tIME", b"\x07\xea\x05\x02\x06\x0a\0"),
        (b"prVt", b"SECRET-NOTE"),
    ):
        chunks += struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
    public = clean_picture(sent[:33] + chunks + sent[33:]).data

    assert public == sent


def several(kind: str) -> bytes:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "lime")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("MPO", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp"), ("PNG", "image/png")],
)
def test_the_public_picture_has_one_frame_with_a_warning(kind: str, content_type: str) -> None:
    sent = several(kind)
    assert opened(sent).n_frames == 3  # type: ignore[attr-defined]

    public = clean_picture(sent)
    shown = opened(public.data)

    assert getattr(shown, "n_frames", 1) == 1
    assert public.facts.content_type == content_type
    assert near(colour_at(shown, 20, 15), [255, 0, 0])
    assert len(public.data) < len(sent)
    assert public.warnings == ("the file holds several pictures; readers see the first",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_with_truncated_pixels_is_refused(kind: str) -> None:
    sent = saved(Image.effect_noise((200, 200), 80).convert("RGB"), kind)

    with pytest.raises(RefusedError) as refused:
        clean_picture(sent[: len(sent) // 2])

    assert refused.value.code == 400


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    sent = saved(a_scene(), "JPEG", progressive=True)
    start = sent.index(b"\xff\xda")
    end = sent.index(b"\xff", start + 2)
    scan = sent[start:end]

    with pytest.raises(RefusedError) as refused:
        clean_picture(sent[:-2] + scan * (MAX_SCANS + 1) + sent[-2:])

    assert refused.value.code == 422


def test_an_oversized_colour_profile_is_removed_with_a_warning() -> None:
    sent = saved(a_scene(), "PNG")
    payload = b"icc\0\0" + zlib.compress(b"\0" * 50_000_000)
    chunk = struct.pack(">I", len(payload)) + b"iCCP" + payload + struct.pack(">I", zlib.crc32(b"iCCP" + payload))

    public = clean_picture(sent[:33] + chunk + sent[33:])

    assert public.data == sent
    assert public.warnings == ("the colour profile is broken or too large, and is left out",)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]), at=st.integers(12, 400), byte=st.integers(0, 255))
def test_a_corrupt_byte_gives_a_picture_or_a_refusal(kind: str, at: int, byte: int) -> None:
    options = {} if kind == "GIF" else {"exif": private_exif(6), "xmp": XMP}
    sent = bytearray(saved(a_scene(), kind, **options))
    sent[at % len(sent)] = byte
    try:
        public = clean_picture(bytes(sent))
    except RefusedError:
        return
    with Image.open(io.BytesIO(public.data)) as shown:
        assert shown.size == (public.facts.width, public.facts.height)
