"""Pictures' headers, as Pillow reads them: `open` parses the header and decodes nothing until `load`."""

from __future__ import annotations

import io
import struct
import warnings

from PIL import Image, UnidentifiedImageError

from services.ingest.domain.pictures import MAX_PICTURE_BYTES, PictureFacts, check_sides, check_size, sniff
from services.ingest.domain.refusal import RefusedError

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_ORIENTATION = 0x0112
_ON_ITS_SIDE = range(5, 9)  # EXIF: the camera was turned, and browsers turn the picture back


def inspect_picture(data: bytes, *, max_bytes: int = MAX_PICTURE_BYTES) -> PictureFacts:
    """Return a picture's kind and its sides in pixels, as a browser shows it.

    Raises:
        RefusedError: 400 empty or broken, 413 too many bytes, 415 of another kind, 422 too large when decoded.
    """
    check_size(data, max_bytes=max_bytes)
    content_type = sniff(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limits are below those that Pillow warns of
            with Image.open(io.BytesIO(data), formats=[_FORMATS[content_type]]) as picture:
                (width, height), is_turned = picture.size, _is_on_its_side(picture, content_type)
    except Image.DecompressionBombError as error:
        raise RefusedError(422, "the picture has more pixels than can be decoded safely") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error, EOFError, IndexError) as error:
        raise RefusedError(400, "the picture's header is broken or cut short") from error
    check_sides(width, height)
    if is_turned:
        width, height = height, width
    return PictureFacts(content_type=content_type, width=width, height=height)


def _is_on_its_side(picture: Image.Image, content_type: str) -> bool:
    """Tell whether a JPEG's EXIF says so; of the others, EXIF may lie behind the pixels."""
    return content_type == "image/jpeg" and picture.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
