"""The scheduler re-emits lost events by lane, with backoff; the waits are in a real valkey."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest
from redis import Redis

from infra.local.settings import PROJECT
from services.scheduler.handler import SchedulerDeps, release_due, sweep
from shared.messaging.messages import ArticleRemoved, ArticlesAccepted, Message
from shared.model.article import Article, Status
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord
from shared.model.revision import Revision, revision_id
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.backoff.redis import RedisBackoff
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.site import keys
from shared.site.sites import Site, load_sites
from shared.storage.memory import MemoryObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIRST_WAIT = timedelta(seconds=10)
SITE = load_sites(PROJECT / "infra" / "sites")["epn"]


class KnownIndex:
    """An index with the entries that the test sets."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        return {article: self.known[article] for article in articles if article in self.known}

    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        return True


class NotedBackoff(RedisBackoff):
    """Records waits. Each lasts an hour, until the test ends it."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self.begun: list[timedelta] = []

    def begin(self, site: str, waits: Mapping[str, timedelta]) -> set[str]:
        won = super().begin(site, dict.fromkeys(waits, timedelta(hours=1)))
        self.begun.extend(wait for item, wait in waits.items() if item in won)
        return won


@dataclass
class Newsroom:
    """A bucket of accepted articles, and the scheduler."""

    redis: Redis
    now: datetime = NOON
    content: MemoryObjectStorage = field(default_factory=MemoryObjectStorage)
    index: KnownIndex = field(default_factory=KnownIndex)
    revisions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.backoff = NotedBackoff(self.redis)
        self.scheduler_deps = SchedulerDeps(
            content=self.content,
            revisions=StoredRevisions(self.content),
            index=self.index,  # type: ignore[arg-type]  # the methods that the sweep calls
            quarantine=RedisQuarantine(self.redis),
            backoff=self.backoff,
            backlog=RedisBacklog(self.redis),
            sites={"epn": SITE},
            clock=lambda: self.now,
            first_wait=FIRST_WAIT,
        )

    def accept(self, article: str, lane: Lane = Lane.LIVE, **fields: Any) -> str:
        """Accept an article whose event is lost; a millisecond passes."""
        self.now += timedelta(milliseconds=1)
        name = revision_id(self.now, None)
        given = {"site": "epn", "source": "desk", "source_id": article, "headline": article, "section": "world"}
        revision = Revision(
            article_id=article,
            revision=name,
            status=Status.USABLE,
            lane=lane,
            accepted_at=self.now,
            raw_sha256="0" * 64,
            raw_key="raw",
            article=Article.model_validate({**given, "language": "en", "body": "<p>x</p>", **fields}),
        )
        self.content.put(keys.journal_key("epn", self.now, article, name, lane), b"")
        self.content.put(keys.revision_key("epn", article, name), revision.model_dump_json().encode())
        self.revisions[article] = name
        return article

    def publish(self, article: str) -> None:
        """Record that an article is live, and in the index."""
        name = self.revisions[article]
        record = LiveRecord(site="epn", article=article, revision=name, revisions_seen=1, claimed_by=name)
        self.content.put(keys.live_key("epn", article), record.model_dump_json().encode())
        self.index.known[article] = name

    def sweep(self) -> list[str]:
        """Return the articles of which one round of the sweep emits something."""
        return articles_of(sweep(SITE, self.scheduler_deps))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def end_waits(self) -> None:
        """End all backoff waits."""
        for key in self.redis.scan_iter("backoff:*"):
            self.redis.delete(key)

    def fill(self, lane: Lane) -> None:
        """Let more than two seconds of work wait in a lane."""
        self.redis.lpush(f"render.{lane}", *["a message"] * 200)

    def checkpoint(self) -> datetime:
        """Return the checkpoint of the sweep."""
        return datetime.fromisoformat(json.loads(self.content.get(keys.checkpoint_key("epn")).body)["minute"])


def articles_of(messages: Iterable[Message]) -> list[str]:
    found: list[str] = []
    for message in messages:
        found.extend(message.items if isinstance(message, ArticlesAccepted) else [getattr(message, "article", "")])
    return found


@pytest.fixture
def newsroom(redis: Redis) -> Newsroom:
    return Newsroom(redis)


def test_a_lost_event_is_emitted_again_after_its_first_wait_and_then_at_doubling_intervals(newsroom: Newsroom) -> None:
    newsroom.accept("lost")
    newsroom.wait(9)
    assert newsroom.sweep() == []

    for seconds in (1, 10, 20, 40):
        newsroom.end_waits()
        newsroom.wait(seconds)
        assert newsroom.sweep() == ["lost"]
        assert newsroom.sweep() == []

    assert [round(wait.total_seconds()) for wait in newsroom.backoff.begun] == [10, 20, 40, 80]


def test_a_wait_is_no_longer_than_ten_minutes(newsroom: Newsroom) -> None:
    newsroom.accept("lost")
    newsroom.wait(7200)

    assert newsroom.sweep() == ["lost"]
    assert newsroom.backoff.begun == [timedelta(minutes=10)]


@pytest.mark.parametrize("is_full", [False, True])
def test_events_that_wait_cost_no_reads(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, *, is_full: bool) -> None:
    for number in range(120):
        newsroom.accept(f"lost-{number:03d}", Lane.BULK)
    newsroom.wait(10)
    if is_full:
        newsroom.fill(Lane.BULK)
    newsroom.sweep()
    read: list[str] = []
    find = newsroom.content.find
    monkeypatch.setattr(newsroom.content, "find", lambda key: read.append(key) or find(key))  # type: ignore[func-returns-value]

    newsroom.sweep()

    assert len([key for key in read if key.endswith("live.json")]) == (50 if is_full else 0)


def test_many_lost_articles_are_emitted_in_batches_while_their_lane_is_short(newsroom: Newsroom) -> None:
    lost = [newsroom.accept(f"lost-{number:03d}", Lane.BULK) for number in range(120)]
    newsroom.wait(10)

    emitted = list(sweep(SITE, newsroom.scheduler_deps))

    assert [len(articles_of([message])) for message in emitted] == [50, 50, 20]
    assert {message.lane for message in emitted} == {Lane.BULK}
    assert articles_of(emitted) == lost


@pytest.mark.parametrize("where", ["waiting", "unacknowledged"])
def test_in_a_full_lane_a_round_emits_the_oldest_batch_alone(newsroom: Newsroom, where: str) -> None:
    lost = [newsroom.accept(f"lost-{number:03d}", Lane.BULK) for number in range(120)]
    newsroom.wait(10)
    if where == "waiting":
        newsroom.fill(Lane.BULK)
    else:
        newsroom.redis.hset("unacked", mapping={f"delivery tag {number}": "an envelope" for number in range(8)})

    assert newsroom.sweep() == lost[:50]
    assert newsroom.sweep() == lost[50:100]  # the oldest whose wait is over
    newsroom.redis.delete("render.bulk", "unacked")
    assert newsroom.sweep() == lost[100:]


def test_a_lane_that_becomes_full_during_a_round_takes_no_further_batch(newsroom: Newsroom) -> None:
    lost = [newsroom.accept(f"lost-{number:03d}", Lane.BULK) for number in range(120)]
    newsroom.wait(10)

    emitted = sweep(SITE, newsroom.scheduler_deps)
    first = articles_of([next(emitted)])
    newsroom.fill(Lane.BULK)

    assert [*first, *articles_of(emitted)] == lost[:50]


def test_a_lost_message_of_the_news_is_emitted_again_during_a_bulk_import(newsroom: Newsroom) -> None:
    imported = [newsroom.accept(f"imported-{number:03d}", Lane.BULK) for number in range(60)]
    newsroom.accept("news")
    newsroom.wait(10)
    newsroom.fill(Lane.BULK)

    assert newsroom.sweep() == ["news", *imported[:50]]


def test_a_full_lane_of_the_news_delays_no_first_lost_message(newsroom: Newsroom) -> None:
    newsroom.accept("news")
    newsroom.wait(10)
    newsroom.fill(Lane.LIVE)

    assert newsroom.sweep() == ["news"]


def both_rounds(newsroom: Newsroom, job: Any) -> list[str]:
    """Return the articles of the messages that two schedulers emit in interleaved rounds."""
    both = (newsroom.scheduler_deps, replace(newsroom.scheduler_deps, reconciled={}))
    rounds = zip_longest(*(iter(job(SITE, scheduler_deps)) for scheduler_deps in both))
    return articles_of(message for messages in rounds for message in messages if message is not None)


def test_two_schedulers_emit_a_lost_event_once(newsroom: Newsroom) -> None:
    lost = [newsroom.accept(f"lost-{number:03d}") for number in range(120)]
    newsroom.wait(10)

    assert sorted(both_rounds(newsroom, sweep)) == lost


def test_the_checkpoint_waits_for_an_item_that_was_not_emitted_again_or_is_not_reconciled(newsroom: Newsroom) -> None:
    lost = [newsroom.accept(f"lost-{number:03d}", Lane.BULK) for number in range(50)]
    newsroom.wait(120)
    lost.append(newsroom.accept("last", Lane.BULK))
    last_at = newsroom.now
    newsroom.wait(3600)
    newsroom.fill(Lane.BULK)

    assert newsroom.sweep() == lost[:50]
    assert newsroom.checkpoint() < last_at
    for article in lost[:50]:
        newsroom.publish(article)
    newsroom.sweep()
    assert newsroom.checkpoint() == last_at
    newsroom.publish(lost[-1])
    newsroom.sweep()
    assert newsroom.checkpoint() == newsroom.now


def test_an_item_in_quarantine_is_not_emitted_again_and_holds_up_no_checkpoint(newsroom: Newsroom) -> None:
    newsroom.accept("dead")
    newsroom.scheduler_deps.quarantine.add("epn", "dead", newsroom.revisions["dead"], 60)
    newsroom.wait(120)

    assert newsroom.sweep() == []
    assert newsroom.checkpoint() == newsroom.now


def scheduled(newsroom: Newsroom, names: Collection[str], field: str = "embargo_until") -> datetime:
    """Accept articles that have an entry in the schedule, ten minutes later; return when they are due."""
    due = newsroom.now + timedelta(minutes=10)
    for article in names:
        newsroom.accept(article, **{field: due})  # type: ignore[arg-type]  # none is a lane
        newsroom.content.put(keys.schedule_key("epn", due, article, newsroom.revisions[article]), b"")
    return due


def test_no_full_lane_delays_the_first_release_after_an_embargo(newsroom: Newsroom) -> None:
    due = scheduled(newsroom, names := [f"due-{number:03d}" for number in range(120)])
    newsroom.fill(Lane.LIVE)
    newsroom.now = due

    assert [len(articles_of([each])) for each in release_due(SITE, newsroom.scheduler_deps)] == [50, 50, 20]
    assert list(newsroom.content.list_keys("schedule/")) == []
    assert len(names) == 120


def test_two_schedulers_release_once(newsroom: Newsroom) -> None:
    newsroom.now = scheduled(newsroom, names := [f"due-{number:03d}" for number in range(120)])

    assert sorted(both_rounds(newsroom, release_due)) == names


def test_a_release_whose_message_is_lost_is_emitted_again_by_the_sweep(newsroom: Newsroom) -> None:
    due = scheduled(newsroom, ["due"])
    newsroom.wait(180)
    assert newsroom.sweep() == []  # reconciled: no revision is released
    newsroom.now = due
    assert articles_of(release_due(SITE, newsroom.scheduler_deps)) == ["due"]

    assert newsroom.sweep() == []  # it waits in the queue
    newsroom.wait(10)
    assert newsroom.sweep() == ["due"]


def test_an_expiry_whose_message_is_lost_is_emitted_again_by_the_sweep(newsroom: Newsroom) -> None:
    due = scheduled(newsroom, ["expires"], "expires_at")
    newsroom.publish("expires")
    newsroom.now = due - timedelta(seconds=1)
    newsroom.sweep()
    newsroom.now = due
    assert {message.lane for message in release_due(SITE, newsroom.scheduler_deps)} == {Lane.URGENT}

    newsroom.wait(10)
    emitted = list(sweep(SITE, newsroom.scheduler_deps))
    assert [type(message) for message in emitted] == [ArticleRemoved]
    assert articles_of(emitted) == ["expires"]


def test_an_emission_that_fails_leaves_the_entry_of_the_schedule(newsroom: Newsroom) -> None:
    newsroom.now = scheduled(newsroom, ["due"])
    round_of_one = release_due(SITE, newsroom.scheduler_deps)
    next(round_of_one)
    del round_of_one  # the emission has failed

    newsroom.end_waits()
    assert articles_of(release_due(SITE, newsroom.scheduler_deps)) == ["due"]


def test_a_wait_begins_once_and_ends_by_itself(redis: Redis) -> None:
    backoff = RedisBackoff(redis)

    assert backoff.begin("epn", {"a": timedelta(hours=1), "b": timedelta(0)}) == {"a", "b"}
    assert backoff.begin("epn", {"a": timedelta(hours=1)}) == set()
    assert backoff.waiting("other", ["a"]) == set()
    deadline = time.monotonic() + 5
    while backoff.waiting("epn", ["a", "b"]) != {"a"}:
        assert time.monotonic() < deadline
    assert backoff.begin("epn", {"b": timedelta(hours=1)}) == {"b"}
    assert backoff.waiting("epn", []) == set()
