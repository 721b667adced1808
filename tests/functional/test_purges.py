"""Every PUT is purged in the end, even if its worker died before the purge and Redis lost the message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.handler import store_picture
from shared.messaging.messages import ArticleRemoved, ListingsRendered, Message, PagesRendered, RepairPath
from shared.runtime.errors import EdgeUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline, page_in, pages_in

TOPIC = "topics/ferries/index.html"
FERRIES: dict[str, Any] = {"topics": [{"name": "Ferries"}], "section": "culture"}
LATER = "2026-11-01T11:00:00Z"


class DiedError(Exception):
    """The death of a worker: the handler ends here, without an acknowledgement."""


def die(*_: object, **__: object) -> None:
    raise DiedError


def run_until(pipeline: Pipeline, kind: type[Message], matches: Callable[[Any], bool] = lambda _: True) -> Message:
    """Deliver until the next message matches; remove it from the queue and return it."""
    for _ in range(2_000):
        if not pipeline.queue:
            pipeline.tick(until_quiet=False)
        if not pipeline.queue:
            continue  # the leases of the pages end in some milliseconds
        message = pipeline.queue.pop(0)
        if isinstance(message, kind) and matches(message):
            return message
        pipeline.queue.extend(pipeline.deliver(message))
    raise AssertionError(kind)


def page_at(path: str) -> Callable[[Message], bool]:
    return lambda message: path in {page.path for page in pages_in(message)}


def deliver_and_die_before_the_purge(pipeline: Pipeline, message: Message) -> None:
    purge, pipeline.edge.purge = pipeline.edge.purge, die  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        pipeline.deliver(message)
    pipeline.edge.purge = purge  # type: ignore[method-assign]
    pipeline.edge.purged.clear()


def lose_redis_and_wait(pipeline: Pipeline) -> None:
    """Lose all messages and Redis; then run the scheduler's jobs for an hour."""
    pipeline.queue.clear()
    pipeline.redis.flushall()
    for _ in range(6):
        pipeline.now += timedelta(minutes=10)
        pipeline.sweep()
        pipeline.tick()


def is_purged(pipeline: Pipeline, path: str) -> bool:
    return keys.path_surrogate_key(path) in pipeline.edge.purged


def test_a_surrogate_key_names_a_listing_of_one_site_an_article_or_a_path(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()

    assert pipeline.public.get("index.html").head.metadata["surrogate-keys"] == "listing:epn:home"
    known = {"listing:epn:home", "path:/", f"article:{accepted.article}"}
    assert known <= set(pipeline.edge.purged)
    assert all(key.startswith(("listing:epn:", "path:/", "article:")) for key in pipeline.edge.purged)


def test_an_article_whose_purge_was_lost_with_redis_is_purged_from_its_record(pipeline: Pipeline) -> None:
    pipeline.post(headline="The mayr resigns")
    pipeline.tick()
    pipeline.post(headline="The mayor resigns", version_created=LATER)
    page = run_until(pipeline, PagesRendered)
    deliver_and_die_before_the_purge(pipeline, page)
    puts = pipeline.public.puts.count(page_in(page).path)

    lose_redis_and_wait(pipeline)

    assert is_purged(pipeline, page_in(page).path)
    assert pipeline.public.puts.count(page_in(page).path) == puts  # the bytes were public already


def test_a_listing_whose_purge_was_lost_with_redis_is_purged_when_the_index_is_complete_again(
    pipeline: Pipeline,
) -> None:
    pipeline.tick()
    pipeline.post()
    home = run_until(pipeline, ListingsRendered, page_at("index.html"))
    deliver_and_die_before_the_purge(pipeline, home)
    puts = pipeline.public.puts.count("index.html")

    lose_redis_and_wait(pipeline)

    assert is_purged(pipeline, "index.html")
    assert pipeline.public.puts.count("index.html") == puts


@pytest.fixture
def last_of_its_topic(pipeline: Pipeline) -> Message:
    """Return the message that makes the page of a topic answer 410: its only article was killed."""
    accepted = pipeline.post(**FERRIES)
    pipeline.tick()
    assert pipeline.public.find(TOPIC) is not None
    pipeline.act("kill", accepted.article)
    return run_until(pipeline, ListingsRendered, page_at(TOPIC))


def test_a_topic_that_answers_410_is_purged_when_its_message_is_redelivered(
    pipeline: Pipeline, last_of_its_topic: Message
) -> None:
    deliver_and_die_before_the_purge(pipeline, last_of_its_topic)

    pipeline.deliver(last_of_its_topic)

    assert is_purged(pipeline, TOPIC)
    assert pipeline.status_at(TOPIC) == "410"


def test_a_topic_that_answers_410_is_purged_even_if_redis_lost_its_message(
    pipeline: Pipeline, last_of_its_topic: Message
) -> None:
    deliver_and_die_before_the_purge(pipeline, last_of_its_topic)

    lose_redis_and_wait(pipeline)

    assert is_purged(pipeline, TOPIC)
    assert pipeline.status_at(TOPIC) == "410"


@pytest.mark.parametrize("is_killed", [True, False])
def test_no_page_shows_an_article_that_left_it_just_before_redis_was_lost(
    pipeline: Pipeline, *, is_killed: bool
) -> None:
    accepted = pipeline.post(headline="A secret ferry", **FERRIES)
    pipeline.post(source_id="another", headline="Another one", topics=[{"name": "Harbours"}])
    pipeline.tick()
    if is_killed:
        pipeline.act("kill", accepted.article)
        pipeline.deliver(run_until(pipeline, ArticleRemoved))
    else:
        moved: dict[str, Any] = {"section": "science", "topics": [{"name": "Harbours"}], "version_created": LATER}
        pipeline.post(headline="A secret ferry", **moved)
        pipeline.deliver(run_until(pipeline, PagesRendered, lambda message: message.items == (accepted.article,)))

    lose_redis_and_wait(pipeline)

    remaining = [path for path, (body, _) in pipeline.site_bytes().items() if b"A secret ferry" in body]
    assert not [path for path in remaining if is_killed or path.startswith(("culture/", "topics/ferries/"))]
    assert pipeline.status_at(TOPIC) == ("410" if is_killed else "200")


def test_a_killed_picture_whose_purge_was_lost_with_redis_is_purged_and_checked_at_the_edge(
    pipeline: Pipeline, a_picture: bytes
) -> None:
    picture = {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media}
    accepted = pipeline.post(picture=picture)
    pipeline.tick()
    media = pipeline.record(accepted.article).media[0]
    kill = pipeline.act("kill", accepted.article)
    removal = run_until(pipeline, ArticleRemoved)
    purge = pipeline.edge.purge

    def purge_no_picture(surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        if keys.path_surrogate_key(media) in (named := list(surrogate_keys)):
            raise DiedError
        purge(named, soft=soft)

    pipeline.edge.purge = purge_no_picture  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        pipeline.deliver(removal)
    pipeline.edge.purge = purge  # type: ignore[method-assign]
    pipeline.edge.purged.clear()
    assert pipeline.status_at(media) == "410"

    lose_redis_and_wait(pipeline)

    assert is_purged(pipeline, media)
    assert pipeline.receipt_status(kill.receipt) == "killed"


def test_a_killed_article_that_the_edge_still_shows_is_checked_again_even_if_redis_lost_the_kill(
    pipeline: Pipeline,
) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    pipeline.act("kill", accepted.article)
    removal = run_until(pipeline, ArticleRemoved)
    pipeline.edge.shows = 200
    with pytest.raises(EdgeUnavailableError):
        pipeline.deliver(removal)
    assert pipeline.record(accepted.article).removed_by is None
    pipeline.edge.shows = None
    pipeline.edge.purged.clear()

    lose_redis_and_wait(pipeline)

    assert f"article:{accepted.article}" in pipeline.edge.purged
    assert pipeline.record(accepted.article).removed_by is not None


def test_an_unclaimed_page_is_purged_when_its_repair_is_redelivered(pipeline: Pipeline) -> None:
    pipeline.public.put(
        "world/extra/index.html", b"extra", metadata={"order": "1", "sha256": "0", "surrogate-keys": "x"}
    )
    repair = RepairPath(message_id=uuid4(), site="epn", path="world/extra/index.html")
    deliver_and_die_before_the_purge(pipeline, repair)
    assert pipeline.public.find("world/extra/index.html") is not None

    pipeline.deliver(repair)

    assert is_purged(pipeline, "world/extra/index.html")
    assert pipeline.public.find("world/extra/index.html") is None
