"""Rules for uploaded pictures: media type and size, checked before decoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.refusal import Fault, RefusedError, unacceptable

MAX_PICTURE_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE_PIXELS = 20_000

PictureType = Literal["image/jpeg", "image/png", "image/webp", "image/gif"]


class PictureFacts(BaseModel):
    """The media type of a picture, and its width and height in pixels as shown."""

    model_config = ConfigDict(frozen=True)

    content_type: PictureType
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PublicPicture:
    """The public form of a picture. `warnings`: its differences from the uploaded file."""

    facts: PictureFacts
    data: bytes
    warnings: tuple[str, ...] = ()


class StoredPicture(PictureFacts):
    """A picture in the content bucket; `media` is the SHA-256 of the uploaded bytes."""

    media: str
    size_bytes: int
    is_new: bool = True
    warnings: tuple[str, ...] = ()


def sniff(data: bytes) -> PictureType:
    """Return the media type, detected from the first bytes.

    Raises:
        RefusedError: 415, unsupported type.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise RefusedError(415, "the bytes are not a JPEG, PNG, WebP or GIF picture")


def check_size(data: bytes, *, max_bytes: int = MAX_PICTURE_BYTES) -> None:
    """Refuse an empty picture, and one with too many bytes.

    Raises:
        RefusedError: 400 or 413.
    """
    if not data:
        raise RefusedError(400, "the body is empty; the bytes of a picture were expected")
    if len(data) > max_bytes:
        raise RefusedError(413, f"the picture has {len(data)} bytes; the maximum is {max_bytes}")


def check_sides(width: int, height: int) -> None:
    """Refuse a picture that would not fit in memory when decoded.

    Raises:
        RefusedError: 422, the text names the limits.
    """
    if width < 1 or height < 1:
        raise unacceptable([Fault("", "the picture has no width or no height")])
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        limits = f"the maximum is {MAX_SIDE_PIXELS} pixels a side and {MAX_PIXELS // 1_000_000} megapixels in total"
        raise unacceptable([Fault("", f"the picture is {width} x {height} pixels; {limits}")])
