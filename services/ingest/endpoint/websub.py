"""The callback of WebSub hubs: they verify a subscription of the relay, and deliver a feed's new document."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query, Request, Response

from services.ingest.domain.author import Author, author
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.requests import name_sender
from services.ingest.ports import SubmissionMetadata
from shared.model.lane import Lane
from shared.runtime.errors import UnknownFeedError
from shared.runtime.hub_subscriptions import HubSubscription
from shared.site.sites import Feed, Site

_MAX_LEASE_DIGITS = 9
_MAX_SIGNATURE_CHARS = 200
_SENDER = "hub"  # in logs and the audit log, where a token's name stands
_TEXT = "text/plain; charset=utf-8"

router = APIRouter(tags=["articles"])
log = structlog.get_logger()

SubscriptionId = Annotated[
    str,
    Path(
        max_length=100, description="The secret id of the subscription.", openapi_examples={"id": {"value": "A" * 43}}
    ),
]


@router.get(
    "/v1/websub/{subscription}",
    summary="Verify a subscription",
    operation_id="verifySubscription",
    response_model=None,
    responses={
        200: {"description": "The challenge, as text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented(404, 422, 503),
    },
)
async def verify_subscription(
    request: Request,
    subscription: SubscriptionId,
    mode: Annotated[str, Query(alias="hub.mode", max_length=20)] = "",
    topic: Annotated[str, Query(alias="hub.topic", max_length=2_000)] = "",
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=500)] = "",
    lease_seconds: Annotated[str, Query(alias="hub.lease_seconds", max_length=20)] = "",
    reason: Annotated[str, Query(alias="hub.reason", max_length=500)] = "",
) -> Response:
    """Confirm to a WebSub hub that the relay has requested this subscription; a hub calls it, no newsroom does."""
    deps, threads = deps_of(request), threads_of(request)
    found = await threads.run(_find, deps, subscription)
    if found is None or deps.hub_subscriptions is None or topic != found[0].topic:
        raise ProblemError(404, "there is no such subscription")
    known = found[0]
    if mode == "denied":
        log.warning("subscription.denied", site=known.site, feed=known.feed, hub=known.hub, reason=reason)
        await threads.run(deps.hub_subscriptions.deny, known, reason)
        return Response(media_type=_TEXT)
    if mode != "subscribe" or not challenge:
        raise ProblemError(404, "there is no such request")
    seconds = int(lease_seconds) if lease_seconds.isascii() and lease_seconds.isdecimal() else 0
    await threads.run(deps.hub_subscriptions.verify, known, min(seconds, 10**_MAX_LEASE_DIGITS), deps.clock())
    log.info("subscription.verified", site=known.site, feed=known.feed, hub=known.hub, lease_seconds=seconds)
    return Response(challenge, media_type=_TEXT, headers={"X-Content-Type-Options": "nosniff"})


@router.post(
    "/v1/websub/{subscription}",
    summary="Deliver a feed's new document",
    operation_id="deliverDocument",
    status_code=202,
    response_model=None,
    responses={202: {"description": "Stored; a worker reads it."}, **documented(403, 408, 410, 413, 415, 422, 503)},
    openapi_extra={
        "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string"}}}},
        "parameters": [
            {
                "name": "X-Hub-Signature",
                "in": "header",
                "required": True,
                "description": "`sha256=` and the HMAC of the body with the subscription's secret.",
                "schema": {"type": "string", "maxLength": _MAX_SIGNATURE_CHARS},
            }
        ],
    },
)
async def deliver_document(request: Request, subscription: SubscriptionId) -> Response:
    """Store a document that a WebSub hub delivers, as a post of the feed; a hub calls it, no newsroom does."""
    deps, threads = deps_of(request), threads_of(request)
    found = await threads.run(_find, deps, subscription)
    if found is None or deps.hub_subscriptions is None:
        raise ProblemError(410, "the subscription has ended")
    known, site, feed = found
    name_sender(f"{_SENDER} of {feed.id}")
    max_bytes = deps.settings.max_article_bytes
    raw = await read_body(request, max_bytes=max_bytes, timeout_seconds=deps.body_timeout_seconds)
    signature = request.headers.get("x-hub-signature", "")[:_MAX_SIGNATURE_CHARS]
    if not known.is_signed(signature, raw):
        raise ProblemError(403, "X-Hub-Signature is not the signature of this body with the subscription's secret")
    author.set(Author(_SENDER, request.scope["state"].get("request_id")))
    metadata = SubmissionMetadata(
        content_type=request.headers.get("content-type"),
        site=site,
        feed=feed,
        received_at=deps.clock(),
        may_take_down=feed.fetched_takedown,
        lane=Lane.LIVE,
    )
    submitted = await threads.run(deps.submit, raw, metadata)
    await threads.run(deps.hub_subscriptions.note_delivery, known, deps.clock())
    log.info("document.delivered", site=site.id, feed=feed.id, receipt=submitted.receipt, size_bytes=len(raw))
    return Response(status_code=202)


def _find(deps: EndpointDeps, subscription: str) -> tuple[HubSubscription, Site, Feed] | None:
    """Return a subscription whose feed is still polled and follows its hub, or None."""
    found = deps.hub_subscriptions.find(subscription) if deps.hub_subscriptions else None
    site = deps.sites.get(found.site) if found else None
    if found is None or site is None:
        return None
    try:
        feed = site.get_feed(found.feed)
    except UnknownFeedError:
        return None
    return (found, site, feed) if feed.poll_url and feed.follows_hub else None
