"""Subscribes polled feeds to their WebSub hubs (W3C Recommendation of 2018), and renews the leases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode

import structlog

from services.relay.handler.submissions import SubmissionDeps
from services.relay.ports import PostOutside, UndeliveredError
from shared.runtime.feed_polls import PollState
from shared.runtime.hub_subscriptions import CALLBACK_PATH, HubSubscription, HubSubscriptions
from shared.site.sites import Feed, Site

log = structlog.get_logger()

_LEASE_SECONDS = 10 * 86_400  # requested; the hub decides
_RENEWED_BEFORE = timedelta(days=1)
_REPEATED_AFTER = timedelta(hours=1)  # a request that the hub did not verify
_SLOWER = 4  # times the interval, while a hub delivers
_MAX_SLOW_INTERVAL = timedelta(hours=1)
_LATE = timedelta(days=2)  # a hub that delivered nothing for so long is not relied on


@dataclass(frozen=True, slots=True)
class HubFollower:
    """Keeps the subscriptions of polled feeds; `public_url` is the endpoint's address for hubs."""

    public_url: str
    subscriptions: HubSubscriptions
    post: PostOutside

    def follow(self, state: PollState, site: Site, feed: Feed, deps: SubmissionDeps) -> PollState:
        """Subscribe to the hub that the document announces, or renew the lease; return the next state.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        known = self.subscriptions.find(state.subscription) if state.subscription else None
        is_wanted = feed.follows_hub and state.hub is not None and state.topic is not None
        if known is not None and not (is_wanted and (known.hub, known.topic) == (state.hub, state.topic)):
            self.subscriptions.remove(known.id)  # the hub gets 410 and ends it
            known = None
        if not is_wanted or state.hub is None or state.topic is None:
            return state.model_copy(update={"subscription": None})
        now = deps.clock()
        if known is None:
            known = HubSubscription(
                id=deps.new_secret(),
                site=site.id,
                feed=feed.id,
                hub=state.hub,
                topic=state.topic,
                secret=deps.new_secret(),
                requested_at=now,
            )
        elif not _is_due(known, now):
            return state
        subscription = known.model_copy(update={"requested_at": now})
        self.subscriptions.put(subscription)  # before the request: the hub may verify it at once
        self._request(subscription)
        return state.model_copy(update={"subscription": subscription.id})

    def interval(self, state: PollState, interval: timedelta, now: datetime) -> timedelta:
        """Return the interval of the polls: four times as long, an hour at most, while the hub delivers."""
        known = self.subscriptions.find(state.subscription) if state.subscription else None
        if known is None or not known.is_active(now) or known.delivered_at is None or now - known.delivered_at > _LATE:
            return interval
        return max(interval, min(interval * _SLOWER, _MAX_SLOW_INTERVAL))

    def _request(self, subscription: HubSubscription) -> None:
        """Send the request; without success it is repeated after an hour."""
        fields = {
            "hub.callback": f"{self.public_url.rstrip('/')}{CALLBACK_PATH}{subscription.id}",
            "hub.mode": "subscribe",
            "hub.topic": subscription.topic,
            "hub.secret": subscription.secret,
            "hub.lease_seconds": str(_LEASE_SECONDS),
        }
        names = {"site": subscription.site, "feed": subscription.feed, "hub": subscription.hub}
        try:
            answer = self.post(
                subscription.hub, urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded"}
            )
        except UndeliveredError as error:
            log.warning("subscription.unanswered", **names, reason=str(error))
            return
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            log.info("subscription.requested", **names)
        else:
            log.warning("subscription.refused", **names, status=answer.status)


def _is_due(subscription: HubSubscription, now: datetime) -> bool:
    if now - subscription.requested_at < _REPEATED_AFTER:
        return False
    ends_at = subscription.lease_ends_at
    return ends_at is None or ends_at - now < _RENEWED_BEFORE
