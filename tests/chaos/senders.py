"""Correct clients: senders that post until they get an answer, and a watcher that reads public pages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Event, Lock
from typing import Any

import httpx

from tests.chaos.newsroom import Post
from tests.chaos.pace import Pace

_TIMEOUT_SECONDS = 20.0
_MAX_WAIT_SECONDS = 5.0
_SEND_POLL_SECONDS = 0.05
_RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_FINAL_STATUSES = frozenset({"live", "held", "refused", "duplicate", "superseded", "withdrawn", "killed", "failed"})
_ASYNC_ONE_IN = 5


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement of the endpoint."""

    post: Post
    receipt: str
    status: str
    at: float  # monotonic
    revision: str | None  # None: the article is read later


@dataclass(slots=True)
class PostLog:
    """The posts and their answers: the only input of the oracle."""

    acks: list[Ack] = field(default_factory=list)
    articles: dict[int, str] = field(default_factory=dict)  # story -> article
    kills: dict[str, str] = field(default_factory=dict)  # article -> receipt of the kill by a call
    refused: list[tuple[Post, str]] = field(default_factory=list)
    posted: Counter[tuple[int, int]] = field(default_factory=Counter)  # (story, number of the revision)
    retried: int = 0
    last_ack: dict[int, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def note(self, post: Post, reply: dict[str, Any]) -> None:
        """Record an acknowledgement."""
        with self.lock:
            now = time.monotonic()
            self.acks.append(Ack(post, reply["receipt"], reply["status"], now, reply.get("revision")))
            self.last_ack[post.story] = now
            if reply.get("article"):
                self.articles.setdefault(post.story, reply["article"])

    def acknowledged(self, story: int) -> list[Post]:
        """Return the acknowledged posts of a story."""
        with self.lock:
            return list({ack.post.number: ack.post for ack in self.acks if ack.post.story == story}.values())


class Senders:
    """Sends the posts of a list: each thread takes the next post when the pace allows it."""

    def __init__(self, api: httpx.Client, post_log: PostLog, stop: Event, pace: Pace) -> None:
        self._api = api
        self._post_log = post_log
        self._stop_asked = stop
        self._pace = pace
        self._numbers = count()

    def run(self, order: Sequence[Post]) -> None:
        """Send until the list is empty or the time is over; every thread calls this."""
        while (number := next(self._numbers)) < len(order):
            share = number / len(order)
            while not self._pace.may_send(share):
                if self._pace.is_over or self._stop_asked.wait(_SEND_POLL_SECONDS):
                    return
            self._pace.posted_share = max(self._pace.posted_share, share)
            self._send(order[number], is_async=number % _ASYNC_ONE_IN == 0)
        self._pace.posted_share = 1.0

    def _send(self, post: Post, *, is_async: bool) -> None:
        headers = {"Content-Type": "application/json"} | ({"Prefer": "respond-async"} if is_async else {})
        with self._post_log.lock:
            self._post_log.posted[post.story, post.number] += 1
        answer = post_until_answered(
            self._api, "/v1/articles", post.document, headers, self._stop_asked, self._post_log
        )
        if answer is None:
            return
        if answer.is_success:
            self._post_log.note(post, answer.json())
        else:
            with self._post_log.lock:
                self._post_log.refused.append((post, f"{answer.status_code} {answer.text[:500]}"))


def post_until_answered(
    api: httpx.Client, path: str, body: bytes, headers: dict[str, str], stop: Event, post_log: PostLog
) -> httpx.Response | None:
    """Post until the answer is final, and return the answer; return None once `stop` is set."""
    wait = 0.2
    while not stop.is_set():
        try:
            answer = api.post(path, content=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            seconds = wait
        else:
            if answer.status_code not in _RETRIED_STATUSES:
                return answer
            seconds = float(answer.headers.get("retry-after") or wait)
        with post_log.lock:
            post_log.retried += 1
        stop.wait(min(seconds, _MAX_WAIT_SECONDS))
        wait = min(wait * 2, _MAX_WAIT_SECONDS)
    return None


@dataclass(slots=True)
class Observed:
    """Observations of a reader during the run."""

    addresses: dict[str, set[str]] = field(default_factory=dict)  # article -> paths of URLs
    expected_since: dict[int, float] = field(default_factory=dict)  # story -> monotonic
    early: list[tuple[str, str]] = field(default_factory=list)  # (article, mark) shown before the end of the embargo

    def note_paths(self, article: str, paths: Sequence[str]) -> None:
        """Record addresses of an article, given as keys of the public bucket."""
        urls = {"/" + path.removesuffix("index.html") for path in paths}
        self.addresses.setdefault(article, set()).update(urls)


class Watcher:
    """Reads stories while they change: records their addresses, and texts that are public before their embargo ends."""

    def __init__(self, api: httpx.Client, edge: httpx.Client) -> None:
        self.observed = Observed()
        self._api = api
        self._edge = edge

    def collect(self, article: str) -> dict[str, Any] | None:
        """Return the state of an article and record its addresses; None without an answer."""
        try:
            answer = self._api.get(f"/v1/articles/{article}", timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            return None
        if not answer.is_success:
            return None
        state: dict[str, Any] = answer.json()
        self.observed.note_paths(article, state["paths"])
        return state

    def note_early_text(self, article: str, story: Sequence[Post], urls: Iterable[str]) -> None:
        """Record public text of a story's last post before its embargo ends, at these or known addresses."""
        post, before = story[-1], {post.headline for post in story[:-1]}
        for url in sorted({*urls, *self.observed.addresses.get(article, ())}):
            try:
                page = self._edge.get(url, timeout=_TIMEOUT_SECONDS)
            except httpx.TransportError:
                continue
            is_shown = post.mark in page.text or (post.headline not in before and post.headline in page.text)
            # The clock is read after the page: a page read at the end of the embargo is not early.
            if is_shown and post.embargo_until and datetime.now(UTC) < post.embargo_until:
                self.observed.early.append((article, f"{url} {post.mark}"))

    def receipt(self, receipt: str) -> dict[str, Any] | None:
        """Return a receipt, or None without an answer."""
        try:
            answer = self._api.get(f"/v1/receipts/{receipt}", timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def post_again(self, post: Post) -> dict[str, Any]:
        """Post an acknowledged revision again; return the answer."""
        headers = {"Content-Type": "application/json"}
        answer = self._api.post("/v1/articles", content=post.document, headers=headers, timeout=_TIMEOUT_SECONDS)
        reply: dict[str, Any] = answer.raise_for_status().json()
        return reply


def is_final(status: str) -> bool:
    """Return whether a receipt status is final."""
    return status in _FINAL_STATUSES
