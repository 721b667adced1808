"""Pings WebSub hubs (W3C Recommendation of 2018): a feed has changed, so its hub fetches it and informs its readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from threading import Event
from urllib.parse import urlencode

import structlog

from services.relay.domain.verdicts import Verdict, verdict_of, wait_after
from services.relay.handler.deps import RelayDeps
from services.relay.metrics import PINGS
from services.relay.ports import UndeliveredError
from shared.runtime.event_log import EntryKind, Position
from shared.runtime.webhooks import DeliveryState
from shared.site import keys
from shared.site.listings import output_feeds

log = structlog.get_logger()

RECEIVER = "hubs"
_PAGE_ENTRIES = 500
_NEWS_WAIT_SECONDS = 1.0
_PENDING_WAIT_SECONDS = 0.25
_MIN_INTERVAL = timedelta(seconds=5)  # between two pings for one feed
_MAX_ATTEMPTS = 8  # about ten minutes; the next change of the feed pings anyway
_MAX_PARALLEL_PINGS = 8


@dataclass(frozen=True, slots=True)
class _Ping:
    """A ping that is to be made."""

    hub: str
    due_at: datetime
    attempts: int = 0


class HubPinger:
    """The job that pings the hubs of all sites, at most once in five seconds for each feed.

    The position is stored while no ping is pending. So after a crash a hub may be pinged twice, but never too rarely.
    """

    name = "hubs"

    def __init__(self, deps: RelayDeps) -> None:
        self._deps = deps
        self._threads = ThreadPoolExecutor(_MAX_PARALLEL_PINGS, thread_name_prefix="hub")
        self._position: Position | None = None
        self._pending: dict[str, _Ping] = {}  # by the feed's URL
        self._pinged_at: dict[str, datetime] = {}

    def run_round(self, stop: Event) -> None:
        """Read the log, make the pings that are due, then wait for news for a second at most.

        Raises:
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        if not any(site.hub_url for site in self._deps.sites.values()):
            stop.wait(_NEWS_WAIT_SECONDS)
            return
        events = self._deps.events
        state = self._deps.state_of(RECEIVER, events.end)
        position = self._position or state.place or events.end()
        page = events.read(position, _PAGE_ENTRIES, 0.0 if self._pending else _NEWS_WAIT_SECONDS)
        now = self._deps.clock()
        self._add(((entry.site, entry.url) for _, entry in page.entries if entry.kind is EntryKind.FEED), now)
        self._position = page.following
        if page.is_from_journal or page.following.journal_us is not None:  # the journal knows no feeds
            self._position = events.end()
            self._add(self._all_feeds(), now)
        self._ping_due(now)
        if self._pending:
            stop.wait(_PENDING_WAIT_SECONDS)
        elif self._position != state.place:
            self._deps.save(RECEIVER, DeliveryState(position=str(self._position), stored_at=state.stored_at))

    def close(self) -> None:
        """Wait for the running pings."""
        self._threads.shutdown(cancel_futures=True)

    def _all_feeds(self) -> Iterator[tuple[str, str]]:
        for site in self._deps.sites.values():
            for listing in output_feeds(site):
                yield site.id, f"{site.base_url}{keys.url_path(listing.path)}"

    def _add(self, changed: Iterable[tuple[str, str]], now: datetime) -> None:
        """Add a ping for each changed feed whose site has a hub."""
        for site_id, url in changed:
            site = self._deps.sites.get(site_id)
            if site is None or site.hub_url is None or url in self._pending:
                continue
            due_at = max(now, self._pinged_at.get(url, now - _MIN_INTERVAL) + _MIN_INTERVAL)
            self._pending[url] = _Ping(site.hub_url, due_at)

    def _ping_due(self, now: datetime) -> None:
        """Make the pings that are due, as many as run at the same time: a round ends soon, also with slow hubs."""
        are_due = ((url, ping) for url, ping in self._pending.items() if ping.due_at <= now)
        due = list(islice(are_due, _MAX_PARALLEL_PINGS))
        results = self._threads.map(lambda each: self._ping(*each), due)
        for (url, ping), (verdict, requested_seconds) in zip(due, results, strict=True):
            PINGS.labels(verdict.value).inc()
            self._pinged_at[url] = now
            attempts = ping.attempts + 1
            del self._pending[url]  # a ping that is repeated goes to the end, so that it delays no other one
            if verdict is Verdict.RETRY and attempts < _MAX_ATTEMPTS:
                wait = wait_after(attempts, requested_seconds, self._deps.jitter())
                self._pending[url] = _Ping(ping.hub, now + wait, attempts)

    def _ping(self, url: str, ping: _Ping) -> tuple[Verdict, float | None]:
        """Ping a hub; return the verdict, and the wait in seconds that the hub requests."""
        body = urlencode({"hub.mode": "publish", "hub.url": url}).encode()
        try:
            answer = self._deps.post(ping.hub, body, {"content-type": "application/x-www-form-urlencoded"})
        except UndeliveredError as error:
            log.warning("hub.unanswered", feed=url, attempts=ping.attempts + 1, reason=str(error))
            return Verdict.RETRY, None
        verdict = verdict_of(answer.status)
        if verdict is not Verdict.DELIVERED:
            log.warning("hub.refused", feed=url, status=answer.status, answer=answer.excerpt[:200])
        return verdict, answer.retry_after_seconds
