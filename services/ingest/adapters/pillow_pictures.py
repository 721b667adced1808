"""The public form of pictures: upright, one frame, with rights and no other metadata.

`services.ingest.domain.picture_files` splits files without decoding. Pillow reads the header of the result, and
decodes only pictures that must be rotated.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
from typing import Any

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from services.ingest.domain.picture_files import Stripped, strip, with_metadata
from services.ingest.domain.picture_rights import (
    PictureRights,
    exif_of,
    metadata_text,
    read_exif,
    rights_of_iptc,
    rights_of_xmp,
    xmp_of,
)
from services.ingest.domain.pictures import (
    MAX_PICTURE_BYTES,
    PictureFacts,
    PictureType,
    PublicPicture,
    check_sides,
    check_size,
    sniff,
)
from services.ingest.domain.refusal import RefusedError

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the transposition that makes the picture upright."""
_DECODE_ERRORS = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
)
_SYMMETRIC_SAMPLINGS = (0, 2)  # 4:4:4 and 4:2:0 are symmetric under rotation; others become 4:4:4
_TRANSPOSE_LOCK = threading.Lock()  # 50 megapixels need 300 MB

_MORE_FRAMES = "the file holds several pictures; readers see the first"
_LOST_PROFILE = "the colour profile is broken or too large, and is left out"


def clean_picture(data: bytes, *, max_bytes: int = MAX_PICTURE_BYTES) -> PublicPicture:
    """Return the public form of a picture: upright, one frame, colour profile and rights, no other metadata.

    An upright picture keeps its pixels to the bit; a rotated one is encoded again.

    Raises:
        RefusedError: 400 empty or broken, 413 too many bytes, 415 unsupported type, 422 too large when decoded.
    """
    check_size(data, max_bytes=max_bytes)
    content_type = sniff(data)
    stripped = strip(data, content_type)
    orientation, rights = _read_metadata(stripped)
    facts = _facts(stripped.data, content_type)
    public = stripped.data
    if orientation in _TRANSPOSITIONS:
        public = _transposed(public, content_type, _TRANSPOSITIONS[orientation])
        facts = _facts(public, content_type)
    if rights:
        public = with_metadata(public, facts, exif=exif_of(rights), xmp=xmp_of(rights))
    warnings_ = (_MORE_FRAMES,) * stripped.has_more_frames + (_LOST_PROFILE,) * stripped.lost_profile
    return PublicPicture(facts, public, warnings_)


def _read_metadata(stripped: Stripped) -> tuple[int, PictureRights]:
    """Return the orientation (1: upright) and the rights; broken metadata counts as absent."""
    orientation, notice = read_exif(stripped.exif)
    exif_rights = PictureRights(notice=notice or metadata_text(stripped.notice))
    return orientation, rights_of_xmp(stripped.xmp).or_else(rights_of_iptc(stripped.iptc)).or_else(exif_rights)


def _facts(data: bytes, content_type: PictureType) -> PictureFacts:
    """Return a picture's media type, width and height in pixels, read from its header."""
    try:
        with _open_image(data, content_type) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:
        raise RefusedError(422, "the picture has more pixels than can be decoded safely") from error
    except _DECODE_ERRORS as error:
        raise RefusedError(400, "the picture's header is broken or cut short") from error
    check_sides(width, height)
    return PictureFacts(content_type=content_type, width=width, height=height)


def _open_image(data: bytes, content_type: PictureType) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limits are below Pillow's
        return Image.open(io.BytesIO(data), formats=[_FORMATS[content_type]])


def _transposed(data: bytes, content_type: PictureType, transposition: Image.Transpose) -> bytes:
    """Return the transposed picture, encoded at the same quality."""
    out = io.BytesIO()
    try:
        with _TRANSPOSE_LOCK, _open_image(data, content_type) as picture:
            options = _save_options(picture, data, content_type)
            picture.transpose(transposition).save(out, _FORMATS[content_type], **options)
    except _DECODE_ERRORS as error:
        raise RefusedError(400, "the picture is broken or cut short") from error
    return strip(out.getvalue(), content_type).data


def _save_options(picture: Image.Image, data: bytes, content_type: PictureType) -> dict[str, Any]:
    profile = {"icc_profile": picture.info["icc_profile"]} if picture.info.get("icc_profile") else {}
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(picture)
        subsampling = sampling if sampling in _SYMMETRIC_SAMPLINGS else 0
        return {"qtables": picture.quantization, "subsampling": subsampling, **profile}
    if content_type == "image/webp":
        return ({"lossless": True} if b"VP8L" in data[:64] else {"quality": 92}) | profile
    return profile
