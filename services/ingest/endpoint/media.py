"""The route that stores a picture."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.ingest.endpoint.auth import RequirePublish
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.examples import PICTURE_BODY
from services.ingest.endpoint.problems import documented
from services.ingest.endpoint.replies import MediaLinks, MediaReply, json_response
from services.ingest.endpoint.sites import SiteName

router = APIRouter(tags=["media"])


@router.post(
    "/v1/media",
    summary="Upload a picture",
    operation_id="postMedia",
    status_code=201,
    response_model=None,
    responses={
        201: {"model": MediaReply, "description": "Stored."},
        200: {"model": MediaReply, "description": "The same bytes were stored before."},
        **documented(400, 401, 403, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": PICTURE_BODY},
)
async def post_media(request: Request, caller: RequirePublish, site: SiteName = None) -> Response:
    """Store a picture (JPEG, PNG, WebP or GIF, detected from its first bytes) for use in articles.

    Send the bytes as the body. The answer's `media` goes into an article's `picture.media` or `pictures[].media`, or
    into its body as `<img src="media:{digest}">`. The picture stays private until a page that shows it is published.
    The public form is upright, has one frame, and keeps the colour profile and the rights but no other metadata.
    """
    deps = deps_of(request)
    chosen_site = caller.site(site)
    data = await read_body(
        request,
        max_bytes=deps.settings.max_picture_bytes,
        timeout_seconds=deps.body_timeout_seconds,
    )
    stored = await threads_of(request).run(deps.store_picture, data, site=chosen_site)
    reply = MediaReply(
        media=stored.media,
        content_type=stored.content_type,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        links=MediaLinks(rendition=f"media:{stored.media}"),
        warnings=stored.warnings,
    )
    return json_response(201 if stored.is_new else 200, reply)
