"""Splits picture files into their parts; keeps pixels and colours, removes metadata and further frames.

No pixel is decoded, so a picture keeps its quality. Each loop over a file is bounded in parts and bytes.
Sources: JPEG (ITU-T T.81, annex B), PNG (third edition), WebP (RFC 9649), GIF89a.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import NoReturn

from services.ingest.domain.pictures import PictureFacts, PictureType
from services.ingest.domain.refusal import RefusedError

MAX_PARTS = 400_000
"""Per file; a GIF of 20 MB has 80,000 blocks."""
MAX_SEGMENTS = 5_000
"""Per JPEG; a colour profile has at most 255."""
MAX_SCANS = 100
"""Per JPEG; a scan of a few bytes can take as long as decoding the whole picture."""
MAX_METADATA_BYTES = 256 * 1024
MAX_PROFILE_BYTES = 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PUBLIC_CHUNKS = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"),
        *(b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST", b"pHYs"),
    }
)
_EXIF, _XMP, _XMP_KEYWORD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"XML:com.adobe.xmp\0"
_PHOTOSHOP, _PROFILE, _MULTI_PICTURE, _ADOBE, _JFIF = (
    b"Photoshop 3.0\0",
    b"ICC_PROFILE\0",
    b"MPF\0",
    b"Adobe",
    b"JFIF\0",
)
_ADOBE_BYTES = _JFIF_BYTES = 12
_JPEG_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_JPEG_AFTER_SCAN = re.compile(rb"\xff+[^\xff\x00\xd0-\xd7]", re.DOTALL)
_JPEG_IMAGE_MARKERS = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xDE, 0xDF)) - {0xC8}
_EOI, _SOS = 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_WEBP_ALPHA, _WEBP_PROFILE, _WEBP_EXIF, _WEBP_XMP = 0x10, 0x20, 0x08, 0x04
_WEBP_FRAME_HEADER_BYTES = 16
_GIF_HEADER_BYTES, _GIF_IMAGE_BYTES = 13, 10
_GIF_IMAGE, _GIF_EXTENSION, _GIF_END, _GIF_CONTROL = 0x2C, 0x21, 0x3B, 0xF9


@dataclass(frozen=True, slots=True)
class Stripped:
    """A picture file of one frame without metadata, and the removed metadata.

    `exif` is a TIFF structure, `iptc` a list of Photoshop's image resources.
    """

    data: bytes
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    notice: bytes = b""  # PNG's own text "Copyright"
    has_more_frames: bool = False
    lost_profile: bool = False


def strip(data: bytes, content_type: PictureType) -> Stripped:
    """Return the first frame of a picture file without metadata, and the metadata.

    Raises:
        RefusedError: 400 the file is broken or cut short, 422 it has more parts than any picture needs.
    """
    try:
        return _STRIP[content_type](data)
    except (struct.error, IndexError) as error:
        raise RefusedError(400, "the picture is broken or cut short") from error


def with_metadata(data: bytes, facts: PictureFacts, *, exif: bytes, xmp: bytes) -> bytes:
    """Return a stripped picture file with this EXIF (a TIFF structure) and XMP; a GIF can hold neither."""
    if facts.content_type == "image/jpeg":
        start = 2 if data[3] != _APP0 else 4 + int.from_bytes(data[4:6])
        parts = ((_APP1, _EXIF + exif), (_APP1, _XMP + xmp))
        return data[:start] + b"".join(_segment(*part) for part in parts) + data[start:]
    if facts.content_type == "image/png":
        start = len(_PNG) + 25  # after IHDR, which is always first and has this length
        chunks = _chunk(b"eXIf", exif) + _chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0" + xmp)
        return data[:start] + chunks + data[start:]
    if facts.content_type == "image/webp":
        body = bytearray(_with_webp_header(data, facts)[12:])
        body[8] |= _WEBP_EXIF | _WEBP_XMP
        return _riff(bytes(body) + _riff_chunk(b"EXIF", exif) + _riff_chunk(b"XMP ", xmp))
    return data


def _with_webp_header(data: bytes, facts: PictureFacts) -> bytes:
    """Return a WebP file in its extended form, which can hold metadata."""
    if data[12:16] == b"VP8X":
        return data
    has_alpha = data[12:16] == b"VP8L" and data[24] & 0x10
    canvas = (facts.width - 1).to_bytes(3, "little") + (facts.height - 1).to_bytes(3, "little")
    header = bytes((_WEBP_ALPHA if has_alpha else 0, 0, 0, 0)) + canvas
    return _riff(_riff_chunk(b"VP8X", header) + data[12:])


def _refuse_parts() -> NoReturn:
    raise RefusedError(422, "the picture's file has more parts than a picture needs")


# --- JPEG -------------------------------------------------------------------------------------------------------


def _strip_jpeg(data: bytes) -> Stripped:
    """Keep the coded image, the colour profile and the density; drop all bytes after the first image."""
    kept, found = [b"\xff\xd8"], dict.fromkeys((_EXIF, _XMP, _PHOTOSHOP, _MULTI_PICTURE), b"")
    position, scans = 2, 0
    for _ in range(MAX_SEGMENTS):
        marker = _JPEG_MARKER.match(data, position)
        if marker is None:
            break
        kind, start = marker[1][0], marker.end()
        if kind == _EOI:
            kept.append(b"\xff\xd9")
            has_several = bool(found[_MULTI_PICTURE])
            return Stripped(b"".join(kept), found[_EXIF], found[_XMP], found[_PHOTOSHOP], has_more_frames=has_several)
        length = int.from_bytes(data[start : start + 2])
        payload, position = data[start + 2 : start + length], start + length
        if length < 2 or position > len(data):  # noqa: PLR2004 -- the length counts its own two bytes
            break
        if kind == _SOS:
            end = _JPEG_AFTER_SCAN.search(data, position)
            scans += 1
            if end is None:
                break
            if scans > MAX_SCANS:
                _refuse_parts()
            kept += [_segment(kind, payload), data[position : end.start()]]
            position = end.start()
        elif (public := _public_payload(kind, payload, is_first=len(kept) == 1)) is not None:
            kept.append(_segment(kind, public))
        elif name := next((each for each in found if payload.startswith(each)), None):
            found[name] = (found[name] + payload[len(name) :])[:MAX_METADATA_BYTES]
    raise RefusedError(400, "the JPEG is broken, or ends before its end-of-image marker; send the whole file again")


def _public_payload(kind: int, payload: bytes, *, is_first: bool) -> bytes | None:
    """Return the public part of a segment, or None."""
    if kind in _JPEG_IMAGE_MARKERS or (kind == _APP2 and payload.startswith(_PROFILE)):
        return payload
    if kind == _APP0 and payload.startswith(_JFIF) and is_first:
        return payload[:_JFIF_BYTES] + b"\0\0"  # without its thumbnail
    if kind == _APP14 and payload.startswith(_ADOBE):
        return payload[:_ADOBE_BYTES]
    return None


def _segment(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(payload) + 2) + payload


# --- PNG --------------------------------------------------------------------------------------------------------


def _strip_png(data: bytes) -> Stripped:
    """Keep pixels and colours; from an animation keep its default image."""
    kept, exif, xmp, notice, has_more, has_lost_profile = [_PNG], b"", b"", b"", False, False
    position = len(_PNG)
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, position)
        payload, end = data[position + 8 : position + 8 + length], position + 12 + length
        if end > len(data):
            break
        if kind in _PNG_PUBLIC_CHUNKS:
            kept.append(data[position:end])
        elif kind == b"iCCP":
            is_valid = _is_valid_profile(payload)
            kept += [data[position:end]] if is_valid else []
            has_lost_profile = has_lost_profile or not is_valid
        elif kind == b"acTL":
            has_more = int.from_bytes(payload[:4]) > 1
        elif kind == b"eXIf" and length <= MAX_METADATA_BYTES:
            exif = payload.removeprefix(_EXIF)
        elif kind == b"iTXt" and payload.startswith(_XMP_KEYWORD):
            xmp = _international_text(payload)
        elif kind == b"tEXt" and payload.startswith(b"Copyright\0"):
            notice = payload[len(b"Copyright\0") :][:MAX_METADATA_BYTES]
        if kind == b"IEND":
            return Stripped(
                b"".join(kept), exif, xmp, notice=notice, has_more_frames=has_more, lost_profile=has_lost_profile
            )
        position = end
    else:
        _refuse_parts()
    raise RefusedError(400, "the picture is broken or cut short")


def _is_valid_profile(payload: bytes) -> bool:
    """Return whether a colour profile decompresses to at most `MAX_PROFILE_BYTES`; it may be a compression bomb."""
    compressed = payload.partition(b"\0")[2][1:]
    return _decompressed(compressed, MAX_PROFILE_BYTES) is not None


def _international_text(payload: bytes) -> bytes:
    is_compressed = payload[len(_XMP_KEYWORD)] == 1
    text = payload[len(_XMP_KEYWORD) + 2 :].split(b"\0", 2)[-1]
    if is_compressed:
        return _decompressed(text, MAX_METADATA_BYTES) or b""
    return text if len(text) <= MAX_METADATA_BYTES else b""


def _decompressed(compressed: bytes, max_bytes: int) -> bytes | None:
    decompressor = zlib.decompressobj()
    try:
        found = decompressor.decompress(compressed, max_bytes)
    except zlib.error:
        return None
    return found if decompressor.eof else None


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checked = kind + payload
    return struct.pack(">I", len(payload)) + checked + struct.pack(">I", zlib.crc32(checked))


# --- WebP -------------------------------------------------------------------------------------------------------


def _strip_webp(data: bytes) -> Stripped:
    """Keep pixels, transparency and colours; from an animation keep the first frame, at its own size."""
    size = int.from_bytes(data[4:8], "little")
    if 8 + size > len(data) + 1:
        raise RefusedError(400, "the picture is broken or cut short")
    chunks = _riff_chunks(data[12 : 8 + size])
    found = dict(reversed(chunks))
    frames = [payload for kind, payload in chunks if kind == b"ANMF"]
    pixels, canvas = chunks, found.get(b"VP8X", b"")[4:10]
    if frames:
        pixels, canvas = _riff_chunks(frames[0][_WEBP_FRAME_HEADER_BYTES:]), frames[0][6:12]
    drawn = [(kind, payload) for kind, payload in pixels if kind in (b"ALPH", b"VP8 ", b"VP8L")][:2]
    if not any(kind != b"ALPH" for kind, _ in drawn):
        raise RefusedError(400, "the picture is broken or cut short")
    body = [_riff_chunk(*each) for each in drawn]
    if b"VP8X" in found:
        flags = found[b"VP8X"][0] & _WEBP_ALPHA
        if b"ICCP" in found:
            flags |= _WEBP_PROFILE
            body.insert(0, _riff_chunk(b"ICCP", found[b"ICCP"]))
        body.insert(0, _riff_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + canvas))
    return Stripped(
        _riff(b"".join(body)),
        exif=found.get(b"EXIF", b"")[:MAX_METADATA_BYTES].removeprefix(_EXIF),
        xmp=found.get(b"XMP ", b"")[:MAX_METADATA_BYTES],
        has_more_frames=len(frames) > 1,
    )


def _riff_chunks(body: bytes) -> list[tuple[bytes, bytes]]:
    chunks: list[tuple[bytes, bytes]] = []
    position = 0
    while position + 8 <= len(body):
        kind, length = struct.unpack_from("<4sI", body, position)
        payload = body[position + 8 : position + 8 + length]
        if len(payload) < length:
            raise RefusedError(400, "the picture is broken or cut short")
        chunks.append((kind, payload))
        position += 8 + length + length % 2
        if len(chunks) > MAX_PARTS:
            _refuse_parts()
    return chunks


def _riff_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(payload)) + payload + b"\0" * (len(payload) % 2)


def _riff(body: bytes) -> bytes:
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body


# --- GIF --------------------------------------------------------------------------------------------------------


def _strip_gif(data: bytes) -> Stripped:
    """Keep the first image with its colour tables and graphic control extension."""
    start = _GIF_HEADER_BYTES + _colour_table_bytes(data[10])
    position, control, image = start, b"", b""
    while position < len(data) and data[position] != _GIF_END:
        kind = data[position]
        if kind == _GIF_EXTENSION:
            end = _end_of_blocks(data, position + 2)
            if data[position + 1] == _GIF_CONTROL and not image:
                control = data[position:end]
        elif kind == _GIF_IMAGE and image:
            return Stripped(data[:start] + control + image + b";", has_more_frames=True)
        elif kind == _GIF_IMAGE:
            end = position + _GIF_IMAGE_BYTES
            end = _end_of_blocks(data, end + _colour_table_bytes(data[end - 1]) + 1)
            image = data[position:end]
        else:
            break
        position = end
    if not image:
        raise RefusedError(400, "the picture is broken or cut short")
    return Stripped(data[:start] + control + image + b";")


def _colour_table_bytes(flags: int) -> int:
    """Return the size of a colour table in bytes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, position: int) -> int:
    for _ in range(MAX_PARTS):
        length = data[position]
        position += 1 + length
        if not length:
            return position
    _refuse_parts()


_STRIP = {"image/jpeg": _strip_jpeg, "image/png": _strip_png, "image/webp": _strip_webp, "image/gif": _strip_gif}
