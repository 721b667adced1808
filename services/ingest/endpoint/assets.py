"""Routes for assets: pictures that Superdesk uploads under its own names before the article that shows them."""

from __future__ import annotations

from typing import Annotated, Any

import anyio
import structlog
from fastapi import APIRouter, Path, Request, Response

from services.ingest.domain.assets import MAX_NAME_CHARS, Asset
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.endpoint.articles import FeedPath
from services.ingest.endpoint.auth import Caller
from services.ingest.endpoint.body import check_declared
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.multipart import parse_form
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import AssetReply, json_response
from services.ingest.endpoint.signatures import (
    Credentials,
    Verification,
    admit_signed,
    caller_of,
    candidates_of,
    find_publisher,
    find_signature,
    late_body,
    signed_feeds,
)
from services.ingest.endpoint.sites import SiteName
from shared.site.sites import Site

MAX_ASSET_BYTES = 256 * 1024 * 1024  # a larger file is refused; one larger than a picture is read and not kept
_FORM_BYTES = 16_384  # of the other fields and the boundaries
_MAX_NAME_BYTES = 4 * MAX_NAME_CHARS

router = APIRouter(tags=["media"])
log = structlog.get_logger()

_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["media_id", "media"],
                "properties": {
                    "media_id": {"type": "string", "maxLength": MAX_NAME_CHARS, "description": "The sender's name."},
                    "media": {"type": "string", "contentMediaType": "application/octet-stream"},
                },
            }
        }
    },
}


@router.get(
    "/v1/feeds/{feed}/assets/{media_id:path}",
    summary="Ask whether an asset exists",
    operation_id="getAsset",
    response_model=None,
    responses={200: {"model": AssetReply, "description": "The asset exists."}, **documented(404, 422, 503)},
)
async def get_asset(
    request: Request,
    feed: FeedPath,
    media_id: Annotated[str, Path(max_length=MAX_NAME_CHARS, description="The sender's name of the file.")],
    site: SiteName = None,
) -> Response:
    """Return 200 if the asset exists, 404 otherwise. Superdesk asks without a token or a signature.

    Only feeds with a secret have assets.
    """
    if await threads_of(request).run(_find_asset, request, media_id, feed, site) is None:
        raise ProblemError(404, "there is no such asset of this feed")
    return json_response(200, AssetReply(media_id=media_id))


@router.post(
    "/v1/feeds/{feed}/assets",
    summary="Upload an asset",
    operation_id="postAsset",
    status_code=201,
    response_model=None,
    responses={
        201: {"model": AssetReply, "description": "Stored."},
        200: {"model": AssetReply, "description": "An asset of this name was stored before."},
        **documented(400, 401, 403, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": _FORM},
)
async def post_asset(request: Request, feed: FeedPath, credentials: Credentials, site: SiteName = None) -> Response:
    """Store a picture under the sender's name; articles of the feed refer to it by `media` of their renditions.

    A file that is no picture, or too large, is accepted and not stored, because Superdesk sends an article only after
    its files. `reason` in the answer says so, and the article is published without the file.
    """
    deps = deps_of(request)
    caller, body = await _receive(request, feed, credentials, [site] if site else [])
    fields = parse_form(body, request.headers.get("content-type", ""))
    name, media = fields.get("media_id"), fields.get("media")
    if name is None or media is None:
        raise unacceptable([Fault("", "the form needs the fields media_id and media")])
    media_id = name.value[:_MAX_NAME_BYTES].decode("utf-8", "replace").strip()
    if not 0 < len(media_id) <= MAX_NAME_CHARS:
        raise unacceptable([Fault("", f"media_id must have 1 to {MAX_NAME_CHARS} characters")])
    chosen = caller.site(site)
    fits = media.is_complete and len(media.value) <= deps.settings.max_picture_bytes
    stored = await threads_of(request).run(
        deps.store_asset, media_id, media.value if fits else None, site=chosen, feed=caller.feed(chosen, feed)
    )
    asset = stored.asset
    reply = AssetReply(media_id=media_id, media=asset.media, reason=asset.reason or None)
    return json_response(201 if stored.is_new else 200, reply)


def _find_asset(request: Request, name: str, feed: str, site: str | None) -> Asset | None:
    deps = deps_of(request)
    for each in signed_feeds(deps, feed, [site] if site else []):
        if found := deps.find_asset(name, each.id, feed):
            return found
    return None


async def _receive(request: Request, feed: str, credentials: Credentials, named: list[str]) -> tuple[Caller, bytes]:
    """Return the caller and the beginning of the body, long enough for a picture.

    Raises:
        ProblemError: 401, 403; 503 if a signed body does not arrive in time, or the feed is over its rate.
        RefusedError: 413 or 415.
    """
    deps = deps_of(request)
    signature = find_signature(request.headers) if credentials is None else None
    if signature is None:
        caller = await find_publisher(request, credentials)
        return caller, await _read(request, [])
    candidates = await candidates_of(request, feed, named)
    verifications: dict[Site, Verification] = {
        site: Verification(signature, secrets) for site, (_, secrets) in candidates.items()
    }
    body = await _read(request, list(verifications.values()))
    genuine = {site: found for site, found in candidates.items() if verifications[site].is_genuine}
    caller = caller_of(signature, genuine, named, feed, deps)
    await admit_signed(request, caller)
    return caller, body


async def _read(request: Request, verifications: list[Verification]) -> bytes:
    """Read the whole body for the verifications and return as much as a picture may need."""
    deps = deps_of(request)
    check_declared(request, max_bytes=MAX_ASSET_BYTES)
    kept, size_bytes, limit = bytearray(), 0, deps.settings.max_picture_bytes + _FORM_BYTES
    try:
        with anyio.fail_after(deps.body_timeout_seconds):
            async for part in request.stream():
                size_bytes += len(part)
                if size_bytes > MAX_ASSET_BYTES:
                    raise RefusedError(413, f"the body is larger than the maximum of {MAX_ASSET_BYTES} bytes")
                for verification in verifications:
                    verification.update(part)
                kept += part[: max(0, limit - len(kept))]
    except TimeoutError as error:
        raise late_body(deps, "the body did not arrive in time") from error
    return bytes(kept)
