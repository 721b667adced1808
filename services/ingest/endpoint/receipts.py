"""The route that returns the status of a submission."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response

from services.ingest.endpoint.auth import RequireRead
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import ReceiptReply, json_response, links_to

_RECEIPT = re.compile(r"[A-Za-z0-9._-]{1,200}")

router = APIRouter(tags=["receipts"])


@router.get(
    "/v1/receipts/{receipt}",
    summary="Get the status of a submission",
    operation_id="getReceipt",
    response_model=None,
    responses={200: {"model": ReceiptReply}, **documented(401, 403, 404, 503)},
)
async def get_receipt(request: Request, caller: RequireRead, receipt: str) -> Response:
    """Return the status of a submission, the time of each stage, and its pages once it is live."""
    state = None
    if _RECEIPT.fullmatch(receipt):
        state = await threads_of(request).run(deps_of(request).receipt, receipt)
    if state is None or not caller.covers(state.site):
        raise ProblemError(404, "there is no such receipt")
    return json_response(200, ReceiptReply(**dict(state), links=links_to(state.site, state.receipt, state.article)))
