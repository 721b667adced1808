"""What is put is purged in the end, though its worker died before it did so and Redis lost the message too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.handler import keep_picture
from shared import keys
from shared.errors import EdgeUnavailableError
from shared.messages import ArticleRemoved, ListingsRendered, Message, PagesRendered, RepairPath
from tests.functional.conftest import Line, page_in, pages_in

TOPIC = "topics/ferries/index.html"
FERRIES: dict[str, Any] = {"topics": [{"name": "Ferries"}], "section": "culture"}
LATER = "2026-11-01T11:00:00Z"


class DiedError(Exception):
    """A worker's end, as the message sees it: nothing after this happens, and nobody is told."""


def die(*_: object, **__: object) -> None:
    raise DiedError


def run_until(line: Line, kind: type[Message], is_it: Callable[[Any], bool] = lambda _: True) -> Message:
    """Deliver until the first such message is next; return it, taken off the queue."""
    for _ in range(2_000):
        if not line.queue:
            line.tick(until_quiet=False)
        if not line.queue:
            continue  # the pages' next turn is some milliseconds away
        message = line.queue.pop(0)
        if isinstance(message, kind) and is_it(message):
            return message
        line.queue.extend(line.deliver(message))
    raise AssertionError(kind)


def page_at(path: str) -> Callable[[Message], bool]:
    return lambda message: path in {page.path for page in pages_in(message)}


def deliver_and_die_before_the_purge(line: Line, message: Message) -> None:
    purge, line.edge.purge = line.edge.purge, die  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        line.deliver(message)
    line.edge.purge = purge  # type: ignore[method-assign]
    line.edge.purged.clear()


def lose_redis_and_wait(line: Line) -> None:
    """Lose all messages and indexes; an hour of sweeps and rounds follows."""
    line.queue.clear()
    line.redis.flushall()
    for _ in range(6):
        line.now += timedelta(minutes=10)
        line.sweep()
        line.tick()


def is_purged(line: Line, path: str) -> bool:
    return keys.path_surrogate_key(path) in line.edge.purged


def test_a_tag_is_that_of_one_site_or_of_a_path(line: Line) -> None:
    accepted = line.post()
    line.tick()

    assert line.public.get("index.html").head.metadata["surrogate-keys"] == "listing:epn:home"
    known = {"listing:epn:home", "path:/", f"article:{accepted.article}"}
    assert known <= set(line.edge.purged)
    assert all(key.startswith(("listing:epn:", "path:/", "article:")) for key in line.edge.purged)


def test_an_article_whose_purge_was_lost_with_redis_is_purged_from_its_record(line: Line) -> None:
    line.post(headline="The mayr resigns")
    line.tick()
    line.post(headline="The mayor resigns", version_created=LATER)
    page = run_until(line, PagesRendered)
    deliver_and_die_before_the_purge(line, page)
    puts = line.public.puts.count(page_in(page).path)

    lose_redis_and_wait(line)

    assert is_purged(line, page_in(page).path)
    assert line.public.puts.count(page_in(page).path) == puts  # the bytes were there


def test_a_listing_whose_purge_was_lost_with_redis_is_purged_when_the_index_is_whole_again(line: Line) -> None:
    line.tick()
    line.post()
    home = run_until(line, ListingsRendered, page_at("index.html"))
    deliver_and_die_before_the_purge(line, home)
    puts = line.public.puts.count("index.html")

    lose_redis_and_wait(line)

    assert is_purged(line, "index.html")
    assert line.public.puts.count("index.html") == puts


@pytest.fixture
def last_of_its_topic(line: Line) -> Message:
    """A message: the page of a topic whose only article was killed has to answer 410."""
    accepted = line.post(**FERRIES)
    line.tick()
    assert line.public.find(TOPIC) is not None
    line.act("kill", accepted.article)
    return run_until(line, ListingsRendered, page_at(TOPIC))


def test_a_topic_that_is_gone_is_purged_when_its_message_comes_again(line: Line, last_of_its_topic: Message) -> None:
    deliver_and_die_before_the_purge(line, last_of_its_topic)

    line.deliver(last_of_its_topic)

    assert is_purged(line, TOPIC)
    assert line.status_at(TOPIC) == "410"


def test_a_topic_that_is_gone_is_purged_though_redis_lost_its_message(line: Line, last_of_its_topic: Message) -> None:
    deliver_and_die_before_the_purge(line, last_of_its_topic)

    lose_redis_and_wait(line)

    assert is_purged(line, TOPIC)
    assert line.status_at(TOPIC) == "410"


@pytest.mark.parametrize("is_killed", [True, False])
def test_no_page_shows_an_article_that_left_it_just_before_redis_was_lost(line: Line, *, is_killed: bool) -> None:
    accepted = line.post(headline="A secret ferry", **FERRIES)
    line.post(source_id="another", headline="Another one", topics=[{"name": "Harbours"}])
    line.tick()
    if is_killed:
        line.act("kill", accepted.article)
        line.deliver(run_until(line, ArticleRemoved))
    else:
        moved: dict[str, Any] = {"section": "science", "topics": [{"name": "Harbours"}], "version_created": LATER}
        line.post(headline="A secret ferry", **moved)
        line.deliver(run_until(line, PagesRendered, lambda message: message.items == (accepted.article,)))

    lose_redis_and_wait(line)

    left = [path for path, (body, _) in line.site_bytes().items() if b"A secret ferry" in body]
    assert not [path for path in left if is_killed or path.startswith(("culture/", "topics/ferries/"))]
    assert line.status_at(TOPIC) == ("410" if is_killed else "200")


def test_a_killed_picture_whose_purge_was_lost_with_redis_is_purged_and_looked_at(line: Line, a_picture: bytes) -> None:
    picture = {"media": keep_picture(a_picture, line.site, line.intake).media}
    accepted = line.post(picture=picture)
    line.tick()
    media = line.record(accepted.article).media[0]
    kill = line.act("kill", accepted.article)
    removal = run_until(line, ArticleRemoved)
    purge = line.edge.purge

    def purge_no_picture(surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        if keys.path_surrogate_key(media) in (named := list(surrogate_keys)):
            raise DiedError
        purge(named, soft=soft)

    line.edge.purge = purge_no_picture  # type: ignore[method-assign]
    with pytest.raises(DiedError):
        line.deliver(removal)
    line.edge.purge = purge  # type: ignore[method-assign]
    line.edge.purged.clear()
    assert line.status_at(media) == "410"

    lose_redis_and_wait(line)

    assert is_purged(line, media)
    assert line.receipt_status(kill.receipt) == "killed"


def test_a_kill_that_the_edge_still_shows_is_looked_at_again_though_redis_lost_it(line: Line) -> None:
    accepted = line.post()
    line.tick()
    line.act("kill", accepted.article)
    removal = run_until(line, ArticleRemoved)
    line.edge.shows = 200
    with pytest.raises(EdgeUnavailableError):
        line.deliver(removal)
    assert line.record(accepted.article).removed_by is None
    line.edge.shows = None
    line.edge.purged.clear()

    lose_redis_and_wait(line)

    assert f"article:{accepted.article}" in line.edge.purged
    assert line.record(accepted.article).removed_by is not None


def test_what_nobody_claims_is_purged_when_the_message_that_removes_it_comes_again(line: Line) -> None:
    line.public.put("world/extra/index.html", b"extra", metadata={"order": "1", "sha256": "0", "surrogate-keys": "x"})
    mend = RepairPath(message_id=uuid4(), site="epn", path="world/extra/index.html")
    deliver_and_die_before_the_purge(line, mend)
    assert line.public.find("world/extra/index.html") is not None

    line.deliver(mend)

    assert is_purged(line, "world/extra/index.html")
    assert line.public.find("world/extra/index.html") is None
