"""WebSub: a changed output feed is announced to the site's hub, after readers can fetch it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from urllib.parse import parse_qs

import pytest
from redis import Redis

from services.relay.handler import HubPinger, RelayDeps
from services.relay.ports import Answer, UndeliveredError
from shared.model.history import StoredRevisions
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log import EntryId, EntryKind
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.webhooks.redis import RedisDeliveryStates
from shared.runtime.webhooks.stored import Subscribers
from shared.site.listings import output_feeds
from tests.functional.conftest import Pipeline

HUB = "https://hub.example/"


@dataclass
class Hub:
    """A hub that fetches a feed when it is pinged, as a real one does."""

    pipeline: Pipeline
    answers: list[int] = field(default_factory=list)
    is_down: bool = False
    busy_seconds: float | None = None
    fetched: list[tuple[str, bytes]] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        assert url == HUB
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        if self.is_down:
            raise UndeliveredError("down")
        if self.busy_seconds is not None:
            return Answer(503, self.busy_seconds)
        fields = parse_qs(body.decode())
        assert fields["hub.mode"] == ["publish"]
        (feed,) = fields["hub.url"]
        path = feed.removeprefix("http://edge.test/")
        self.fetched.append((path, self.pipeline.public.get(path).body))
        return Answer(self.answers.pop(0) if self.answers else 204)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.fetched]


@pytest.fixture
def hub(pipeline: Pipeline) -> Hub:
    site = pipeline.site.model_copy(update={"hub_url": HUB})
    pipeline.site = site
    for deps in (pipeline.render_deps, pipeline.publish_deps, pipeline.ingest_deps, pipeline.scheduler_deps):
        sites: dict[str, object] = deps.sites  # type: ignore[assignment]  # the one dictionary of the test
        sites[site.id] = site
    return Hub(pipeline)


@pytest.fixture
def pinger(pipeline: Pipeline, hub: Hub) -> Iterator[HubPinger]:
    found = pinger_of(pipeline, hub)
    yield found
    found.close()


def pinger_of(pipeline: Pipeline, hub: Hub) -> HubPinger:
    sites = {pipeline.site.id: pipeline.site}
    log = RedisEventLog(pipeline.redis)
    return HubPinger(
        RelayDeps(
            content=pipeline.content,
            events=StatusEvents(log, pipeline.content, StoredRevisions(pipeline.content), sites, lambda: pipeline.now),
            subscribers=Subscribers(pipeline.content),
            states=RedisDeliveryStates(pipeline.redis),
            post=hub.post,
            sites=sites,
            clock=lambda: pipeline.now,
            jitter=lambda: 0.0,
            new_id=lambda: "",
            max_age=timedelta(days=3),
        )
    )


def run_round(pinger: HubPinger) -> None:
    stop = Event()
    stop.set()  # no wait at the end of the round
    pinger.run_round(stop)


def run_rounds(pinger: HubPinger) -> None:
    """Run rounds until no ping is due: each makes as many as run at the same time."""
    for _ in range(6):
        run_round(pinger)


def test_a_hub_is_pinged_once_a_changed_feed_can_be_fetched(pipeline: Pipeline, hub: Hub, pinger: HubPinger) -> None:
    pipeline.tick()  # the feeds of the empty site
    run_round(pinger)
    hub.fetched.clear()
    pipeline.post(headline="Fresh on the wire", section="world")
    pipeline.tick()
    pipeline.now += timedelta(seconds=5)
    run_round(pinger)
    run_round(pinger)

    assert set(hub.paths) == {
        *("feed.xml", "atom.xml", "feed.json"),
        *("world/feed.xml", "world/atom.xml", "world/feed.json"),
    }
    assert all(b"Fresh on the wire" in body and HUB.encode() in body for _, body in hub.fetched)


def test_pings_of_one_feed_are_five_seconds_apart_and_the_last_change_is_not_missed(
    pipeline: Pipeline, hub: Hub, pinger: HubPinger
) -> None:
    run_round(pinger)
    for number in range(4):
        pipeline.post(source_id=f"a{number}", headline=f"Story {number}")
        pipeline.tick()
        run_round(pinger)
    assert hub.paths.count("feed.xml") == 1

    pipeline.now += timedelta(seconds=5)
    run_round(pinger)

    assert hub.paths.count("feed.xml") == 2
    assert b"Story 3" in dict(hub.fetched)["feed.xml"]


def test_a_hub_that_is_down_is_pinged_again_later(pipeline: Pipeline, hub: Hub, pinger: HubPinger) -> None:
    run_round(pinger)
    hub.is_down = True
    pipeline.post()
    pipeline.tick()
    run_rounds(pinger)
    hub.is_down = False
    run_rounds(pinger)
    assert hub.paths == []

    pipeline.now += timedelta(seconds=5)
    run_rounds(pinger)

    assert "feed.xml" in hub.paths


def test_a_round_makes_no_more_pings_than_run_at_the_same_time(
    pipeline: Pipeline, hub: Hub, pinger: HubPinger, redis: Redis
) -> None:
    run_round(pinger)
    pipeline.post()
    pipeline.tick()
    pipeline.now += timedelta(seconds=10)
    run_rounds(pinger)
    hub.fetched.clear()
    redis.flushall()  # so that all feeds are announced
    pipeline.now += timedelta(seconds=10)
    run_round(pinger)

    assert len(hub.paths) == 8 < len(list(output_feeds(pipeline.site)))


def test_a_hub_is_not_pinged_before_the_time_that_it_requests(
    pipeline: Pipeline, hub: Hub, pinger: HubPinger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_round(pinger)
    with monkeypatch.context() as patch:
        patch.setattr(hub, "busy_seconds", 120.0)
        pipeline.post()
        pipeline.tick()
        run_rounds(pinger)
    pipeline.now += timedelta(seconds=119)
    run_rounds(pinger)
    assert hub.paths == []

    pipeline.now += timedelta(seconds=1)
    run_rounds(pinger)

    assert "feed.xml" in hub.paths


def test_a_new_relay_pings_for_changes_that_the_last_one_did_not_announce(
    pipeline: Pipeline, hub: Hub, pinger: HubPinger
) -> None:
    run_round(pinger)
    hub.is_down = True
    pipeline.post()
    pipeline.tick()
    run_round(pinger)
    hub.is_down = False

    successor = pinger_of(pipeline, hub)
    run_round(successor)
    successor.close()

    assert "feed.xml" in hub.paths


def test_after_the_loss_of_redis_the_hub_is_pinged_for_every_feed(
    pipeline: Pipeline, hub: Hub, pinger: HubPinger, redis: Redis
) -> None:
    run_round(pinger)
    pipeline.post()
    pipeline.tick()
    pipeline.now += timedelta(seconds=10)
    run_round(pinger)
    hub.fetched.clear()
    redis.flushall()
    pipeline.now += timedelta(seconds=10)
    run_rounds(pinger)

    assert set(hub.paths) == {listing.path for listing in output_feeds(pipeline.site)}


def test_a_site_without_a_hub_announces_no_feed(pipeline: Pipeline, redis: Redis) -> None:
    pipeline.post()
    pipeline.tick()

    assert "hub" not in pipeline.public.get("feed.xml").body.decode()
    entries = RedisEventLog(redis).read(EntryId(0, 0), 100)
    assert {entry.kind for entry in entries} == {EntryKind.STATUS}
