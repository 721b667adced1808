"""Good clients: several senders that post until they are answered, and a reader who looks at what became public."""

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
_PAUSE_SECONDS = 0.05
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_FINAL = frozenset({"live", "held", "refused", "duplicate", "superseded", "withdrawn", "killed", "failed"})
_ASYNC_ONE_IN = 5


@dataclass(frozen=True, slots=True)
class Ack:
    """What the endpoint promised."""

    post: Post
    receipt: str
    status: str
    at: float  # monotonic
    revision: str | None  # None: it is read later


@dataclass(slots=True)
class ScratchDb:
    """What was sent and what was answered; the only thing that the oracle believes."""

    acks: list[Ack] = field(default_factory=list)
    articles: dict[int, str] = field(default_factory=dict)  # story -> article
    kills: dict[str, str] = field(default_factory=dict)  # article -> receipt of the kill by a call
    refused: list[tuple[Post, str]] = field(default_factory=list)
    posted: Counter[tuple[int, int]] = field(default_factory=Counter)  # (story, number of the revision)
    retried: int = 0
    last_ack: dict[int, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def note(self, post: Post, reply: dict[str, Any]) -> None:
        """Record a promise."""
        with self.lock:
            now = time.monotonic()
            self.acks.append(Ack(post, reply["receipt"], reply["status"], now, reply.get("revision")))
            self.last_ack[post.story] = now
            if reply.get("article"):
                self.articles.setdefault(post.story, reply["article"])

    def acknowledged(self, story: int) -> list[Post]:
        """Return what was promised of a story."""
        with self.lock:
            return list({ack.post.number: ack.post for ack in self.acks if ack.post.story == story}.values())


class Senders:
    """Post what is in the list, each thread the next one, as the pace allows."""

    def __init__(self, api: httpx.Client, ledger: ScratchDb, stop: Event, pace: Pace) -> None:
        self._api = api
        self._ledger = ledger
        self._stop_asked = stop
        self._pace = pace
        self._numbers = count()

    def run(self, order: Sequence[Post]) -> None:
        """Send until nothing is left or the time is up; called by every thread."""
        while (number := next(self._numbers)) < len(order):
            share = number / len(order)
            while not self._pace.may_send(share):
                if self._pace.is_over or self._stop_asked.wait(_PAUSE_SECONDS):
                    return
            self._pace.posts = max(self._pace.posts, share)
            self._send(order[number], is_async=number % _ASYNC_ONE_IN == 0)
        self._pace.posts = 1.0

    def _send(self, post: Post, *, is_async: bool) -> None:
        headers = {"Content-Type": "application/json"} | ({"Prefer": "respond-async"} if is_async else {})
        with self._ledger.lock:
            self._ledger.posted[post.story, post.number] += 1
        answer = persist(self._api, "/v1/articles", post.document, headers, self._stop_asked, self._ledger)
        if answer is None:
            return
        if answer.is_success:
            self._ledger.note(post, answer.json())
        else:
            with self._ledger.lock:
                self._ledger.refused.append((post, f"{answer.status_code} {answer.text[:500]}"))


def persist(
    api: httpx.Client, path: str, body: bytes, headers: dict[str, str], stop: Event, ledger: ScratchDb
) -> httpx.Response | None:
    """Return the first answer that says yes or no, however often it takes; None once told to stop."""
    wait = 0.2
    while not stop.is_set():
        try:
            answer = api.post(path, content=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            seconds = wait
        else:
            if answer.status_code not in _TRY_AGAIN:
                return answer
            seconds = float(answer.headers.get("retry-after") or wait)
        with ledger.lock:
            ledger.retried += 1
        stop.wait(min(seconds, _MAX_WAIT_SECONDS))
        wait = min(wait * 2, _MAX_WAIT_SECONDS)
    return None


@dataclass(slots=True)
class Observed:
    """What a reader saw on the way."""

    addresses: dict[str, set[str]] = field(default_factory=dict)  # article -> paths of URLs
    right_at: dict[int, float] = field(default_factory=dict)  # story -> monotonic
    early: list[tuple[str, str]] = field(default_factory=list)  # (article, mark) seen before its time

    def note_paths(self, article: str, paths: Sequence[str]) -> None:
        """Record addresses of an article: keys of the public bucket."""
        urls = {"/" + path.removesuffix("index.html") for path in paths}
        self.addresses.setdefault(article, set()).update(urls)


class Watcher:
    """Looks at stories while they change: collects their addresses, and sees that no embargo is broken."""

    def __init__(self, api: httpx.Client, edge: httpx.Client) -> None:
        self.seen = Observed()
        self._api = api
        self._edge = edge

    def collect(self, article: str) -> dict[str, Any] | None:
        """Return how an article stands, its addresses noted; None where nobody answers now."""
        try:
            answer = self._api.get(f"/v1/articles/{article}", timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            return None
        if not answer.is_success:
            return None
        state: dict[str, Any] = answer.json()
        self.seen.note_paths(article, state["paths"])
        return state

    def look_for_leaks(self, article: str, story: Sequence[Post], urls: Iterable[str]) -> None:
        """Note what is public of a story's embargoed last post before its time, at these or any known addresses."""
        post, before = story[-1], {post.headline for post in story[:-1]}
        for url in sorted({*urls, *self.seen.addresses.get(article, ())}):
            try:
                page = self._edge.get(url, timeout=_TIMEOUT_SECONDS)
            except httpx.TransportError:
                continue
            is_shown = post.mark in page.text or (post.headline not in before and post.headline in page.text)
            # The clock is read after the page: what is seen at its time is not early.
            if is_shown and post.embargo_until and datetime.now(UTC) < post.embargo_until:
                self.seen.early.append((article, f"{url} {post.mark}"))

    def receipt(self, receipt: str) -> dict[str, Any] | None:
        """Return a receipt, or None where nobody answers now."""
        try:
            answer = self._api.get(f"/v1/receipts/{receipt}", timeout=_TIMEOUT_SECONDS)
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def post_again(self, post: Post) -> dict[str, Any]:
        """Return what the endpoint says of a post that it has acknowledged already."""
        headers = {"Content-Type": "application/json"}
        answer = self._api.post("/v1/articles", content=post.document, headers=headers, timeout=_TIMEOUT_SECONDS)
        reply: dict[str, Any] = answer.raise_for_status().json()
        return reply


def is_final(status: str) -> bool:
    """Tell whether a receipt says how it ended."""
    return status in _FINAL
