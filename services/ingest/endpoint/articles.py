"""Posting an article, and asking how it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import RefusedError
from services.ingest.endpoint.auth import Caller, Publisher, Reader
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.examples import ARTICLE_BODY
from services.ingest.endpoint.metrics import REFUSALS
from services.ingest.endpoint.preferences import Preferences, parse_prefer
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import ArticleReply, ArticleStateReply, json_response, links_to
from services.ingest.endpoint.sites import SiteName
from shared.receipts import Outcome
from shared.sites import Site

_ARTICLE = re.compile(r"^[a-z2-7]{26}$")
_REPLY_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "The receipt: what becomes of it."},
    "Preference-Applied": {"schema": {"type": "string"}, "description": "What was followed of `Prefer`."},
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`wait=N`: answer once the page is live, at the latest after N seconds. `respond-async`: answer as "
    "soon as the bytes are safe and leave reading to a worker (RFC 7240).",
    "example": "wait=10",
}

router = APIRouter(tags=["articles"])
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Submission:
    """One article on its way in."""

    request: Request
    caller: Caller
    site: Site
    raw: bytes

    async def accept(self) -> Accepted:
        """Return what became of it.

        Raises:
            RefusedError: it was not taken; logged here, where it is known who sent it.
        """
        deps = deps_of(self.request)
        try:
            return await threads_of(self.request).run(
                deps.accept,
                self.raw,
                content_type=self.request.headers.get("content-type"),
                site=self.site,
                source=self.caller.name,
                received_at=deps.clock(),
                may_take_down=self.caller.may_take_down,
            )
        except RefusedError as error:
            REFUSALS.labels(str(error.code)).inc()
            pointers = [fault.pointer for fault in error.faults]
            log.info(
                "submission.refused",
                site=self.site.id,
                source=self.caller.name,
                status=error.code,
                pointers=pointers,
                size_bytes=len(self.raw),
            )
            raise

    async def submit(self) -> str:
        """Return the receipt of bytes that a worker will read."""
        deps = deps_of(self.request)
        return await threads_of(self.request).run(
            deps.submit,
            self.raw,
            content_type=self.request.headers.get("content-type"),
            site=self.site,
            source=self.caller.name,
            received_at=deps.clock(),
            may_take_down=self.caller.may_take_down,
        )


@router.post(
    "/v1/articles",
    summary="Post an article",
    operation_id="postArticle",
    status_code=202,
    response_model=None,
    responses={
        202: {"model": ArticleReply, "description": "Taken, and safe from then on.", "headers": _REPLY_HEADERS},
        200: {
            "model": ArticleReply,
            "description": "Nothing more will come of it: live (with `Prefer: wait`), duplicate or superseded.",
            "headers": _REPLY_HEADERS,
        },
        **documented(400, 401, 403, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": ARTICLE_BODY, "parameters": [_PREFER]},
)
async def post_article(request: Request, caller: Publisher, site: SiteName = None) -> Response:
    """Take an article in any format that is read, by its Content-Type or else by what it looks like.

    Formats: Pressline's own JSON form (`application/vnd.pressline.article+json`, or `application/json`) and IPTC
    ninjs 3.0. A 202 is a promise: the article is stored, and `Location` tells what becomes of it. The same bytes
    again are a `duplicate`, so sending again after a lost answer is safe. `status: canceled` or `withheld` takes an
    article down and asks for the scope `takedown`.
    """
    settings = deps_of(request).settings
    wanted = parse_prefer(request.headers.getlist("prefer"), wait_limit_seconds=settings.wait_limit_seconds)
    meant = caller.site(site)
    raw = await read_body(request, max_bytes=settings.max_article_bytes, timeout_seconds=settings.body_timeout_seconds)
    submission = _Submission(request, caller, meant, raw)
    if wanted.is_async:
        receipt = await submission.submit()
        reply = ArticleReply(
            receipt=receipt, site=meant.id, status=Outcome.ACCEPTED, links=links_to(meant.id, receipt, None)
        )
    else:
        reply = _reply_to(await submission.accept())
    return await _answer(request, reply, wanted)


@router.get(
    "/v1/articles/{article}",
    summary="How an article stands",
    operation_id="getArticle",
    response_model=None,
    responses={200: {"model": ArticleStateReply}, **documented(401, 403, 404, 422, 503)},
)
async def get_article(request: Request, caller: Reader, article: str, site: SiteName = None) -> Response:
    """Tell what was sent last of an article, and what readers see."""
    meant = caller.site(site)
    state = None
    if _ARTICLE.match(article):
        state = await threads_of(request).run(deps_of(request).article, meant.id, article)
    if state is None:
        raise ProblemError(404, "there is no such article on this site")
    links = links_to(state.site, None, state.article)
    return json_response(200, ArticleStateReply(**dict(state), links=links))


def _reply_to(accepted: Accepted) -> ArticleReply:
    return ArticleReply(
        receipt=accepted.receipt,
        site=accepted.site,
        article=accepted.article,
        revision=accepted.revision,
        status=Outcome(accepted.status),
        links=links_to(accepted.site, accepted.receipt, accepted.article),
        report=accepted.report,
    )


async def _answer(request: Request, reply: ArticleReply, wanted: Preferences) -> Response:
    """Answer at once, or after a while if the sender waits: 200 for what is at its end, 202 for what is on its way."""
    is_done = reply.status.is_final
    if wanted.wait_seconds is not None and reply.status in (Outcome.ACCEPTED, Outcome.DUPLICATE):
        state = await deps_of(request).wait(reply.receipt, wanted.wait_seconds)
        if state is not None and state.status.is_final:
            status = state.status if reply.status is Outcome.ACCEPTED else reply.status
            told = {"status": status, "url": state.url, "reason": state.reason}
            known = {"article": state.article or reply.article, "revision": state.revision or reply.revision}
            links = links_to(reply.site, reply.receipt, known["article"])
            report = reply.report or state.report
            reply = reply.model_copy(update={**told, **known, "links": links, "report": report})
            is_done = True
    headers = {"Location": f"/v1/receipts/{reply.receipt}"}
    if wanted.applied:
        headers["Preference-Applied"] = wanted.applied
    return json_response(HTTPStatus.OK if is_done else HTTPStatus.ACCEPTED, reply, headers)
