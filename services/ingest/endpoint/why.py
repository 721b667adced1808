"""The route that returns the provenance of a page and the reasons why it is stale."""

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
    summary="Get the provenance of a page, and why it is stale",
    operation_id="getWhy",
    response_model=None,
    responses={200: {"model": Reasons}, **documented(400, 401, 403, 422, 503)},
)
async def get_why(
    request: Request,
    caller: RequireRead,
    url: Annotated[str, Query(max_length=1000, description="A URL of the site, or its path.", examples=["/"])],
    site: SiteName = None,
) -> Response:
    """Return the article, revision, theme, inputs, worker, message and time of the page at an address.

    For a stale page, return the reasons too.
    """
    chosen_site = caller.site(site)
    return json_response(200, await threads_of(request).run(deps_of(request).why, url, chosen_site))
