"""Pictures made fit for the public, with Pillow's help: upright, of one frame, with rights and no other metadata.

Files are taken apart without decoding them (`services.ingest.domain.picture_files`). Pillow reads the header of the
result, and decodes only a picture that has to be turned.
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
    read_exif,
    rights_of_iptc,
    rights_of_xmp,
    words_of,
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
"""By EXIF's orientation: how the pixels have to be turned so that the picture stands upright without it."""
_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error, EOFError, IndexError, KeyError)
_KEPT_SAMPLINGS = (0, 2)  # 4:4:4 and 4:2:0 are the same on both sides of a turn; others become 4:4:4
_ONE_AT_A_TIME = threading.Lock()  # 50 megapixels take 300 MB while they are turned

_MORE_FRAMES = "the file holds several pictures; readers see the first"
_LOST_PROFILE = "the colour profile is broken or too large, and is left out"


def clean_picture(data: bytes, *, max_bytes: int = MAX_PICTURE_BYTES) -> PublicPicture:
    """Return the picture as readers get it: upright, one frame, its colour profile and rights, no other metadata.

    A picture that stands upright keeps its pixels to the bit; one that does not is encoded once more.

    Raises:
        RefusedError: 400 empty or broken, 413 too many bytes, 415 of another kind, 422 too large when decoded.
    """
    check_size(data, max_bytes=max_bytes)
    content_type = sniff(data)
    stripped = strip(data, content_type)
    orientation, rights = _read_metadata(stripped)
    facts = _facts(stripped.data, content_type)
    public = stripped.data
    if orientation in _TRANSPOSITIONS:
        public = _turned(public, content_type, _TRANSPOSITIONS[orientation])
        facts = _facts(public, content_type)
    if rights:
        public = with_metadata(public, facts, exif=exif_of(rights), xmp=xmp_of(rights))
    notes = (_MORE_FRAMES,) * stripped.has_more_frames + (_LOST_PROFILE,) * stripped.lost_profile
    return PublicPicture(facts, public, notes)


def _read_metadata(stripped: Stripped) -> tuple[int, PictureRights]:
    """Return the orientation (1: upright) and the rights; broken metadata says nothing."""
    orientation, notice = read_exif(stripped.exif)
    named = PictureRights(notice=notice or words_of(stripped.notice))
    return orientation, rights_of_xmp(stripped.xmp).or_else(rights_of_iptc(stripped.iptc)).or_else(named)


def _facts(data: bytes, content_type: PictureType) -> PictureFacts:
    """Return a picture's kind and its sides in pixels, as its header says."""
    try:
        with _opened(data, content_type) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:
        raise RefusedError(422, "the picture has more pixels than can be decoded safely") from error
    except _BROKEN as error:
        raise RefusedError(400, "the picture's header is broken or cut short") from error
    check_sides(width, height)
    return PictureFacts(content_type=content_type, width=width, height=height)


def _opened(data: bytes, content_type: PictureType) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limits are below those that Pillow warns of
        return Image.open(io.BytesIO(data), formats=[_FORMATS[content_type]])


def _turned(data: bytes, content_type: PictureType, turn: Image.Transpose) -> bytes:
    """Return the picture with its pixels turned, encoded as finely as it was."""
    out = io.BytesIO()
    try:
        with _ONE_AT_A_TIME, _opened(data, content_type) as picture:
            options = _encoding(picture, data, content_type)
            picture.transpose(turn).save(out, _FORMATS[content_type], **options)
    except _BROKEN as error:
        raise RefusedError(400, "the picture is broken or cut short") from error
    return strip(out.getvalue(), content_type).data


def _encoding(picture: Image.Image, data: bytes, content_type: PictureType) -> dict[str, Any]:
    profile = {"icc_profile": picture.info["icc_profile"]} if picture.info.get("icc_profile") else {}
    if isinstance(picture, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(picture)
        kept = sampling if sampling in _KEPT_SAMPLINGS else 0
        return {"qtables": picture.quantization, "subsampling": kept, **profile}
    if content_type == "image/webp":
        return ({"lossless": True} if b"VP8L" in data[:64] else {"quality": 92}) | profile
    return profile
