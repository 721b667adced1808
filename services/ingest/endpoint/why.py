"""Asking why a page is as it is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.ingest.domain.reasons import Reasons
from services.ingest.endpoint.auth import RequireRead
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.problems import documented
from services.ingest.endpoint.replies import json_response
from services.ingest.endpoint.sites import SiteName

router = APIRouter(tags=["operations"])


@router.get(
    "/v1/why",
    summary="Why a page is as it is",
    operation_id="getWhy",
    response_model=None,
    responses={200: {"model": Reasons}, **documented(400, 401, 403, 422, 503)},
)
async def get_why(
    request: Request,
    caller: RequireRead,
    url: Annotated[str, Query(max_length=2000, description="An address of the site, or its path.", examples=["/"])],
    site: SiteName = None,
) -> Response:
    """Tell which article, revision, theme, inputs, worker and message made what readers find there, and when.

    Of a page that is behind it says why it is not newer.
    """
    meant = caller.site(site)
    return json_response(200, await threads_of(request).run(deps_of(request).why, url, meant))
