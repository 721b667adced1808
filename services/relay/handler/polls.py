"""Polls the document of a feed, and submits each new one as the sender would post it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Event

import structlog

from services.relay.domain.hub_links import find_hub_links
from services.relay.domain.polling import wait_after_failure, wait_after_success
from services.relay.handler.submissions import SubmissionDeps, submit
from services.relay.handler.subscriptions import HubFollower
from services.relay.metrics import POLL_AGE, POLLS
from services.relay.ports import Fetched, FetchOutside, UndeliveredError
from shared.runtime.feed_polls import MAX_VALIDATOR_CHARS, PollState
from shared.site.sites import Feed, Site

log = structlog.get_logger()

_ROUND_WAIT_SECONDS = 4.0
_MAX_RESULT_CHARS = 300


class FeedPoller:
    """The job that polls one feed. A slow or failing feed delays no other one, since each has its own job.

    The state is stored after the submission. After a crash in between, a document is submitted twice, and its articles
    are duplicates. A crash before the submission loses nothing, because the next poll fetches the document again.
    """

    def __init__(
        self, site: Site, feed: Feed, fetch: FetchOutside, deps: SubmissionDeps, hubs: HubFollower | None = None
    ) -> None:
        self.name = f"poll-{site.id}-{feed.id}"
        self._site, self._feed, self._fetch, self._deps = site, feed, fetch, deps
        self._hubs = hubs  # None: the feed is only polled
        self._url = feed.poll_url or ""
        self._begun_at = deps.clock()
        self._state: PollState | None = None

    def run_round(self, stop: Event) -> None:
        """Poll if the time has come or an operator requests it, then wait for four seconds at most.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        deps, names = self._deps, (self._site.id, self._feed.id)
        is_requested = deps.polls.is_requested(*names)
        if (is_requested or self._is_due()) and not deps.is_full():
            self._state = self._stored_state()  # another relay may have polled meanwhile
            if is_requested or self._is_due():
                self._state = self._poll(self._state)
                if self._hubs and not self._state.failures:
                    self._state = self._hubs.follow(self._state, self._site, self._feed, deps)
                deps.polls.save(*names, self._state)
            if is_requested:
                deps.polls.end_request(*names)
        succeeded_at = (self._state.succeeded_at if self._state else None) or self._begun_at
        POLL_AGE.labels(*names).set((deps.clock() - succeeded_at).total_seconds())
        stop.wait(_ROUND_WAIT_SECONDS)

    def close(self) -> None:
        """Do nothing: the job has no thread of its own."""

    def _is_due(self) -> bool:
        state = self._state
        if state is None:
            return True
        return not state.is_gone and (state.next_poll_at is None or state.next_poll_at <= self._deps.clock())

    def _stored_state(self) -> PollState:
        found = self._deps.polls.find(self._site.id, self._feed.id)
        return found if found and found.url == self._url else PollState(url=self._url)

    def _poll(self, state: PollState) -> PollState:
        """Fetch the document, submit it if it is new, and return the next state."""
        headers = {"if-none-match": state.etag, "if-modified-since": state.last_modified}
        try:
            answer = self._fetch(self._url, {name: value for name, value in headers.items() if value})
        except UndeliveredError as error:
            return self._failed(state, str(error), None)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return self._succeeded(state, answer, "not_modified", "not modified (304)")
        if answer.status == HTTPStatus.GONE:
            gone = self._failed(state, "gone (410): not polled any more", None, result="gone")
            return gone.model_copy(update={"is_gone": True, "next_poll_at": None})
        if answer.status != HTTPStatus.OK:
            return self._failed(state, f"status {answer.status}", answer.retry_after_seconds)
        if not answer.body.strip():
            return self._failed(state, "the document is empty", answer.retry_after_seconds)
        return self._take(state, answer)

    def _take(self, state: PollState, answer: Fetched) -> PollState:
        links = find_hub_links(answer.headers.get("link", ""), answer.body, self._url)
        digest = hashlib.sha256(answer.body).hexdigest()
        known = state.model_copy(
            update={
                "etag": _validator(answer, "etag"),
                "last_modified": _validator(answer, "last-modified"),
                "body_sha256": digest,
                "hub": links.hub if links else None,
                "topic": links.topic if links else None,
            }
        )
        if digest == state.body_sha256:
            return self._succeeded(known, answer, "same", "the same bytes as before")
        submission = submit(answer.body, answer.headers.get("content-type", ""), self._site, self._feed, self._deps)
        log.info(
            "document.submitted",
            site=self._site.id,
            feed=self._feed.id,
            receipt=submission.receipt,
            size_bytes=len(answer.body),
        )
        submitted = known.model_copy(update={"receipt": submission.receipt, "submitted_at": submission.received_at})
        return self._succeeded(submitted, answer, "submitted", f"submitted {len(answer.body)} bytes")

    def _succeeded(self, state: PollState, answer: Fetched, result: str, text: str) -> PollState:
        now, interval = self._deps.clock(), self._interval
        if self._hubs:
            interval = self._hubs.interval(state, interval, now)
        wait = wait_after_success(interval, answer.headers.get("cache-control", ""), self._deps.jitter())
        POLLS.labels(result).inc()
        return state.model_copy(update={**_made(now, wait, text), "succeeded_at": now, "failures": 0})

    def _failed(
        self, state: PollState, reason: str, requested_seconds: float | None, *, result: str = "failed"
    ) -> PollState:
        failures = state.failures + 1
        wait = wait_after_failure(self._interval, failures, requested_seconds, self._deps.jitter())
        POLLS.labels(result).inc()
        log.warning("poll.failed", site=self._site.id, feed=self._feed.id, failures=failures, reason=reason)
        return state.model_copy(update={**_made(self._deps.clock(), wait, reason), "failures": failures})

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=self._feed.poll_interval_seconds)


def _made(now: datetime, wait: timedelta, text: str) -> dict[str, object]:
    return {"polled_at": now, "next_poll_at": now + wait, "result": text[:_MAX_RESULT_CHARS], "is_gone": False}


def _validator(answer: Fetched, name: str) -> str | None:
    """Return a validator to send back unchanged, or None without one; a header may be too long to be kept whole."""
    value = answer.headers.get(name, "")
    return value if 0 < len(value) < MAX_VALIDATOR_CHARS and value.isascii() and value.isprintable() else None
